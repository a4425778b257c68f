// SPDX-License-Identifier: Apache-2.0
//! Apple's signatures: flat packages (XAR) and code (Mach-O), with Developer ID certificates.
//!
//! In: bytes that can be read anywhere, and a [demand](super::x509::demand::CertificateDemand). Out: evidence.
//! What is proven stands at [`code::check`] and [`package::check`]; what Apple's own tools do, and where this is
//! stricter, in `docs/vendor-signatures/apple.md`.

mod cdhashes;
mod certificates;
pub mod code;
mod directory;
mod fields;
mod heap;
mod judge;
pub mod macho;
pub mod members;
pub mod package;
mod pages;
mod property_list;
mod superblob;
mod ticket;
mod toc;
pub mod xar;

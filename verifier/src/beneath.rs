// SPDX-License-Identifier: Apache-2.0
//! How every path on a medium and on a target is resolved: downwards from one open folder, through no link.

use rustix::fs::ResolveFlags;

/// For `openat2(2)`, from Linux 5.6 on.
pub(crate) const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

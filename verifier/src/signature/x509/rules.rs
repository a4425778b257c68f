// SPDX-License-Identifier: Apache-2.0
//! To come in the next commit.

// SPDX-License-Identifier: Apache-2.0
//! What tells a folder from another one at the same path, also after the system has started again.

use serde::{Deserialize, Serialize};

use super::Node;

/// A folder, as the journal names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownFolder {
    pub(crate) path: String,
    device: u64,
    inode: u64,
    /// When it was made, where its file system keeps that: root folders have the same number each.
    born: Option<(u64, u32)>,
}

impl KnownFolder {
    pub(crate) fn new(path: &str, node: &Node) -> Self {
        Self { path: path.to_owned(), device: node.place.device(), inode: node.inode, born: node.born }
    }

    /// Whether this is it, whatever device number its file system has by now.
    pub(crate) fn is(&self, node: &Node) -> bool {
        // A kernel that tells no time tells nothing against it either.
        let same_time = self.born.is_none() || node.born.is_none() || self.born == node.born;
        self.inode == node.inode && same_time
    }

    /// Whether this is it, by whichever path it was reached.
    pub(crate) fn is_at(&self, node: &Node) -> bool {
        self.device == node.place.device() && self.is(node)
    }
}

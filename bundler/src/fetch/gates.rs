// SPDX-License-Identifier: Apache-2.0
//! Hosts that asked for a pause, and hosts that nobody reaches: known to all downloads of a run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::trouble::failed;
use super::url::{Authority, Url};
use crate::failure::Failure;

/// What is known about hosts.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<BTreeMap<Authority, Gate>>);

#[derive(Clone, Copy, Debug)]
enum Gate {
    /// No request before this.
    Until(Instant),
    /// All attempts of one download were in vain; the others would only wait for the same.
    Down,
}

impl Gates {
    /// Waits as long as the host has asked; an error where it is not reached at all.
    pub(super) fn pass(&self, url: &Url, authority: &Authority) -> Result<(), Failure> {
        let gate = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(authority).copied();
        match gate {
            None => Ok(()),
            Some(Gate::Until(until)) => {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                Ok(())
            }
            Some(Gate::Down) => Err(failed(url, format!("was not tried: {authority} could not be reached"))),
        }
    }

    /// The host asked for a pause.
    pub(super) fn close(&self, authority: &Authority, wait: Duration) {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.insert(authority.clone(), Gate::Until(Instant::now() + wait));
    }

    /// The host was not reached.
    pub(super) fn give_up(&self, authority: &Authority) {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.insert(authority.clone(), Gate::Down);
    }
}

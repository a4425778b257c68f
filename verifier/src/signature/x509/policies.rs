// SPDX-License-Identifier: Apache-2.0
//! Certificate policies along a path (RFC 5280 §6.1). Every policy is acceptable to the user; what remains is
//! whether a CA demands one (`requireExplicitPolicy`) that the rest of the path does not fulfil.
//!
//! The standard describes a tree that can grow exponentially (CVE-2023-0464). Whether it is empty in the end
//! can be told from its lowest level alone, which is what is kept here, as RFC 9618 does.

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;
use der::{Any, Sequence};
use x509_cert::ext::pkix::PolicyConstraints;
use x509_cert::ext::pkix::PolicyMappings;

use super::Certificate;
use super::extensions::{
    CERTIFICATE_POLICIES, INHIBIT_ANY_POLICY, POLICY_CONSTRAINTS, POLICY_MAPPINGS, decode,
};
use super::rules::Fault;
use crate::signature::Reason;

/// Policies, and mappings, of one certificate. Real ones have up to ten; it bounds the time.
pub(super) const MAX_POLICIES: usize = 256;

/// §4.2.1.4.
const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// Each valid policy of the lowest level, and what the next level may call it.
type Level = BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>;

/// The state variables of §6.1.2 that concern policies.
struct State {
    level: Level,
    explicit: u32,
    mapping: u32,
    any: u32,
}

/// Follows the policies from the topmost certificate below the authority to the leaf.
pub(super) fn check(downwards: &[&Certificate]) -> Result<(), Fault> {
    let unlimited = u32::try_from(downwards.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut state = State {
        level: Level::from([(ANY_POLICY, BTreeSet::from([ANY_POLICY]))]),
        explicit: unlimited,
        mapping: unlimited,
        any: unlimited,
    };
    for (at, certificate) in downwards.iter().enumerate() {
        let is_leaf = at.saturating_add(1) == downwards.len();
        state.admit(certificate, is_leaf)?;
        if is_leaf {
            state.wrap_up(certificate)?
        } else {
            state.prepare(certificate)?
        }
        // §6.1.3 (f), and §6.1.5 for the leaf.
        if state.explicit == 0 && state.level.is_empty() {
            return Err(Fault::new(
                Reason::PolicyNotFulfilled,
                format!(
                    "{} has none of the certificate policies that a CA above demands",
                    certificate.subject()
                ),
            ));
        }
    }
    Ok(())
}

impl State {
    /// §6.1.3 (d) and (e): the next level of the tree.
    fn admit(&mut self, certificate: &Certificate, is_leaf: bool) -> Result<(), Fault> {
        let asserted = policies(certificate)?;
        let mut next = Level::new();
        for policy in asserted.iter().filter(|policy| **policy != ANY_POLICY) {
            let expected = self.level.values().any(|expected| expected.contains(policy));
            if expected || self.level.contains_key(&ANY_POLICY) {
                next.insert(*policy, BTreeSet::from([*policy]));
            }
        }
        let may_be_any = self.any > 0 || (!is_leaf && certificate.is_self_issued());
        if asserted.contains(&ANY_POLICY) && may_be_any {
            for expected in self.level.values().flatten() {
                next.entry(*expected).or_insert_with(|| BTreeSet::from([*expected]));
            }
        }
        self.level = next;
        // (f) before anything of this certificate can change it.
        if self.explicit == 0 && self.level.is_empty() {
            return Err(Fault::new(
                Reason::PolicyNotFulfilled,
                format!(
                    "{} has none of the certificate policies that a CA above demands",
                    certificate.subject()
                ),
            ));
        }
        Ok(())
    }

    /// §6.1.4 (a), (b), (h) to (j).
    fn prepare(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        self.map(certificate)?;
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *counter = counter.saturating_sub(1);
            }
        }
        if let Some(constraints) = decode::<PolicyConstraints>(certificate, POLICY_CONSTRAINTS)? {
            self.explicit = self.explicit.min(constraints.require_explicit_policy.unwrap_or(u32::MAX));
            self.mapping = self.mapping.min(constraints.inhibit_policy_mapping.unwrap_or(u32::MAX));
        }
        if let Some(skip) = decode::<u32>(certificate, INHIBIT_ANY_POLICY)? {
            self.any = self.any.min(skip);
        }
        Ok(())
    }

    /// §6.1.4 (a) and (b).
    fn map(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        let Some(PolicyMappings(mappings)) = decode(certificate, POLICY_MAPPINGS)? else { return Ok(()) };
        limited(certificate, mappings.len())?;
        let mut mapped = Level::new();
        for mapping in &mappings {
            if [mapping.issuer_domain_policy, mapping.subject_domain_policy].contains(&ANY_POLICY) {
                return Err(Fault::new(
                    Reason::PolicyNotFulfilled,
                    format!("{} maps from or to any policy, which RFC 5280 forbids", certificate.subject()),
                ));
            }
            mapped.entry(mapping.issuer_domain_policy).or_default().insert(mapping.subject_domain_policy);
        }
        for (policy, becomes) in mapped {
            if self.mapping == 0 {
                self.level.remove(&policy);
            } else if self.level.contains_key(&policy) || self.level.contains_key(&ANY_POLICY) {
                self.level.insert(policy, becomes);
            }
        }
        Ok(())
    }

    /// §6.1.5 (a) and (b).
    fn wrap_up(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        self.explicit = self.explicit.saturating_sub(1);
        let constraints = decode::<PolicyConstraints>(certificate, POLICY_CONSTRAINTS)?;
        if constraints.is_some_and(|constraints| constraints.require_explicit_policy == Some(0)) {
            self.explicit = 0;
        }
        Ok(())
    }
}

/// `PolicyInformation` (§4.2.1.4), its qualifiers left as they are: they are text for people.
#[derive(Sequence)]
struct Policy {
    id: ObjectIdentifier,
    qualifiers: Option<Any>,
}

fn policies(certificate: &Certificate) -> Result<Vec<ObjectIdentifier>, Fault> {
    let policies: Vec<Policy> = decode(certificate, CERTIFICATE_POLICIES)?.unwrap_or_default();
    limited(certificate, policies.len())?;
    Ok(policies.into_iter().map(|policy| policy.id).collect())
}

fn limited(certificate: &Certificate, count: usize) -> Result<(), Fault> {
    if count <= MAX_POLICIES {
        return Ok(());
    }
    let note = format!("{} has {count} certificate policies, at most {MAX_POLICIES}", certificate.subject());
    Err(Fault::new(Reason::LimitExceeded, note))
}

// SPDX-License-Identifier: Apache-2.0
//! Name constraints along a path (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c)).

use der::asn1::AnyRef;
use der::{Any, Decode, Sequence, Tag, Tagged};

use super::extensions::{NAME_CONSTRAINTS, SUBJECT_ALTERNATIVE_NAME, decode};
use super::name::{EMAIL, Name};
use super::rules::Fault;
use super::{Certificate, Malformed};
use crate::signature::Reason;

/// Names of one certificate times constraints that bind it. Real ones have a few hundred; it bounds the time.
pub(super) const MAX_COMPARISONS: usize = 65_536;

/// `GeneralName` (§4.2.1.6), the forms whose constraints are understood. That of `x509-cert` refuses a whole
/// list for the sake of one X.400 address.
enum Form {
    Mail(String),
    Host(String),
    Directory(Name),
    Uri(String),
    Address(Vec<u8>),
    Other(u32),
}

/// §4.2.1.10.
#[derive(Sequence)]
struct NameConstraints {
    #[asn1(context_specific = "0", optional = "true", tag_mode = "IMPLICIT")]
    permitted: Option<Vec<Subtree>>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "IMPLICIT")]
    excluded: Option<Vec<Subtree>>,
}

#[derive(Sequence)]
struct Subtree {
    base: Any,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", default = "Default::default")]
    minimum: u32,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    maximum: Option<u32>,
}

/// What the CAs above permit, each for itself, and what any of them excludes.
#[derive(Default)]
struct Bounds {
    permitted: Vec<Vec<Form>>,
    excluded: Vec<Form>,
}

/// Checks the names from the topmost certificate below the authority to the leaf.
pub(super) fn check(downwards: &[&Certificate]) -> Result<(), Fault> {
    let mut bounds = Bounds::default();
    for (at, certificate) in downwards.iter().enumerate() {
        let is_leaf = at.saturating_add(1) == downwards.len();
        // A self-issued certificate renews its CA's key and is not bound, unless it is the leaf.
        if is_leaf || !certificate.is_self_issued() {
            bounds.admit(certificate)?;
        }
        bounds.tighten(certificate)?;
    }
    Ok(())
}

impl Bounds {
    fn admit(&self, certificate: &Certificate) -> Result<(), Fault> {
        let count = self.permitted.iter().map(Vec::len).fold(self.excluded.len(), usize::saturating_add);
        if count == 0 {
            return Ok(());
        }
        let names = names(certificate)?;
        if names.len().saturating_mul(count) > MAX_COMPARISONS {
            let note =
                format!("{} has {} names under {count} constraints", certificate.subject(), names.len());
            return Err(Fault::new(Reason::LimitExceeded, note));
        }
        for name in &names {
            if !self.permits(name) {
                let note = format!(
                    "{}: {} is not a name that the CAs above may certify",
                    certificate.subject(),
                    name.describe()
                );
                return Err(Fault::new(Reason::NameNotPermitted, note));
            }
        }
        Ok(())
    }

    fn permits(&self, name: &Form) -> bool {
        let lists = self.permitted.iter().map(|list| list.iter().filter(|base| base.is_like(name)));
        for list in lists {
            let mut list = list.peekable();
            if list.peek().is_some() && !list.any(|base| base.holds(name)) {
                return false;
            }
        }
        // A form without rules of its own cannot be told apart: where it is constrained, it is refused.
        !self.excluded.iter().any(|base| base.is_like(name) && base.touches(name))
    }

    /// §6.1.4 (g).
    fn tighten(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        let Some(constraints) = decode::<NameConstraints>(certificate, NAME_CONSTRAINTS)? else {
            return Ok(());
        };
        let read = |subtrees: Vec<Subtree>| {
            let each = subtrees.iter().map(|subtree| {
                if subtree.minimum != 0 || subtree.maximum.is_some() {
                    return Err(Malformed::new("name constraint with a minimum or maximum"));
                }
                Form::constraint(&subtree.base)
            });
            each.collect::<Result<Vec<Form>, Malformed>>()
        };
        if let Some(permitted) = constraints.permitted {
            self.permitted.push(read(permitted)?);
        }
        if let Some(excluded) = constraints.excluded {
            self.excluded.extend(read(excluded)?);
        }
        Ok(())
    }
}

/// Every name that constraints bind: the subject, its e-mail addresses, the alternative names.
fn names(certificate: &Certificate) -> Result<Vec<Form>, Malformed> {
    let subject = certificate.subject_name();
    let mut names = Vec::new();
    if !subject.is_empty() {
        names.push(Form::Directory(subject.clone()));
    }
    names.extend(subject.values(EMAIL).into_iter().map(Form::Mail));
    let alternatives: Vec<Any> = decode(certificate, SUBJECT_ALTERNATIVE_NAME)?.unwrap_or_default();
    for name in &alternatives {
        names.push(Form::read(name)?);
    }
    Ok(names)
}

impl Form {
    fn read(name: &Any) -> Result<Self, Malformed> {
        let wrong = || Malformed::new("a general name is not well-formed");
        let Tag::ContextSpecific { number, .. } = name.tag() else { return Err(wrong()) };
        let text = || {
            let ascii = name.value().is_ascii().then(|| name.value().to_vec());
            ascii.and_then(|ascii| String::from_utf8(ascii).ok()).ok_or_else(wrong)
        };
        Ok(match number.value() {
            1 => Self::Mail(text()?),
            2 => Self::Host(text()?),
            4 => Self::Directory(Name::parse(AnyRef::from_der(name.value()).map_err(|_| wrong())?)?),
            6 => Self::Uri(text()?),
            7 => Self::Address(name.value().to_vec()),
            other => Self::Other(u32::from(other)),
        })
    }

    /// As a base of a subtree: an address is one with its mask, four or sixteen bytes each.
    fn constraint(base: &Any) -> Result<Self, Malformed> {
        let form = Self::read(base)?;
        if let Self::Address(bytes) = &form {
            let half = bytes.len() / 2;
            let mask = bytes.get(half..).unwrap_or_default();
            let ones = mask.iter().map(|byte| byte.leading_ones()).take_while(|ones| *ones == 8).count();
            let tail = mask.get(ones..).unwrap_or_default();
            let is_prefix = match tail {
                [] => true,
                [first, rest @ ..] => {
                    first.leading_ones() == first.count_ones() && rest.iter().all(|byte| *byte == 0)
                }
            };
            if ![8, 32].contains(&bytes.len()) || !is_prefix {
                return Err(Malformed::new("name constraint with an address that is none"));
            }
        }
        Ok(form)
    }

    fn is_like(&self, name: &Self) -> bool {
        match (self, name) {
            (Self::Other(base), Self::Other(name)) => base == name,
            _ => std::mem::discriminant(self) == std::mem::discriminant(name),
        }
    }

    /// Whether all that `name` stands for lies within this base.
    fn holds(&self, name: &Self) -> bool {
        match (self, name) {
            (Self::Mail(base), Self::Mail(name)) => mail_within(name, base),
            (Self::Host(base), Self::Host(name)) => host_within(name, base),
            (Self::Directory(base), Self::Directory(name)) => name.is_within(base),
            (Self::Uri(base), Self::Uri(name)) => host_of(name).is_some_and(|host| server_within(host, base)),
            (Self::Address(base), Self::Address(name)) => address_within(name, base),
            _ => false,
        }
    }

    /// Whether `name`, or a part of what it stands for, lies within this base; so too where that cannot be told.
    fn touches(&self, name: &Self) -> bool {
        match (self, name) {
            (Self::Mail(base), Self::Mail(name)) => !name.contains('@') || mail_within(name, base),
            (Self::Host(base), Self::Host(name)) => {
                let beneath = name.strip_prefix("*.");
                host_within(name, base) || beneath.is_some_and(|name| host_within(base, name))
            }
            (Self::Uri(_), Self::Uri(name)) => {
                host_of(name).is_none() || self.holds(&Self::Uri(name.clone()))
            }
            (Self::Other(_), _) => true,
            _ => self.holds(name),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Mail(text) | Self::Host(text) | Self::Uri(text) => text.clone(),
            Self::Directory(name) => name.to_string(),
            Self::Address(bytes) => format!("address {}", manifests::digest::hex(bytes)),
            Self::Other(number) => format!("a name of form {number}"),
        }
    }
}

/// A base with `@` is one mailbox, one with a leading dot all hosts beneath, any other one host.
fn mail_within(name: &str, base: &str) -> bool {
    let Some((user, host)) = name.rsplit_once('@') else { return false };
    match base.rsplit_once('@') {
        Some((base_user, base_host)) => user == base_user && host.eq_ignore_ascii_case(base_host),
        None => server_within(host, base),
    }
}

/// A base with a leading dot is all hosts beneath, any other one host.
fn server_within(host: &str, base: &str) -> bool {
    if base.starts_with('.') {
        return ends_with(host, base) && host.len() > base.len();
    }
    base.is_empty() || host.eq_ignore_ascii_case(base)
}

/// A base is a host and all beneath it. A leading dot, which is not in the standard, leaves out the host.
fn host_within(host: &str, base: &str) -> bool {
    let (host, base) = (host.trim_end_matches('.'), base.trim_end_matches('.'));
    if base.is_empty() || host.eq_ignore_ascii_case(base) {
        return true;
    }
    if base.starts_with('.') { ends_with(host, base) } else { ends_with(host, &format!(".{base}")) }
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The host of a URI, where it has one and is no address: constraints speak of host names.
fn host_of(uri: &str) -> Option<&str> {
    let (_, after) = uri.split_once("://")?;
    let authority = after.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?;
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    (!host.is_empty() && !is_address).then_some(host)
}

fn address_within(address: &[u8], base: &[u8]) -> bool {
    let (network, mask) = base.split_at(base.len() / 2);
    address.len() == network.len()
        && address.iter().zip(network).zip(mask).all(|((one, other), mask)| one & mask == other & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_constraints_name_a_box_a_host_or_all_hosts_beneath() {
        assert!(
            mail_within("a@Host.example", "host.EXAMPLE") && mail_within("a@b.host.example", ".host.example")
        );
        assert!(mail_within("a@host.example", "a@host.example"));
        for (name, base) in [
            ("a@b.host.example", "host.example"),
            ("a@host.example", ".host.example"),
            ("A@host.example", "a@host.example"),
            ("a@nothost.example", "host.example"),
            ("host.example", "host.example"),
        ] {
            assert!(!mail_within(name, base), "{name} within {base}");
        }
    }

    #[test]
    fn host_constraints_hold_what_is_beneath() {
        assert!(host_within("a.b.example", "b.example") && host_within("B.example", "b.example"));
        assert!(host_within("a.b.example", ".b.example") && !host_within("b.example", ".b.example"));
        assert!(!host_within("ab.example", "b.example") && !host_within("example", "b.example"));
        let base = Form::Host("secret.b.example".to_owned());
        assert!(base.touches(&Form::Host("*.b.example".to_owned())));
        assert!(!base.touches(&Form::Host("*.c.example".to_owned())));
    }

    #[test]
    fn uris_without_a_host_name_are_outside() {
        assert_eq!(host_of("https://me@host.example:8080/a?b"), Some("host.example"));
        for uri in ["urn:x", "https://192.0.2.1/", "https://[2001:db8::1]/", "https:///a"] {
            assert_eq!(host_of(uri), None, "{uri}");
            assert!(Form::Uri("host.example".to_owned()).touches(&Form::Uri(uri.to_owned())));
        }
        assert!(
            server_within("a.host.example", ".host.example")
                && !server_within("host.example", ".host.example")
        );
    }

    #[test]
    fn addresses_are_compared_under_their_mask() {
        let base = [192, 0, 2, 0, 255, 255, 255, 0];
        assert!(address_within(&[192, 0, 2, 9], &base) && !address_within(&[192, 0, 3, 9], &base));
        assert!(!address_within(&[0; 16], &base));
        let constraint = |bytes: &[u8]| {
            let tag = Tag::ContextSpecific { constructed: false, number: der::TagNumber::N7 };
            Form::constraint(&Any::new(tag, bytes).unwrap()).is_ok()
        };
        assert!(constraint(&base) && constraint(&[192, 0, 2, 128, 255, 255, 255, 128]));
        assert!(!constraint(&[192, 0, 2, 0, 255, 0, 255, 0]) && !constraint(&[192, 0, 2, 0]));
    }
}

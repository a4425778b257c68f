// SPDX-License-Identifier: Apache-2.0
//! Trusted identities of a trust policy: subjects of certificates, and AWS Signer's signing profiles.
//!
//! A distinguished name is read as RFC 4514 writes it, with spaces around its parts as Notation allows them. Where
//! its parser (go-ldap) reads something that the RFC forbids, we refuse: another reader would see another name.

use std::collections::BTreeMap;

use super::quoted;

/// Whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// `*`: whoever has a certificate under the stores.
    Any,
    /// `x509.subject:`: whoever has these attributes in the subject.
    Subject(Subject),
    /// `arn:`: a signing profile of AWS Signer, judged by its plug-in.
    SigningProfile(SigningProfile),
    /// Anything else with a prefix: left to a plug-in, and trusted by none that is known.
    Unknown(String),
}

/// A subject, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    attributes: BTreeMap<String, String>,
}

/// A signing profile of AWS Signer, or one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningProfile {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Where it lives.
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// Its name.
    pub profile: String,
    /// The one version that counts; any where there is none.
    pub version: Option<String>,
}

/// Attributes without which a subject says too little (specification, "trusted identities").
const MANDATORY: [&str; 3] = ["C", "ST", "O"];

impl Identity {
    /// Reads an identity; the error says what was wanted.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (prefix, value) = text.split_once(':').ok_or("`*`, or an identity as `PREFIX:VALUE`")?;
        match prefix {
            "" => Err("a prefix before the colon".to_owned()),
            "x509.subject" => Subject::parse(value).map(Self::Subject),
            // Notation compares the prefix as it stands; any other spelling would count for nobody.
            _ if prefix.trim().eq_ignore_ascii_case("x509.subject") => {
                Err("the prefix `x509.subject`, in this spelling".to_owned())
            }
            _ => Ok(SigningProfile::parse(text)
                .map_or_else(|| Self::Unknown(text.to_owned()), Self::SigningProfile)),
        }
    }

    /// Why no signature may ever count for this identity, where that can be told.
    pub(super) fn note(&self) -> Option<String> {
        let Self::Unknown(text) = self else { return None };
        let why = if text.starts_with("arn:") {
            "is no signing profile: arn:PARTITION:signer:REGION:ACCOUNT:/signing-profiles/NAME[/VERSION]"
        } else {
            "has a prefix that only a plug-in could know"
        };
        Some(format!("the identity {} {why}; no signature counts for it here", quoted(text)))
    }
}

impl Subject {
    /// Reads a distinguished name; the error says what was wanted.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        for part in parts(text)? {
            let (key, value) = attribute(part)?;
            // `S` is how Windows and older tools write `ST`.
            let key = if key == "S" { "ST".to_owned() } else { key };
            if attributes.keys().any(|known: &String| known.eq_ignore_ascii_case(&key)) {
                return Err(format!("each attribute once, but {key} stands there twice"));
            }
            attributes.insert(key, value);
        }
        match MANDATORY.iter().find(|key| !attributes.contains_key(**key)) {
            Some(missing) => Err(format!("a subject with C, ST and O, but {missing} is missing")),
            None => Ok(Self { attributes }),
        }
    }

    /// Its attributes by their short names, `ST` for `S`.
    pub const fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// Whether every certificate that fits `other` fits this one too.
    pub fn covers(&self, other: &Self) -> bool {
        let has = |(key, value): (&String, &String)| other.attributes.get(key) == Some(value);
        self.attributes.len() <= other.attributes.len() && self.attributes.iter().all(has)
    }
}

/// What stands between commas that are not escaped.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let mut start = 0_usize;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.extend(text.get(start..at));
                start = at.saturating_add(1);
            }
            '+' => return Err("one attribute in each part; `+` joins several".to_owned()),
            // RFC 4514 §2.4; `;` parted names in RFC 1779, and does for Notation's parser.
            '"' | ';' | '<' | '>' => return Err(format!("`\\{character}` for a `{character}` in a value")),
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    Ok(parts)
}

/// One `KEY=VALUE`, spaces around both aside.
fn attribute(part: &str) -> Result<(String, String), String> {
    let wrong = || format!("KEY=VALUE in {}", quoted(part));
    let (key, value) = part.split_once('=').ok_or_else(wrong)?;
    let (key, value) = (key.trim_matches(' '), value.trim_start_matches(' '));
    let mut characters = key.chars();
    let by_name = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '-');
    let by_number = key.contains('.') && key.split('.').all(is_number);
    if !by_name && !by_number {
        return Err(wrong());
    }
    if value.starts_with('#') {
        return Err(format!("text for {key}, not `#` and hex digits"));
    }
    let value = unescape(value).ok_or_else(|| format!("a value of RFC 4514 for {key}"))?;
    if value.is_empty() {
        Err(format!("a value for {key} that is not empty"))
    } else {
        Ok((key.to_owned(), value))
    }
}

/// A number of an object identifier: no leading zero.
fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

/// RFC 4514 §2.4 backwards. Spaces at the end count where they are escaped. None where the escape is none, or what
/// comes out is not UTF-8 or has a control character.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    // Where the last character that counts ends.
    let mut end = 0_usize;
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            if byte != b' ' {
                end = bytes.len();
            }
            continue;
        }
        bytes.push(match rest.next()? {
            special @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\') => special,
            high => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(high)?.checked_mul(16)?.checked_add(digit(rest.next()?)?)?
            }
        });
        end = bytes.len();
    }
    bytes.truncate(end);
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

impl SigningProfile {
    /// Reads an ARN as AWS Signer's plug-in does: `arn:PARTITION:signer:REGION:ACCOUNT:/signing-profiles/NAME`, and
    /// `/VERSION` for one version. None where it is another one, which the plug-in passes over.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let ("arn", partition, "signer", region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        let plain = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        let mut resource = resource.strip_prefix("/signing-profiles/")?.split('/');
        let (profile, version) = (resource.next()?, resource.next());
        let fits = plain(partition, b"-")
            && plain(region, b"-")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && plain(profile, b"_")
            && version.is_none_or(|version| plain(version, b""))
            && resource.next().is_none();
        fits.then(|| Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            profile: profile.to_owned(),
            version: version.map(ToOwned::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Vec<(String, String)> {
        Subject::parse(text).expect(text).attributes.into_iter().collect()
    }

    #[test]
    fn names_as_rfc_4514_writes_them() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let plain = vec![pair("C", "US"), pair("O", "Notary"), pair("ST", "WA")];
        for text in ["C=US,ST=WA,O=Notary", " C = US , S=WA, O=Notary ", "O=Notary,S=WA,C=US"] {
            assert_eq!(subject(text), plain, "{text}");
        }
        let value = |text: &str| subject(&format!("C=US,ST=WA,O={text}")).remove(1).1;
        assert_eq!(value(r"Notary\, Inc."), "Notary, Inc.");
        assert_eq!(value(r"a=b\=c\+\;\<\>\#\\"), r"a=b=c+;<>#\");
        assert_eq!(value(r"\ a\  "), " a ");
        assert_eq!(value(r"\c3\A4"), "ä");
        assert_eq!(value(r"\#x"), "#x");
        assert_eq!(subject("C=US,ST=WA,O=x,2.5.4.5=7").first(), Some(&pair("2.5.4.5", "7")));
    }

    #[test]
    fn names_that_two_readers_could_read_differently() {
        for (tail, wanted) in [
            (",OU=a,OU=b", "twice"),
            (",ou=a,OU=b", "twice"),
            (",S=a", "twice"),
            (",OU=a+CN=b", "joins"),
            (",OU=#0c0178", "hex"),
            (",OU= #0c0178", "hex"),
            (",OU=", "not empty"),
            (",OU=  ", "not empty"),
            (",OU", "KEY=VALUE"),
            (",", "KEY=VALUE"),
            (",=x", "KEY=VALUE"),
            (",O U=x", "KEY=VALUE"),
            (",2.05=x", "KEY=VALUE"),
            (",2.=x", "KEY=VALUE"),
            (";OU=x", "`\\;`"),
            (",OU=\"a\"", "`\\\"`"),
            (",OU=a<b", "`\\<`"),
            (",OU=a\\", "RFC 4514"),
            (",OU=a\\g0", "RFC 4514"),
            (",OU=a\\f", "RFC 4514"),
            (",OU=\\ff", "RFC 4514"),
            (",OU=\\00", "RFC 4514"),
        ] {
            let error = Subject::parse(&format!("C=US,ST=WA,O=x{tail}")).expect_err(tail);
            assert!(error.contains(wanted), "{tail}: {error}");
        }
        for missing in ["", "C=US,ST=WA", "C=US,O=x", "ST=WA,O=x", "c=US,ST=WA,O=x"] {
            Subject::parse(missing).expect_err(missing);
        }
    }

    #[test]
    fn a_name_covers_those_that_say_more() {
        let [all, unit, other] = ["C=US,ST=WA,O=x", "OU=u,O=x,S=WA,C=US", "C=US,ST=WA,O=y"]
            .map(|text| Subject::parse(text).unwrap());
        assert!(all.covers(&unit) && all.covers(&all) && !unit.covers(&all));
        assert!(!all.covers(&other) && !other.covers(&all));
    }

    #[test]
    fn signing_profiles() {
        let one = "arn:aws-us-gov:signer:us-gov-west-1:111122223333:/signing-profiles/my_Profile1";
        let Identity::SigningProfile(profile) = Identity::parse(one).unwrap() else { panic!("{one}") };
        assert_eq!((profile.profile.as_str(), profile.version), ("my_Profile1", None));
        let Some(versioned) = SigningProfile::parse(&format!("{one}/AbC123")) else { panic!("a version") };
        assert_eq!(versioned.version.as_deref(), Some("AbC123"));
        for other in [
            "arn:aws:signer:us-west-2:111122223333:signing-profiles/x",
            "arn:aws:signer:us-west-2:111122223333:/signing-profiles/",
            "arn:aws:signer:us-west-2:111122223333:/signing-profiles/x/",
            "arn:aws:signer:us-west-2:111122223333:/signing-profiles/x/y/z",
            "arn:aws:signer:us-west-2:111122223333:/signing-profiles/*",
            "arn:aws:signer::111122223333:/signing-profiles/x",
            "arn:aws:signer:us-west-2:1111:/signing-profiles/x",
            "arn:aws:iam::111122223333:role/x",
            "arn:",
            "x509.issuer:C=US",
        ] {
            let identity = Identity::parse(other).unwrap();
            assert!(matches!(identity, Identity::Unknown(_)) && identity.note().is_some(), "{other}");
        }
        for bad in
            ["", "x509.subject", "x509.Subject: C=US,ST=WA,O=x", " x509.subject:C=US,ST=WA,O=x", ":x", "**"]
        {
            Identity::parse(bad).expect_err(bad);
        }
    }
}

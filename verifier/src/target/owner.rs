// SPDX-License-Identifier: Apache-2.0
//! Who owns what is installed: a number, or a name in the target's own `/etc/passwd`.
//!
//! The file is read here and not by the C library: that one would ask the host instead of the staging
//! root, and, in a static build, could load code from it.

use std::collections::BTreeMap;
use std::io::Read;

use manifests::bundle::Owner;
use rustix::process::{getegid, geteuid};

use super::Target;
use crate::error::{Code, Refusal};

const PASSWD: &str = "/etc/passwd";
/// The longest passwd file that is read, in bytes: 100,000 users.
const MAX_PASSWD_BYTES: u64 = 16 * 1024 * 1024;

/// A user's number and that of the group that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    /// The user.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

/// Whoever runs this process.
pub(crate) fn installing_user() -> Ids {
    Ids { uid: geteuid().as_raw(), gid: getegid().as_raw() }
}

/// The users of a target, read when the first owner is asked for.
#[derive(Default)]
pub(crate) struct Passwd(Option<BTreeMap<String, Ids>>);

impl Passwd {
    /// An owner's numbers. A number that the target does not know keeps the installing user's group.
    pub(crate) fn ids(&mut self, owner: Option<&Owner>, target: &Target) -> Result<Ids, Refusal> {
        let Some(owner) = owner else { return Ok(installing_user()) };
        if self.0.is_none() {
            self.0 = Some(read(target)?);
        }
        let users = self.0.iter().flatten();
        if let Ok(uid) = owner.as_str().parse::<u32>()
            && uid != u32::MAX
        {
            let known = users.map(|(_, ids)| *ids).find(|ids| ids.uid == uid);
            return Ok(known.unwrap_or(Ids { uid, gid: installing_user().gid }));
        }
        let mut named = users.filter(|(name, _)| *name == owner.as_str());
        named.next().map(|(_, ids)| *ids).ok_or_else(|| {
            Refusal::new(Code::UnknownOwner, owner.as_str(), "is no user of the target")
                .expected(format!("a line in {PASSWD} beneath {}", target.path()))
        })
    }
}

fn read(target: &Target) -> Result<BTreeMap<String, Ids>, Refusal> {
    let Some(file) = target.file(PASSWD)? else { return Ok(BTreeMap::new()) };
    let mut bytes = Vec::new();
    file.take(MAX_PASSWD_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::writing(PASSWD, &error).hint("see that it can be read"))?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// The first line of a name counts, as for the C library; lines of another form are passed over.
fn parse(text: &str) -> BTreeMap<String, Ids> {
    let mut users = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields[..] else { continue };
        if let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) {
            users.entry(name.to_owned()).or_insert(Ids { uid, gid });
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lines_are_passed_over() {
        let users =
            parse("root:x:0:0:root:/root:/bin/sh\n\n#x\n+::::::\nd:x:7:8::/:\nd:x:9:9::/:\nbad:x:y:1\n");
        assert_eq!(users.get("root"), Some(&Ids { uid: 0, gid: 0 }));
        assert_eq!(users.get("d"), Some(&Ids { uid: 7, gid: 8 }));
        assert_eq!(users.len(), 2);
    }
}

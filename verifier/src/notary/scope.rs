// SPDX-License-Identifier: Apache-2.0
//! Registry scopes: a repository with its registry, without scheme, tag, digest or wildcard. The grammar is that of
//! the container registries' reference implementation (`reference/regexp.go`), which Notation took over.

/// Whether a text is `DOMAIN[:PORT]/REPOSITORY`.
pub(super) fn is_scope(text: &str) -> bool {
    let Some((domain, repository)) = text.split_once('/') else { return false };
    is_domain(domain) && repository.split('/').all(is_component)
}

/// Labels of letters, digits and inner hyphens; a port of digits.
fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Runs of lower-case letters and digits; between two of them `.`, `_`, `__`, or hyphens.
fn is_component(text: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    let separators = bytes.split(|byte| is_word(byte)).filter(|separator| !separator.is_empty());
    ends.iter().all(|end| end.is_some_and(is_word))
        && separators.into_iter().all(|separator| {
            matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_with_their_registry() {
        for good in [
            "registry.example/e2e",
            "localhost:5000/test-repo9",
            "111122223333.dkr.ecr.us-east-1.amazonaws.com/a/b_c/d__e/f.g/h---i",
            "A/b",
            "1.2.3.4:0/x",
            "local/my-layout",
        ] {
            assert!(is_scope(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "a",
            "a/",
            "/a",
            "a//b",
            "a/b/",
            "https://a/b",
            "a/b:tag",
            "a/b@sha256:00",
            "a/*",
            "*/a",
            "a/B",
            "a/b c",
            "a/_b",
            "a/b_",
            "a/b___c",
            "a/b..c",
            "a/b._c",
            "a/b-_c",
            "-a/b",
            "a-/b",
            "a..b/c",
            ".a/b",
            "a:/b",
            "a:x/b",
            "a:1:2/b",
            "a_b/c",
            "a\\b/c",
            "ä/b",
            "a/ä",
            "a/b\n",
        ] {
            assert!(!is_scope(bad), "{bad}");
        }
    }
}

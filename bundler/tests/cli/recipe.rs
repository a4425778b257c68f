// SPDX-License-Identifier: Apache-2.0
//! Every complaint about a recipe names the place, shows the line and says what to do.

use super::support::{Folder, PLAIN};

/// What `bundler lock` says when one line of the plain recipe is another.
fn complaint(from: &str, to: &str) -> String {
    assert!(PLAIN.contains(from), "{from}");
    let folder = Folder::new();
    folder.write("bundle.toml", PLAIN.replacen(from, to, 1));
    let text = folder.run(&["lock"]).refused(2);
    assert_eq!(folder.names(), ["bundle.toml"]);
    text
}

#[test]
fn unknown_key_names_the_nearest() {
    assert_eq!(
        complaint("sequence = 1", "sequnce = 1"),
        "error: bundle.toml:4:1 has an unknown key `sequnce` in [bundle]
   |
 4 | sequnce = 1
   | ^^^^^^^
      hint: did you mean `sequence`?
"
    );
    assert_eq!(
        complaint("name = \"notes.txt\"", "zzz = \"notes.txt\""),
        "error: bundle.toml:8:1 has an unknown key `zzz` in [[artifact]]
   |
 8 | zzz = \"notes.txt\"
   | ^^^
      hint: [[artifact]] knows `name`, `component`, `source`, `for`, `partition`, `signed-by`, `signature`, `member`, `unsigned` and `install`
"
    );
    assert!(
        complaint("mode =", "mod =").contains(
            "error: bundle.toml:11:45 has an unknown key `mod` in `install`\n    |
 11 | install = { file = \"/etc/motd.d/notes\", mod = \"0644\" }
    |                                         ^^^
      hint: did you mean `mode`?"
        ) || complaint("mode =", "mod =").contains("did you mean `mode`?")
    );
}

#[test]
fn wrong_types_and_values_point_at_the_value() {
    assert_eq!(
        complaint("sequence = 1", "sequence = \"1\""),
        "error: bundle.toml:4:12 has the wrong type for `sequence`
   |
 4 | sequence = \"1\"
   |            ^^^
  expected: a whole number
     found: a string
      hint: correct the line that is shown; docs/formats/recipe.md lists every key
"
    );
    for (from, to, expected) in [
        ("sequence = 1", "sequence = 0", "4:12 has a bad value for `sequence`"),
        ("sequence = 1", "sequence = -1", "4:12 has a bad value for `sequence`"),
        (
            "Z\"\n",
            "Z\"\nexpires = \"2026-11-22T00:00:00Z\"\n",
            "6:11 has a bad value for `expires`: it is not after",
        ),
        (
            "Z\"\n",
            "Z\"\naudience = [\"a\", \"a\"]\n",
            "6:12 has a bad value for `audience`: it is empty or names",
        ),
        ("2026-11-22T", "2243-01-01T", "5:11 has a bad value for `created`: it is later than an archive"),
        ("\"0644\"", "\"644\"", "a mode is four octal digits"),
        ("\"0644\"", "\"4755\"", "a mode is four octal digits"),
        ("\"plain\"", "\"Plain\"", "has upper-case letters"),
        ("\"plain\"", "\"../x\"", "2:8 has a bad value for `name`"),
        ("2026-11-22T00:00:00Z", "2026-11-22", "5:11 has a bad value for `created`"),
        ("\"/etc/motd.d/notes\"", "\"etc/notes\"", "is not absolute"),
        ("\"/etc/motd.d/notes\"", "\"/etc/../notes\"", "`.` or `..`"),
        ("name = \"docs\"", "name = \"signers\"", "has a name that is taken"),
        ("name = \"docs\"", "name = \"Notes.txt\"", "names a second artifact or tree"),
        ("unsigned = \"our", "include = [\"[\"]\nunsigned = \"our", "has a bad value for `include`"),
        ("unsigned = \"written by this site\"\n", "", "says neither `signed-by` nor `unsigned`"),
        ("unsigned = \"written", "signed-by = \"v\"\nsignature = \"s\"\nunsigned = \"written", "says both"),
        ("source = \"docs/\"\n", "", "lacks the key `source` in [[tree]]"),
        ("[bundle]", "[bundl]", "did you mean `bundle`?"),
        (
            "\"notes.txt\"\nunsigned",
            "\"../notes.txt\"\nunsigned",
            "names a path that leaves the recipe's folder",
        ),
        (
            "\"notes.txt\"\nunsigned",
            "\"/etc/passwd\"\nunsigned",
            "names a path that leaves the recipe's folder",
        ),
        ("\"docs/\"", "\"docs/../../\"", "names a path that leaves the recipe's folder"),
        ("version = \"1.0\"", "version = \"1.0", "is not TOML"),
        ("version = \"1.0\"", "version = \"1.0\"\nversion = \"1.0\"", "4:1 is not TOML"),
    ] {
        let text = complaint(from, to);
        assert!(text.contains(expected), "{to}: {text}");
        assert!(text.starts_with("error: bundle.toml:") && text.contains(" | "), "{text}");
    }
}

#[test]
fn signers_and_signatures_that_make_no_sense_are_told() {
    let ca = "ca = { source = \"ca.pem\", fingerprint = \"sha256:ab\" }";
    let good_ca = format!("ca = {{ source = \"ca.pem\", fingerprint = \"{}\" }}", "AB:".repeat(31) + "ab");
    for (signer, expected) in [
        ("apple-team = \"X\"".to_owned(), "pins a name without the CA that vouches for it"),
        ("authenticode = \"X\"".to_owned(), "pins a name without the CA that vouches for it"),
        (format!("authenticode = \"X\"\n{ca}"), "has a bad value for `fingerprint`"),
        (good_ca.clone(), "pins neither publisher, Apple team nor certificate"),
        (
            format!("authenticode = \"X\"\napple-team = \"Y\"\n{good_ca}"),
            "both by a publisher and by an Apple team",
        ),
        (format!("authenticode = \" \"\n{good_ca}"), "it is empty"),
        (
            format!("authenticode = \"X\"\nkey = \"k\"\n{good_ca}"),
            "gives `authenticode` to a signer that has `key`",
        ),
        (
            format!("authenticode = \"X\"\nallow = [\"md5\"]\n{good_ca}"),
            "it is none of `sha1`, `sha1-timestamp` and `sha1-toc`",
        ),
        (
            format!("authenticode = \"X\"\nallow = [\"sha1\", \"sha1\"]\n{good_ca}"),
            "allows one weakness twice",
        ),
        (
            format!("openpgp = \"{}\"\nkey = \"k\"\nallow = [\"sha1-toc\"]", "A".repeat(40)),
            "allows a weakness that OpenPGP does not have",
        ),
    ] {
        let text = complaint("[[artifact]]", &format!("[signer.v]\n{signer}\n[[artifact]]"));
        assert!(text.contains(expected) && text.contains("^"), "{signer}: {text}");
    }
    for (signature, expected) in [
        ("unsigned = \"x\"\nmember = \"x\"", "gives a member for `notes.txt`, which is `unsigned`"),
        (
            "signed-by = \"v\"\nmember = \"x\"\nsignature = { release = \"r\", packages = \"p\" }",
            "has no signature of the `member`",
        ),
        ("signed-by = \"v\"\nmember = \"../x\"\nsignature = \"s\"", "has a bad value for `member`"),
        ("signed-by = \"v\"\nsignature = { release = \"r\" }", "lacks the key `packages` in `signature`"),
        ("signed-by = \"v\"\nsignature = []", "has a `signature` that names none"),
    ] {
        let from = PLAIN.lines().find(|line| line.starts_with("unsigned = ")).unwrap();
        let text = complaint(from, signature);
        assert!(text.contains(expected), "{signature}: {text}");
    }
}

#[test]
fn features_of_later_versions_are_named() {
    for (from, to, expected) in [
        ("source = \"notes.txt\"", "source = \"oci://x.example/n\"", "OCI images"),
        ("source = \"notes.txt\"", "source = \"pkcs11:token=n\"", "keys on tokens"),
        ("version = \"1.0\"", "version = \"1.0\"\nprofile = \"cnsa2\"", "the profile `cnsa2`"),
        ("install = { directory", "install = \"rpm\" # { directory", "this way to install"),
    ] {
        let text = complaint(from, to);
        assert!(text.contains(expected) && text.contains("this version does not have yet"), "{text}");
        assert!(text.contains("^"), "{text}");
    }
}

#[test]
fn missing_files_point_at_the_recipe() {
    let folder = Folder::new();
    folder.write("bundle.toml", PLAIN);
    let text = folder.run(&["lock"]).refused(2);
    assert!(
        text.starts_with(
            "error: bundle.toml:9:10 names a file that does not exist
   |
 9 | source = \"notes.txt\"
   |          ^^^^^^^^^^^
"
        ),
        "{text}"
    );
}

#[test]
fn variables_are_filled_in_and_overridden() {
    let folder = super::support::plain();
    let text = PLAIN.replace("\"notes.txt\"", "\"$file\"").replace("\"1.0\"", "\"$version\"");
    folder.write("bundle.toml", format!("{text}\n[variables]\nfile = \"notes.txt\"\nversion = \"1.0\"\n"));
    folder.write("other.txt", "other\n");
    folder.good(&["lock", "--set", "version=2.0", "--set", "file=other.txt"]);
    let lock = String::from_utf8(folder.read("bundle.lock")).unwrap();
    assert!(lock.contains("[set]\nfile = \"other.txt\"\nversion = \"2.0\"\n"), "{lock}");
    assert!(folder.good(&["build"]).starts_with("plain-2.0.bundle.tar built"));
    let refused = folder.run(&["build", "--set", "version=3.0"]).refused(2);
    assert!(refused.contains("was made with other values of --set"), "{refused}");
    let refused = folder.run(&["lock", "--set", "versoin=3.0"]).refused(2);
    assert!(refused.contains("did you mean `version`?"), "{refused}");
    folder.write("bundle.toml", text);
    let refused = folder.run(&["lock"]).refused(2);
    assert!(refused.contains("uses `$version`, which is not in [variables]"), "{refused}");
}

#[test]
fn refusal_as_json_stands_on_standard_output() {
    let folder = Folder::new();
    folder.write("bundle.toml", PLAIN.replace("sequence", "sequnce"));
    let run = folder.run(&["lock", "--format", "json"]);
    assert_eq!(run.code(), 2);
    assert_eq!(
        run.stdout(),
        "{\"schema\":\"sealift.lock/1\",\"outcome\":\"refused\",\"refusal\":{\"code\":\"recipe-invalid\",\"class\":2,\
         \"subject\":\"bundle.toml:4:1\",\"message\":\"has an unknown key `sequnce` in [bundle]\",\"hint\":\"did you mean `sequence`?\"}}\n"
    );
}

#[test]
fn shipped_recipe_is_one_and_is_not_overwritten() {
    let folder = Folder::new();
    assert_eq!(folder.good(&["init"]), "wrote bundle.toml: edit the recipe, then run `bundler lock`\n");
    assert!(folder.run(&["init"]).refused(2).contains("is not overwritten"));
    assert!(folder.good(&["init", "--list"]).starts_with("first "));
    assert!(folder.run(&["init", "x", "--recipe", "frist"]).refused(2).contains("did you mean `first`?"));
    assert!(folder.run(&["lock"]).refused(2).contains("vendor.asc"));
}

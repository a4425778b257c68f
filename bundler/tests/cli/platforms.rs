// SPDX-License-Identifier: Apache-2.0
//! `for`, `partition`, `check` and `image`: what becomes of them, and what is said of those that make no sense.

use serde_json::{Value, json};

use super::support::Folder;

const HEAD: &str = r#"[bundle]
name = "tools"
version = "1.0"
sequence = 1
created = "2026-11-22T00:00:00Z"

[[component]]
name = "tool"
"#;

const TOOL: &str = r#"
[[artifact]]
name = "tool"
component = "tool"
source = "$os/$arch/tool-$machine"
for = { os = "linux", arch = ["amd64", "arm64"] }
unsigned = "built here"
install = { file = "/opt/tool", mode = "0755" }
"#;

fn folder(sections: &str) -> Folder {
    let folder = Folder::new();
    folder.write("bundle.toml", format!("{HEAD}{sections}"));
    for file in ["linux/amd64/tool-x86_64", "linux/arm64/tool-aarch64", "darwin/arm64/tool-aarch64", "a.rpm"]
    {
        folder.write(file, file);
    }
    // As far as its kind is told by content: an rpm.
    folder.write("b.rpm", [&[0xed, 0xab, 0xee, 0xdb, 3][..], &[0; 200]].concat());
    folder
}

/// The manifest of the bundle that the sections make.
fn manifest(sections: &str) -> Value {
    let folder = folder(sections);
    folder.good(&["lock"]);
    folder.good(&["build", "-o", "out.bundle.tar"]);
    let bytes = folder.read("out.bundle.tar");
    let end = 512 + bytes[512..].iter().position(|byte| *byte == 0).unwrap();
    serde_json::from_slice::<Value>(&bytes[512..end]).unwrap()["predicate"].clone()
}

fn complaint(sections: &str) -> String {
    let text = folder(sections).run(&["lock"]).refused(2);
    assert!(text.starts_with("error: bundle.toml:") && text.contains('^'), "{text}");
    text
}

#[test]
fn a_list_makes_one_artifact_for_each() {
    let predicate = manifest(TOOL);
    let found: Vec<Value> = predicate["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|artifact| json!([artifact["name"], artifact["for"], artifact["file"]]))
        .collect();
    let expected = json!([
        ["tool-amd64", {"os": "linux", "arch": "amd64"}, "files/tool-amd64/tool-x86_64"],
        ["tool-arm64", {"os": "linux", "arch": "arm64"}, "files/tool-arm64/tool-aarch64"]
    ]);
    assert_eq!(Value::from(found), expected);
}

/// Alternatives that nobody put into a component are one: a host installs exactly one of them.
#[test]
fn a_list_without_a_component_is_one() {
    let predicate =
        manifest(&TOOL.replace("component = \"tool\"\n", "").replace("name = \"tool\"", "name = \"other\""));
    let components: Vec<Value> = predicate["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|artifact| artifact["component"].clone())
        .collect();
    assert_eq!(components, ["other", "other"]);
    assert!(
        predicate["components"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| *it == json!({"name": "other", "default": true}))
    );
}

#[test]
fn names_say_what_varies() {
    let names = |wanted: &str| -> Vec<String> {
        let predicate = manifest(&TOOL.replace("{ os = \"linux\", arch = [\"amd64\", \"arm64\"] }", wanted));
        let artifacts = predicate["artifacts"].as_array().unwrap();
        artifacts.iter().map(|artifact| artifact["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("{ os = \"linux\", arch = \"arm64\" }"), ["tool"]);
    assert_eq!(names("{ os = [\"linux\", \"darwin\"], arch = \"arm64\" }"), ["tool-linux", "tool-darwin"]);
    assert_eq!(
        names("{ os = [\"linux\", \"darwin\"], arch = [\"arm64\"] }"),
        ["tool-linux-arm64", "tool-darwin-arm64"]
    );
}

#[test]
fn partitions_packages_and_checks_reach_the_manifest() {
    let predicate = manifest(
        r#"
[[artifact]]
name = "package"
component = "tool"
source = "b.rpm"
for = { package = "rpm" }
partition = "west"
unsigned = "built here"
install = "rpm"

[[check]]
name = "it answers"
component = "tool"
for = { os = "linux" }
run = ["tool", "version"]
expect = { contains = "1.0" }

[[check]]
name = "all is well"
run = ["/usr/bin/tool", "list"]
expect = { column = "ERROR", equals = "<nil>" }
"#,
    );
    let artifact = &predicate["artifacts"][0];
    assert_eq!(artifact["partition"], "west");
    assert_eq!(artifact["for"], json!({"package": "rpm"}));
    assert_eq!(artifact["install"], json!({"action": "rpm"}));
    assert_eq!(
        predicate["checks"],
        json!([
            {"name": "it answers", "component": "tool", "for": {"os": "linux"}, "run": ["tool", "version"],
             "expect": {"contains": "1.0"}},
            {"name": "all is well", "run": ["/usr/bin/tool", "list"],
             "expect": {"column": "ERROR", "equals": "<nil>"}}
        ])
    );
}

#[test]
fn impossible_platforms_are_told() {
    let platform = "{ os = \"linux\", arch = [\"amd64\", \"arm64\"] }";
    for (wanted, expected) in [
        (
            "{ os = \"linux\", package = \"msi\" }",
            "hosts of its operating system do not install: `linux msi`",
        ),
        ("{ os = \"linus\" }", "did you mean `linux`?"),
        ("{ os = \"macos\" }", "did you mean `darwin`?"),
        ("{ arch = \"x86_64\" }", "did you mean `amd64`?"),
        ("{ arch = [\"arm64\", \"arm64\"] }", "names `arm64` twice"),
        ("{ arch = [] }", "has an empty list for `arch`"),
        ("{}", "for a platform that says nothing"),
        ("{ os = \"linux\", libc = \"musl\" }", "has an unknown key `libc` in `for`"),
        ("\"linux\"", "has the wrong type for `for`"),
        ("{ os = \"linux\" }", "uses `$arch`, which nothing gives here"),
    ] {
        let text = complaint(&TOOL.replace(platform, wanted));
        assert!(text.contains(expected), "{wanted}: {text}");
    }
    let text = complaint(&TOOL.replace("{ file = \"/opt/tool\", mode = \"0755\" }", "\"msi\""));
    assert!(text.contains("is no way to install on linux: `msi`"), "{text}");
    let text = complaint(&TOOL.replace("{ file = \"/opt/tool\", mode = \"0755\" }", "\"rpms\""));
    assert!(text.contains("did you mean `rpm`?"), "{text}");
    let package = TOOL.replace(
        "os = \"linux\", arch = [\"amd64\", \"arm64\"]",
        "package = \"deb\", arch = [\"amd64\", \"arm64\"], os = \"linux\"",
    );
    let text = complaint(&package.replace("{ file = \"/opt/tool\", mode = \"0755\" }", "\"rpm\""));
    assert!(text.contains("is no way to install what is for `deb`: `rpm`"), "{text}");
    let text = complaint(&TOOL.replace("unsigned", "partition = \"a b\"\nunsigned"));
    assert!(text.contains("has a bad value for `partition`"), "{text}");
    let twice = format!(
        "{TOOL}{}",
        TOOL.replace("name = \"tool\"\n", "name = \"tool-amd64\"\n").replace(
            "for = { os = \"linux\", arch = [\"amd64\", \"arm64\"] }",
            "for = { os = \"linux\", arch = \"amd64\" }",
        )
    );
    assert!(complaint(&twice).contains("names a second artifact or tree `tool-amd64`"));
}

#[test]
fn checks_that_make_no_sense_are_told() {
    let check = |rest: &str| complaint(&format!("\n[[check]]\nname = \"x\"\n{rest}\n"));
    for (rest, expected) in [
        ("run = []", "runs nothing"),
        ("run = [\"../x\"]", "neither a plain name nor an absolute path"),
        ("run = [\"x\"]\ncomponent = \"tol\"", "did you mean `tool`?"),
        (
            "run = [\"x\"]\ncomponent = \"app\"\n\n[[artifact]]\nname = \"app\"\ncomponent = \"tool\"\nsource = \"a.rpm\"\nunsigned = \"x\"",
            "names an unknown component `app`",
        ),
        ("run = [\"x\"]\nexpect = { column = \"A\" }", "expects neither a column nor a text"),
        ("run = [\"x\"]\nexpect = { contains = \"\" }", "it is empty"),
        ("run = [\"x\"]\nfor = { arch = [\"arm64\"] }", "has a list where one value is wanted"),
        ("run = \"x\"", "has the wrong type for `run`"),
    ] {
        let text = check(rest);
        assert!(text.contains(expected), "{rest}: {text}");
    }
    let twice = "\n[[check]]\nname = \"x\"\nrun = [\"x\"]\n".repeat(2);
    assert!(complaint(&twice).contains("names a second check `x`"));
}

#[test]
fn images_are_read_and_refused_by_name() {
    let digest = "ab".repeat(32);
    let image = |source: &str, rest: &str| {
        complaint(&format!("\n[[image]]\nname = \"app\"\nsource = \"{source}\"\n{rest}\n"))
    };
    let good = format!("oci://registry.example:5000/team/app@sha256:{digest}");
    let text = image(&good, "platforms = [\"linux/amd64\"]\nunsigned = \"built here\"");
    assert!(text.contains("names the image `app`, and this version carries no images yet"), "{text}");
    for (source, rest, expected) in [
        ("oci://registry.example/app:1.0", "unsigned = \"x\"", "it has no digest"),
        ("docker://x/y@sha256:00", "unsigned = \"x\"", "does not begin with oci://"),
        ("oci://registry.example/app@sha256:00", "unsigned = \"x\"", "has a bad value for `source`"),
        (good.as_str(), "", "says neither `signed-by` nor `unsigned`"),
        (good.as_str(), "platforms = [\"linux\"]\nunsigned = \"x\"", "a platform is OS/ARCH"),
        (good.as_str(), "signed-by = { trust-policy = \"p.json\" }", "names the trust policy `p.json`"),
    ] {
        let text = image(source, rest);
        assert!(text.contains(expected), "{source} {rest}: {text}");
    }
}

#[test]
fn a_file_that_cannot_be_installed_as_it_says_is_refused() {
    let folder = folder(
        "\n[[artifact]]\nname = \"a\"\nsource = \"a.rpm\"\nunsigned = \"built here\"\ninstall = \"rpm\"\n",
    );
    let text = folder.run(&["lock"]).refused(2);
    assert!(text.contains("a.rpm is nothing that `install = \"rpm\"` installs"), "{text}");
    assert!(text.contains("--> bundle.toml:12:10\n"), "{text}");
}

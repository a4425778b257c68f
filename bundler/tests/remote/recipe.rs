// SPDX-License-Identifier: Apache-2.0
//! URLs and hosts as the recipe may write them.

use crate::server::{Authority, Server, status, whole};
use crate::site::{Site, errors};

/// What `bundler lock` says of a recipe with this artifact or section.
fn complaint(sections: &str) -> String {
    let site = Site::new(sections);
    let refused = site.run(&["lock"]).refused(2);
    assert_eq!((errors(&refused), site.asked().len()), (1, 0), "{refused}");
    assert!(refused.starts_with("error: bundle.toml:") && refused.contains("^"), "{refused}");
    refused
}

#[test]
fn urls_that_are_not_fetched_are_refused_with_their_line() {
    for (source, told) in [
        ("http://a.example/x", "uses plain HTTP"),
        ("oci://a.example/x@sha256:00", "OCI images, which this version does not have yet"),
        ("oci:layout", "OCI images, which this version does not have yet"),
        ("ftp://a.example/x", "is neither an https nor a file URL"),
        ("https://user:secret@a.example/x", "carries a user or password"),
        ("https://a.example/x#y", "has a fragment"),
        ("https://a.example/", "does not end in the name of a file"),
        ("https://a.example/a%2Fb", "does not end in the name of a file"),
        ("file:relative", "is no file URL"),
    ] {
        let text =
            complaint(&format!("[[artifact]]\nname = \"a\"\nsource = \"{source}\"\nunsigned = \"x\"\n"));
        assert!(text.contains(told) && text.contains("| source = "), "{source}: {text}");
    }
    let text = complaint("[[tree]]\nname = \"a\"\nsource = \"https://a.example/x\"\nunsigned = \"x\"\n");
    assert!(text.contains("names a URL where a path is wanted"), "{text}");
}

#[test]
fn hosts_that_make_no_sense_are_refused_with_their_line() {
    for (section, told) in [
        (
            "[host.\"https://a.example\"]\n",
            "has a section [host.\"https://a.example\"] that has a bad host or port",
        ),
        ("[host.\"a.example\"]\n[host.\"A.example:443\"]\n", "has a second section for the host"),
        ("[host.\"a.example\"]\nheader = {}\n", "did you mean `headers`?"),
        ("[host.\"a.example\"]\nheaders = { Authorization = \"Bearer abc\" }\n", "is a secret"),
        (
            "[host.\"a.example\"]\nheaders = { X-Token = \"$site\" }\n",
            "uses a variable of the recipe in the header",
        ),
        ("[host.\"a.example\"]\nheaders = { Range = \"x\" }\n", "is a header that downloads set themselves"),
        ("[host.\"a.example\"]\nca = \"https://a.example/ca\"\n", "names a URL where a path is wanted"),
    ] {
        let text = complaint(section);
        assert!(text.contains(told), "{section}: {text}");
    }
}

#[test]
fn headers_come_from_the_environment_and_are_not_in_the_lock() {
    let site = Site::new("");
    let authority = Authority::new();
    authority.write(&site.path("ca-2.pem"));
    let server = Server::start(authority.leaf(&["localhost"], |_| ()), |request, tls| {
        match request.header("authorization") {
            Some("Bearer s3cret") => whole(tls, &[], request.path.as_bytes()),
            _ => status(tls, "401 Unauthorized", &[]),
        }
    });
    let sections = ["a", "b"].map(|name| {
        format!(
            "[[artifact]]\nname = \"{name}\"\nsource = \"{}\"\nunsigned = \"x\"\n",
            server.url(&format!("/{name}"))
        )
    });
    let host = format!(
        "[host.\"{}\"]\nca = \"ca-2.pem\"\nheaders = {{ Authorization = \"Bearer env:ARTIFACTS_TOKEN\" }}\n",
        server.authority()
    );
    site.write("bundle.toml", format!("{}{host}{}", site.text("bundle.toml"), sections.concat()));
    let refused = site.run(&["lock"]).refused(2);
    assert_eq!(errors(&refused), 1, "one variable is missing, however many files need it: {refused}");
    assert!(refused.contains("the variable ARTIFACTS_TOKEN is not set"), "{refused}");
    let mut command = site.command(&["lock", "-v"]);
    let run = crate::site::Run::of(command.env("ARTIFACTS_TOKEN", "s3cret").output().unwrap()).good();
    let lock = site.lock();
    for word in ["s3cret", "ARTIFACTS_TOKEN", "Bearer", "ca-2"] {
        assert!(!lock.contains(word) && !run.talk.contains(word), "{word}: {lock}{}", run.talk);
    }
    // The secret is needed for fetching alone.
    site.good(&["lock"]);
    site.good(&["build"]);
}

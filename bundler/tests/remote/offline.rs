// SPDX-License-Identifier: Apache-2.0
//! `build` opens no socket, and neither does a lock that has nothing to fetch.

use std::process::Command;

use crate::site::Site;

#[test]
fn build_opens_no_socket() {
    let site = Site::signed();
    site.good(&["lock"]);
    let traced = |arguments: &[&str]| {
        let trace = site.path("trace");
        let program = site.command(&[]);
        let mut command = Command::new("strace");
        command
            .args(["-f", "-e", "trace=%network", "-o"])
            .arg(&trace)
            .arg(program.get_program())
            .args(arguments);
        command.current_dir(site.path("")).env("SEALIFT_STORE", site.path("store"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(trace).unwrap()
    };
    let works = Command::new("strace").args(["-f", "-e", "trace=%network", "true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: strace is not installed here, or may not trace");
        return;
    }
    for arguments in [&["build"][..], &["lock"]] {
        let trace = traced(arguments);
        assert!(trace.contains("+++ exited with 0 +++"), "{trace}");
        assert!(!trace.contains("socket(") && !trace.contains("connect("), "{arguments:?}: {trace}");
    }
    // The trace would show one.
    assert!(traced(&["update"]).contains("socket("));
}

#[test]
fn build_works_where_there_is_no_network() {
    let site = Site::signed();
    site.good(&["lock"]);
    let program = site.command(&[]);
    let bundler = program.get_program().to_owned();
    let alone = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-rn", "--"]).args(arguments).current_dir(site.path(""));
        command.env("SEALIFT_STORE", site.path("store")).output()
    };
    if !alone(&["true"]).is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: unshare is not installed here, or may not make a network of its own");
        return;
    }
    let run = alone(&[bundler.to_str().unwrap(), "build"]).unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

// SPDX-License-Identifier: Apache-2.0
//! What `--help` prints.

#[test]
fn help_fits_and_ends_with_two_examples() {
    use clap::CommandFactory;
    fn walk(command: &mut clap::Command, path: &str) {
        let help = command.render_long_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{path}: {line}");
        }
        if command.has_subcommands() && path != "bundler" {
            // A group of commands: the examples are with its members.
        } else {
            let examples =
                help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{path} has no examples"));
            assert_eq!(examples.lines().filter(|l| l.starts_with("  bundler ")).count(), 2, "{path}");
        }
        for child in command.get_subcommands_mut().filter(|c| c.get_name() != "help") {
            let path = format!("{path} {}", child.get_name());
            walk(child, &path);
        }
    }
    let mut command = bundler::cli::Cli::command();
    command.build();
    walk(&mut command, "bundler");
}

//! `fs reference`: the page of all commands, for the documentation.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};
use larder_core::Result;

use crate::cli::Cli;
use crate::output;

/// Columns of the help texts, whatever the terminal has.
const WIDTH: usize = 100;

const START: &str = "# Commands\n\n<!-- Made from the program: see CONTRIBUTING.md. -->\n\n\
    What `fs -h` says, command by command. The options of `fs` itself hold for every command.\n";

pub(crate) fn run() -> Result<()> {
    let mut command = Cli::command().term_width(WIDTH);
    command.build();
    let mut page = START.to_owned();
    describe(&mut command, "fs", &mut page);
    output::line(page.trim_end())
}

/// Adds a section per command, the command itself before its subcommands.
fn describe(command: &mut Command, path: &str, page: &mut String) {
    let help = command.render_help().to_string();
    let lines: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    let written = write!(page, "\n## `{path}`\n\n```text\n{}\n```\n", lines.join("\n"));
    debug_assert!(written.is_ok(), "text can always grow");
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        let name = inner.get_name().to_owned();
        // clap adds a help command to everything that has subcommands.
        if name != "help" {
            let own = std::mem::take(inner);
            *inner = own.mut_args(|it| if it.is_global_set() { it.hide(true) } else { it });
            describe(inner, &format!("{path} {name}"), page);
        }
    }
}

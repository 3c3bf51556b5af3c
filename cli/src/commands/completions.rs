//! `fs completions SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use larder_core::Result;

use crate::cli::Cli;
use crate::output;

/// Arguments of `fs completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs completions bash > ~/.local/share/bash-completion/completions/fs")]
pub(crate) struct Arguments {
    /// Shell to write for.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "fs", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}

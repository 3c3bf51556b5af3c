//! `fs projects`: list, describe, `current_project`, delete.

use std::io::{IsTerminal as _, Write as _};

use clap::Subcommand;
use larder_core::{Error, Result};
use larder_registry::edit;

use super::describe::{Kind, TagFilter, find, list};
use crate::compose;
use crate::output::{self, OutputFormat};
use crate::repository::Repository;

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List all projects of the registry.
    List(TagFilter),
    /// Show one.
    Describe {
        /// Name of the project.
        name: String,
    },
    /// Show the project of this repository.
    #[command(name = "current_project", alias = "current-project")]
    CurrentProject,
    /// Delete a project and everything in it from the registry.
    Delete {
        /// Name of the project.
        name: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

pub(crate) fn run(
    repository: &Repository,
    command: &ProjectCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        ProjectCommand::List(filter) => list(repository, Kind::Project, filter, format),
        ProjectCommand::Describe { name } => {
            output::object(&find(repository, Kind::Project, name)?, format)
        }
        ProjectCommand::CurrentProject => {
            let name = repository.project()?;
            output::object(&find(repository, Kind::Project, name)?, format)
        }
        ProjectCommand::Delete { name, yes } => delete(repository, name, *yes),
    }
}

fn delete(repository: &Repository, name: &str, yes: bool) -> Result<()> {
    if !yes && !confirmed(name)? {
        return Err(Error::invalid(format!("project \"{name}\" was not deleted")));
    }
    let registry = compose::registry_store(repository.existing()?)?;
    edit::delete_project(registry.as_ref(), name)?;
    output::line(format!("Project '{name}' deleted successfully."))
}

/// Asks on the terminal; without one the answer is no.
fn confirmed(name: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid("deleting a project needs a confirmation")
            .with_hint("add --yes when nobody is there to ask"));
    }
    let unanswered = |error| Error::internal("cannot ask for confirmation").with_source(error);
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "Delete project '{name}' and everything in it from the registry? [y/N]: ")
        .and_then(|()| terminal.flush())
        .map_err(unanswered)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(unanswered)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

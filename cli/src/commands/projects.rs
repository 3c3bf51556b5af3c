//! `fs projects`: list, describe, `current_project`, delete.

use std::io::{IsTerminal as _, Write as _};

use clap::Subcommand;
use larder_core::{Error, ErrorKind, Result};
use larder_registry::store::RegistryStore;
use larder_registry::{RepoConfig, edit};

use super::describe::{Kind, TagFilter, find, list};
use crate::output::{self, OutputFormat};
use crate::repository::Repository;
use crate::{compose, definition};

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
    /// Delete a project: its rows in the online store, then everything of it in the registry.
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
    let config = repository.existing()?;
    let registry = compose::registry_store(config)?;
    if config.online_store.is_some() {
        remove_rows(config, registry.as_ref(), name).map_err(|error| {
            error.context(format_args!(
                "project \"{name}\" was not deleted: its rows cannot be removed"
            ))
        })?;
    }
    edit::delete_project(registry.as_ref(), name)?;
    output::line(format!("Project '{name}' deleted successfully."))
}

/// Removes the project's rows from the online store of this repository; rows in other stores stay.
fn remove_rows(config: &RepoConfig, registry: &dyn RegistryStore, project: &str) -> Result<()> {
    let Some(file) = registry.load()? else { return Ok(()) };
    let catalog = match compose::catalog_of(config, &file, project) {
        // The deletion tells of a project that does not exist.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        catalog => catalog?,
    };
    let tables = definition::tables_of(&catalog)?;
    compose::block_on(compose::online_store(config)?.teardown(&tables))
}

/// Asks on the terminal; without one the answer is no.
fn confirmed(name: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid("deleting a project needs a confirmation")
            .with_hint("add --yes when nobody is there to ask"));
    }
    let unanswered = |error| Error::internal("cannot ask for confirmation").with_source(error);
    let mut terminal = std::io::stderr().lock();
    write!(
        terminal,
        "Delete project '{name}' with its online rows and everything in the registry? [y/N]: "
    )
    .and_then(|()| terminal.flush())
    .map_err(unanswered)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(unanswered)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

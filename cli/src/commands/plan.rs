//! `fs plan` and `fs apply`.

use std::path::PathBuf;

use clap::Args;
use larder_core::Result;

use crate::definition::{self, Prepared};
use crate::output;
use crate::report;
use crate::repository::Repository;

mod change_text;

/// Arguments of `fs plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Repository folder; the working folder when left out.
    path: Option<PathBuf>,
    #[command(flatten)]
    checks: CheckArguments,
}

/// Arguments of `fs apply`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs apply feature_repo/
  fs -c feature_repo apply")]
pub(crate) struct ApplyArguments {
    /// Repository folder; the working folder when left out.
    path: Option<PathBuf>,
    #[command(flatten)]
    checks: CheckArguments,
    /// Store changed views as new versions without serving them.
    #[arg(long)]
    no_promote: bool,
    /// No effect: nothing is drawn when standard error is not a terminal.
    #[arg(long)]
    no_progress: bool,
}

/// Feast's switches.
#[derive(Debug, Args)]
struct CheckArguments {
    /// No effect: files are only opened where something must be inferred from them.
    #[arg(long)]
    skip_source_validation: bool,
    /// No effect: views are always checked.
    #[arg(long)]
    skip_feature_view_validation: bool,
}

pub(crate) fn plan(repository: &Repository, arguments: &PlanArguments) -> Result<()> {
    let prepared = definition::prepare(&repository.on_disk(arguments.path.as_ref()))?;
    announce(&prepared)?;
    print_changes(&prepared)
}

pub(crate) fn apply(repository: &Repository, arguments: &ApplyArguments) -> Result<()> {
    let prepared = definition::prepare(&repository.on_disk(arguments.path.as_ref()))?;
    announce(&prepared)?;
    output::line(format!("Applying changes for project {}", prepared.plan.project))?;
    definition::apply(&prepared, arguments.no_promote)?;
    print_changes(&prepared)
}

/// Applies without a word and answers how many objects the repository defines.
///
/// # Errors
/// As [`definition::prepare`] and [`definition::apply`].
pub(crate) fn apply_repository(repository: &Repository) -> Result<usize> {
    let prepared = definition::prepare(repository)?;
    definition::apply(&prepared, false)?;
    Ok(prepared.plan.changes.iter().filter(|change| change.is_shown()).count())
}

fn announce(prepared: &Prepared) -> Result<()> {
    for warning in &prepared.warnings {
        report::warning(warning);
    }
    if prepared.project_is_defined {
        return Ok(());
    }
    let project = &prepared.plan.project;
    output::line(format!(
        "No project found in the repository. Using project name {project} defined in feature_store.yaml"
    ))
}

fn print_changes(prepared: &Prepared) -> Result<()> {
    output::line(change_text::registry(&prepared.plan))?;
    output::line(change_text::infrastructure(&prepared.tables))
}

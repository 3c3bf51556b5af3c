//! Events that a job could not use.

use larder_core::{Error, ErrorKind, Result};
use larder_stream_features::{DeadLetter, DeadLetterFile, JobDefinition};
use serde_json::{Value, json};

use super::execute::{Execution, execute};
use super::status::{self, RunRecord};
use crate::output::{self, Cell, OutputFormat, Table};
use crate::report;
use crate::repository::Repository;

/// Most characters of an event that a table shows.
const SHOWN: usize = 80;

pub(super) fn list(
    repository: &Repository,
    job: &JobDefinition,
    format: OutputFormat,
) -> Result<()> {
    let letters = letters(repository, job)?;
    if format == OutputFormat::Json {
        let letters: Vec<Value> = letters.iter().map(|letter| json!(letter)).collect();
        return output::json(&Value::Array(letters), 2);
    }
    let mut table = Table::new(["FAULT", "PARTITION", "OFFSET", "REASON", "EVENT"]);
    for letter in &letters {
        table.push([
            Cell::from(letter.fault.as_str()),
            Cell::from(letter.partition.as_str()),
            Cell::from(letter.offset),
            Cell::from(letter.reason.as_str()),
            Cell::from(shown(&letter.payload)),
        ]);
    }
    output::table(&table, format)
}

/// The beginning of an event as text.
fn shown(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    printable.take(SHOWN).collect()
}

fn letters(repository: &Repository, job: &JobDefinition) -> Result<Vec<DeadLetter>> {
    let folder = status::state_folder(repository.existing()?, job.name());
    DeadLetterFile::read(&folder.join(status::DEAD_LETTERS))
}

/// Runs the job over its source again. Results of windows and sessions need all of their events, not only those that
/// were left out, and without checkpoints the source is the only place that has them.
pub(super) fn replay(
    repository: &Repository,
    job: JobDefinition,
    format: OutputFormat,
) -> Result<()> {
    let before = letters(repository, &job)?.len() as u64;
    let last = last_run(repository, &job)?;
    if before == 0 {
        report::note(format_args!("job \"{}\" has no dead letters", job.name()));
        return Ok(());
    }
    let execution = Execution { path: Some(last.path), ..Execution::default() };
    let records = execute(repository, vec![job], &execution)?;
    let left: u64 = records.iter().map(|record| record.dead_letters).sum();
    report::note(format_args!("{before} dead letters before, {left} now"));
    status::print_runs(&records, format)
}

fn last_run(repository: &Repository, job: &JobDefinition) -> Result<RunRecord> {
    let last = status::last(repository.existing()?, job.name())?;
    let last = last.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("job \"{}\" has never run", job.name()))
    })?;
    if last.command == "run" {
        return Ok(last);
    }
    Err(Error::unsupported(format!("the last run of job \"{}\" was a backfill", job.name()))
        .with_hint("run the backfill again: it has no state that a replay would keep"))
}

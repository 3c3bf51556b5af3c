//! `fs dataset diff`.

use larder_core::{Error, Result};
use larder_dataset::{ColumnChange, Comparison};
use serde_json::json;

use super::DiffArguments;
use super::home::Home;
use crate::output::{self, OutputFormat};
use crate::repository::Repository;

pub(super) fn run(
    repository: &Repository,
    arguments: &DiffArguments,
    format: OutputFormat,
) -> Result<()> {
    let (first, second) = (&arguments.first, &arguments.second);
    let homes = (Home::of(repository, first)?, Home::of(repository, second)?);
    let comparison = Comparison::of(homes.0.path(), homes.1.path())?;
    match format {
        OutputFormat::Json => {
            let value = serde_json::to_value(&comparison);
            output::json(&value.unwrap_or_else(|_| json!(null)), 2)?;
        }
        OutputFormat::Table => text(&comparison).iter().try_for_each(output::line)?,
    }
    if arguments.exit_code && !comparison.is_empty() {
        let (first, second) = (first.display(), second.display());
        return Err(Error::invalid(format!("{first} and {second} differ")));
    }
    Ok(())
}

fn text(comparison: &Comparison) -> Vec<String> {
    if comparison.is_empty() {
        return vec![format!("the same {} rows, made of the same", comparison.rows.0)];
    }
    let mut lines = Vec::new();
    let (a, b) = comparison.rows;
    lines.push(if a == b { format!("rows: {a}") } else { format!("rows: {a} -> {b}") });
    let same = if comparison.same_entity_rows { "the same" } else { "other rows" };
    lines.push(format!("entity rows: {same}"));
    section(&mut lines, "request", comparison.request.iter().cloned());
    let named = |(name, change): (&String, &String)| format!("{name}: {change}");
    section(&mut lines, "definitions", comparison.definitions.iter().map(named));
    section(&mut lines, "sources", comparison.sources.iter().map(named));
    section(&mut lines, "columns", comparison.columns.iter().map(|change| column(change, a)));
    lines
}

fn section(lines: &mut Vec<String>, title: &str, entries: impl Iterator<Item = String>) {
    let before = lines.len();
    lines.extend(entries.map(|entry| format!("  {entry}")));
    if lines.len() > before {
        lines.insert(before, format!("{title}:"));
    }
}

fn column(change: &ColumnChange, all: u64) -> String {
    let ColumnChange { column, from, change, rows, because } = change;
    let rows = rows.map(|rows| format!(", in {rows} of {all} rows")).unwrap_or_default();
    let because = because.join(", ");
    let because = if because.is_empty() { because } else { format!("; {because}") };
    format!("{column} ({from}) {change}{rows}{because}")
}

//! `fs online`: work on the rows of the online store.

use std::sync::{Mutex, PoisonError};

use clap::{Args, Subcommand, ValueEnum};
use larder_core::Result;
use larder_online_store::{LayoutMigration, MigratedRows, RedisLayout, ViewTable};
use serde_json::{Value, json};

use crate::output::{self, Cell, OutputFormat, Table};
use crate::progress::RowProgress;
use crate::repository::Repository;
use crate::{compose, definition, report};

/// What to do with online rows.
#[derive(Debug, Subcommand)]
pub(crate) enum OnlineCommand {
    /// Move the rows of this project's views from one layout of Redis to the other.
    Migrate(MigrateArguments),
}

/// Arguments of `fs online migrate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Rows get the layout that larder.yaml sets, unless --to names another. A run that was interrupted
may be started again: it goes on where it stopped.

Examples:
  fs online migrate --dry-run
  fs online migrate --to packed --keep        servers may still read and write the old layout"
)]
pub(crate) struct MigrateArguments {
    /// Layout that the rows get; the configured one when left out.
    #[arg(long, value_enum, value_name = "LAYOUT")]
    to: Option<Layout>,
    /// Leave the rows in the old layout too.
    #[arg(long)]
    keep: bool,
    /// Count the rows that would move and change nothing.
    #[arg(long, conflicts_with = "keep")]
    dry_run: bool,
}

/// Layouts of Redis, as `online_store.layout` writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// A field per feature, as Feast.
    Feast,
    /// A field per view that holds the whole row.
    Packed,
}

impl Layout {
    fn name(self) -> &'static str {
        match self {
            Self::Feast => "feast",
            Self::Packed => "packed",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Feast => Self::Packed,
            Self::Packed => Self::Feast,
        }
    }
}

impl From<RedisLayout> for Layout {
    fn from(layout: RedisLayout) -> Self {
        match layout {
            RedisLayout::Feast => Self::Feast,
            RedisLayout::Packed => Self::Packed,
        }
    }
}

impl From<Layout> for RedisLayout {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Feast => Self::Feast,
            Layout::Packed => Self::Packed,
        }
    }
}

pub(crate) fn run(
    repository: &Repository,
    command: &OnlineCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        OnlineCommand::Migrate(arguments) => migrate(repository, arguments, format),
    }
}

fn migrate(
    repository: &Repository,
    arguments: &MigrateArguments,
    format: OutputFormat,
) -> Result<()> {
    let (store, configured) = compose::layouts(repository.existing()?)?;
    let to = arguments.to.unwrap_or_else(|| configured.into());
    let tables = definition::tables_of(&repository.catalog()?)?;
    let change = LayoutChange { from: to.other(), to };
    let migration =
        LayoutMigration { to: to.into(), keep: arguments.keep, dry_run: arguments.dry_run };
    let bar = RowProgress::new(format!("{} to {}", change.from.name(), to.name()));
    let so_far = Mutex::new(Vec::new());
    let progress = |counts: &[MigratedRows]| {
        bar.at(counts.iter().map(|view| view.found).sum());
        counts.clone_into(&mut so_far.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let moved = compose::block_on(store.migrate(&tables, migration, &progress));
    bar.end();
    let counts = moved.inspect_err(|_| {
        let done = so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let written: u64 = done.iter().map(|view| view.written).sum();
        report::note(format_args!("{written} rows were written before this failed"));
    })?;
    print(&tables, &counts, change, arguments.dry_run, format)
}

/// From where to where rows move.
#[derive(Clone, Copy)]
struct LayoutChange {
    from: Layout,
    to: Layout,
}

fn print(
    tables: &[ViewTable],
    counts: &[MigratedRows],
    change: LayoutChange,
    dry_run: bool,
    format: OutputFormat,
) -> Result<()> {
    if format == OutputFormat::Json {
        let views =
            tables.iter().zip(counts).map(|(table, rows)| report_json(table, *rows, change));
        return output::json(&Value::Array(views.collect()), 2);
    }
    let (from, to) = (change.from.name(), change.to.name());
    let verb = if dry_run { "would move" } else { "moved" };
    let found: u64 = counts.iter().map(|view| view.found).sum();
    output::line(format!("{found} rows {verb} from the {from} to the {to} layout."))?;
    let mut table = Table::new(["FEATURE VIEW", "FOUND", "WRITTEN", "OLDER", "REMOVED"]);
    for (view, rows) in tables.iter().zip(counts) {
        let [found, written, older, removed] =
            [rows.found, rows.written, rows.older, rows.removed].map(Cell::from);
        table.push([Cell::from(view.view()), found, written, older, removed]);
    }
    output::table(&table, format)
}

fn report_json(table: &ViewTable, rows: MigratedRows, change: LayoutChange) -> Value {
    json!({
        "feature_view": table.view(),
        "from": change.from.name(),
        "to": change.to.name(),
        "rows_found": rows.found,
        "rows_written": rows.written,
        "rows_older": rows.older,
        "rows_removed": rows.removed,
    })
}

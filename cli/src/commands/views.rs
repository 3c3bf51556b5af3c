//! `fs feature-views`: list, describe, enable, disable, set-state, list-versions.

use clap::{Subcommand, ValueEnum};
use larder_core::{Error, Result, ViewState};
use larder_proto::wire::registry_file::RegistryFile;
use serde_json::{Value, json};

use super::describe::{Kind, TagFilter, entity_names, filtered, find};
use crate::output::{self, Cell, OutputFormat, Table};
use crate::registry_json::text;
use crate::repository::Repository;
use crate::view_switch;

/// What to do with feature views.
#[derive(Debug, Subcommand)]
pub(crate) enum ViewCommand {
    /// List plain, batch and on demand feature views.
    List(TagFilter),
    /// Show one.
    Describe {
        /// Name of the view.
        name: String,
    },
    /// Allow reads and materialization of a view again.
    Enable {
        /// Name of the view.
        name: String,
    },
    /// Refuse reads and materialization of a view.
    Disable {
        /// Name of the view.
        name: String,
    },
    /// Set the life-cycle state of a view.
    SetState {
        /// Name of the view.
        name: String,
        /// New state.
        #[arg(value_enum, ignore_case = true)]
        state: State,
    },
    /// List the stored versions of a view.
    ListVersions {
        /// Name of the view.
        name: String,
    },
}

/// Life-cycle states that can be set, as Feast spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum State {
    /// Applied.
    Created,
    /// Offline rows exist.
    Generated,
    /// Being written online.
    Materializing,
    /// Servable.
    AvailableOnline,
}

impl From<State> for ViewState {
    fn from(state: State) -> Self {
        match state {
            State::Created => Self::Created,
            State::Generated => Self::Generated,
            State::Materializing => Self::Materializing,
            State::AvailableOnline => Self::AvailableOnline,
        }
    }
}

pub(crate) fn run(
    repository: &Repository,
    command: &ViewCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        ViewCommand::List(filter) => list_views(repository, filter, format),
        ViewCommand::Describe { name } => describe(repository, name, format),
        ViewCommand::Enable { name } => view_switch::set_enabled(repository, name, true),
        ViewCommand::Disable { name } => view_switch::set_enabled(repository, name, false),
        ViewCommand::SetState { name, state } => {
            view_switch::set_state(repository, name, (*state).into())
        }
        ViewCommand::ListVersions { name } => list_versions(repository, name, format),
    }
}

fn list_views(repository: &Repository, filter: &TagFilter, format: OutputFormat) -> Result<()> {
    let file = repository.registry_file()?;
    let project = repository.project()?;
    let mut table = Table::new(["NAME", "ENTITIES", "TYPE", "ENABLED", "STATE"]);
    for (name, view) in filtered(file, Kind::FeatureView, project, filter)? {
        let class = match view.pointer("/spec/featureTransformation") {
            Some(_) => "BatchFeatureView",
            None => "FeatureView",
        };
        table.push(row(&name, &entity_names(&view), class, &view));
    }
    for (name, view) in filtered(file, Kind::OnDemandFeatureView, project, filter)? {
        let entities = source_entities(file, project, &view)?;
        let entities: Vec<&str> = entities.iter().map(String::as_str).collect();
        table.push(row(&name, &entities, "OnDemandFeatureView", &view));
    }
    output::table(&table, format)
}

fn row(name: &str, entities: &[&str], class: &str, view: &Value) -> [Cell; 5] {
    let enabled = is_enabled(view);
    [
        name.into(),
        Cell::shown_as(json!(entities), set_text(entities)),
        class.into(),
        Cell::shown_as(enabled, if enabled { "Yes" } else { "No" }),
        state_of(view).into(),
    ]
}

fn is_enabled(view: &Value) -> bool {
    view.pointer("/spec/disabled").and_then(Value::as_bool) != Some(true)
}

fn state_of(view: &Value) -> &str {
    match text(view, "/meta/state") {
        "" => "STATE_UNSPECIFIED",
        state => state,
    }
}

/// A Python set of texts as Feast's CLI prints it; ours is sorted.
fn set_text(names: &[&str]) -> String {
    if names.is_empty() {
        return "n/a".to_owned();
    }
    let mut quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.sort();
    quoted.dedup();
    format!("{{{}}}", quoted.join(", "))
}

/// Entities of the views that an on-demand view reads.
fn source_entities(file: &RegistryFile, project: &str, view: &Value) -> Result<Vec<String>> {
    let mut entities = Vec::new();
    let sources = view.pointer("/spec/sources").and_then(Value::as_object);
    for source in sources.into_iter().flat_map(|sources| sources.values()) {
        let base = text(source, "/featureViewProjection/featureViewName");
        for list in [Kind::FeatureView.list(), Kind::StreamFeatureView.list()] {
            if let Some(stored) = file.find(list, project, base) {
                let view = crate::registry_json::object(list, stored)?;
                entities.extend(entity_names(&view).into_iter().map(str::to_owned));
            }
        }
    }
    Ok(entities)
}

/// Feast 0.67 describes any plain view here and adds enabled and state also at their defaults.
fn describe(repository: &Repository, name: &str, format: OutputFormat) -> Result<()> {
    let mut view = find(repository, Kind::FeatureView, name)?;
    let (enabled, state) = (is_enabled(&view), state_of(&view).to_owned());
    let object = view.as_object_mut().expect("a message is an object");
    object.insert("enabled".to_owned(), json!(enabled));
    object.insert("state".to_owned(), json!(state));
    output::object(&view, format)
}

fn list_versions(repository: &Repository, name: &str, format: OutputFormat) -> Result<()> {
    let project = repository.project()?;
    let records = repository.registry_file()?.version_records()?;
    let mut table = Table::new(["VERSION", "TYPE", "CREATED", "VERSION_ID"]);
    let mut found = false;
    let own = |record: &&larder_proto::feast::core::FeatureViewVersionRecord| {
        record.feature_view_name == name && record.project_id == project
    };
    for record in records.iter().filter(own) {
        found = true;
        table.push([
            format!("v{}", record.version_number).into(),
            record.feature_view_type.as_str().into(),
            created_text(record.created_timestamp.as_ref()).into(),
            record.version_id.as_str().into(),
        ]);
    }
    if !found {
        return Err(Error::new(
            larder_core::ErrorKind::NotFound,
            format!("no version history of a feature view \"{name}\""),
        ));
    }
    output::table(&table, format)
}

/// Feast 0.67 prints the naive UTC time.
fn created_text(time: Option<&prost_types::Timestamp>) -> String {
    let Some(time) = time else { return String::new() };
    let micros = time.seconds.saturating_mul(1_000_000) + i64::from(time.nanos / 1_000);
    let text = crate::times::python(larder_core::Timestamp::from_micros(micros));
    text.trim_end_matches("+00:00").to_owned()
}

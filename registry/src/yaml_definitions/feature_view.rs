//! Stored views: plain, batch, stream and label views.

use larder_core::{
    Aggregation, DUMMY_ENTITY, DataSource, Error, FeatureView, Result, SourceKind, Transformation,
    ViewKind,
};

use super::Sources;
use super::duration::duration;
use super::entity::entity_names;
use super::field::{schema, tags};
use crate::yaml::{Section, Value};

pub(super) fn read(kind: &str, section: &Section<'_>, sources: &Sources) -> Result<FeatureView> {
    let mut view = FeatureView::new(section.require("name")?.text()?);
    view.entities = entity_names(section)?;
    if view.entities.is_empty() {
        view.entities = vec![DUMMY_ENTITY.to_owned()];
    }
    view.features = schema(section, "schema")?.unwrap_or_default();
    // Feast 0.67's Python default is timedelta(0), which is stored; only an explicit None is not.
    view.ttl = Some(section.read("ttl", duration)?.unwrap_or_default());
    view.online = section.read("online", Value::boolean)?.unwrap_or(true);
    view.description = section.text_or_empty("description")?;
    view.tags = tags(section)?;
    view.owner = section.text_or_empty("owner")?;
    view.version = section.read("version", Value::text)?.unwrap_or_else(|| "latest".to_owned());
    if kind != "label_view" {
        view.offline = section.read("offline", Value::boolean)?.unwrap_or_default();
        view.org = section.text_or_empty("org")?;
        view.enable_validation =
            section.read("enable_validation", Value::boolean)?.unwrap_or_default();
        view.disabled = !section.read("enabled", Value::boolean)?.unwrap_or(true);
    }
    let source = section.require("source")?;
    place(&mut view, sources.resolve(&source)?, kind).map_err(|message| source.error(message))?;
    view.kind = match kind {
        "stream_feature_view" => stream(section, &view)?,
        "batch_feature_view" => batch(section, &view.name)?,
        "label_view" => label(section)?,
        _ => ViewKind::Plain,
    };
    Ok(view)
}

/// Files the source as Feast does: what wraps a batch source is the stream source.
fn place(view: &mut FeatureView, source: DataSource, kind: &str) -> Result<(), String> {
    match &source.kind {
        SourceKind::Request { .. } => {
            return Err("a request source cannot feed a stored view".to_owned());
        }
        SourceKind::Kinesis { .. } if kind == "stream_feature_view" => {
            return Err("a stream view takes a kafka or push source".to_owned());
        }
        SourceKind::Push | SourceKind::Kafka { .. } | SourceKind::Kinesis { .. } => {
            let Some(batch) = &source.batch_source else {
                return Err(format!("data source \"{}\" needs a batch_source", source.name));
            };
            view.batch_source = Some((**batch).clone());
            view.stream_source = Some(source);
        }
        _ if kind == "stream_feature_view" => {
            return Err("a stream view takes a kafka or push source".to_owned());
        }
        _ => view.batch_source = Some(source),
    }
    Ok(())
}

fn stream(section: &Section<'_>, view: &FeatureView) -> Result<ViewKind> {
    let aggregations: Vec<Aggregation> = section
        .read("aggregations", |value| value.list()?.iter().map(aggregation).collect())?
        .unwrap_or_default();
    let timestamp_field = match section.get("timestamp_field") {
        Some(value) => value.text()?,
        None if aggregations.is_empty() => String::new(),
        None => return Err(section.error("aggregations need a timestamp_field")),
    };
    if view.features.is_empty() {
        return Err(section.error("a stream view must declare its schema"));
    }
    Ok(ViewKind::Stream {
        mode: section.read("mode", Value::text)?.unwrap_or_else(|| "python".to_owned()),
        transformation: function(section, &view.name)?,
        legacy_function: None,
        aggregations,
        timestamp_field,
        enable_tiling: section.read("enable_tiling", Value::boolean)?.unwrap_or_default(),
        tiling_hop_size: section.read("tiling_hop_size", duration)?,
    })
}

fn aggregation(value: &Value<'_>) -> Result<Aggregation> {
    let section = value.section()?;
    let time_window = section.read("time_window", duration)?;
    let aggregation = Aggregation {
        column: section.require("column")?.text()?,
        function: section.require("function")?.text()?,
        time_window,
        // Feast 0.67 writes the window when no slide is given.
        slide_interval: section.read("slide_interval", duration)?.or(time_window),
        name: section.text_or_empty("name")?,
    };
    section.finish()?;
    Ok(aggregation)
}

/// A Python function written in YAML: its source text under `function`.
fn function(section: &Section<'_>, view: &str) -> Result<Option<Transformation>> {
    section.read("function", |value| {
        let body_text = value.text()?;
        let name = function_name(&body_text).ok_or_else(|| {
            value.error(format!("view \"{view}\" has no \"def\" in its function"))
        })?;
        Ok(Transformation::Function { name, body: Vec::new(), body_text, mode: String::new() })
    })
}

/// The name after the first `def`.
fn function_name(text: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.strip_prefix("def "))?;
    rest.split('(').next().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn batch(section: &Section<'_>, name: &str) -> Result<ViewKind> {
    Ok(ViewKind::Batch {
        mode: section.read("mode", Value::text)?.unwrap_or_else(|| "python".to_owned()),
        transformation: function(section, name)?,
        source_views: Vec::new(),
    })
}

fn label(section: &Section<'_>) -> Result<ViewKind> {
    let conflict_policy = section
        .read("conflict_policy", |value| match value.text()?.to_ascii_lowercase().as_str() {
            "last_write_wins" => Ok(0),
            "labeler_priority" => Ok(1),
            "majority_vote" => Ok(2),
            _ => Err::<i32, Error>(
                value.error("expected last_write_wins, labeler_priority or majority_vote"),
            ),
        })?
        .unwrap_or_default();
    Ok(ViewKind::Label {
        labeler_field: section
            .read("labeler_field", Value::text)?
            .unwrap_or_else(|| "labeler".to_owned()),
        conflict_policy,
        retain_history: section.read("retain_history", Value::boolean)?.unwrap_or(true),
        reference_feature_view: section.text_or_empty("reference_feature_view")?,
    })
}

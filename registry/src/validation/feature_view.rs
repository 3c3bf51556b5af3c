//! Rules for stored views.

use std::collections::BTreeSet;

use larder_core::{Aggregation, DUMMY_ENTITY, Error, FeatureView, Result, SourceKind, ViewKind};

use super::{check_distinct, check_view_name};
use crate::apply::parse_pin;

pub(super) fn check(view: &FeatureView) -> Result<()> {
    check_view_name(&view.name)?;
    let owner = format!("{} \"{}\"", view.object_kind().label(), view.name);
    parse_pin(&view.name, &view.version)?;
    if view.entities.is_empty() {
        return Err(Error::invalid(format!("{owner} has no entities")));
    }
    let fields = view.entity_columns.iter().chain(&view.features);
    check_distinct(&owner, fields.map(|field| field.name.as_str()))?;
    check_join_keys(view, &owner)?;
    check_sources(view, &owner)?;
    if view.features.iter().filter(|field| field.vector_index).count() > 1 {
        return Err(Error::invalid(format!("{owner} has more than one vector feature")));
    }
    match &view.kind {
        ViewKind::Stream { aggregations, timestamp_field, tiling_hop_size, .. } => {
            if !aggregations.is_empty() && timestamp_field.is_empty() {
                return Err(Error::invalid(format!(
                    "{owner} has aggregations, so it needs a timestamp_field"
                )));
            }
            check_aggregations(&owner, aggregations, *tiling_hop_size)
        }
        ViewKind::Label { labeler_field, .. } => {
            let known = view.features.iter().any(|field| field.name == *labeler_field);
            // Feast 0.67 checks nothing here; its default needs no such field.
            if ["", "labeler"].contains(&labeler_field.as_str()) || known {
                return Ok(());
            }
            Err(Error::invalid(format!(
                "{owner}: the labeler field \"{labeler_field}\" is not in its schema"
            )))
        }
        ViewKind::Plain | ViewKind::Batch { .. } => Ok(()),
    }
}

/// One column per entity, of a type that can be serialized into a key.
fn check_join_keys(view: &FeatureView, owner: &str) -> Result<()> {
    let entities: BTreeSet<&str> = view.entities.iter().map(String::as_str).collect();
    if entities.len() < view.entities.len() {
        return Err(Error::invalid(format!("{owner} names an entity twice")));
    }
    if view.entities != [DUMMY_ENTITY] && view.entity_columns.len() < view.entities.len() {
        return Err(Error::invalid(format!("{owner} has entities that share a join key")));
    }
    match view.entity_columns.iter().find(|column| !column.value_type.can_be_join_key()) {
        Some(column) => Err(Error::invalid(format!(
            "{owner}: the join key \"{}\" has the type {}, which no key can have",
            column.name,
            column.value_type.name()
        ))
        .with_hint("use INT64, INT32, STRING, BYTES or UNIX_TIMESTAMP")),
        None => Ok(()),
    }
}

fn check_sources(view: &FeatureView, owner: &str) -> Result<()> {
    if let Some(source) = &view.batch_source {
        let renamed = view.features.iter().chain(&view.entity_columns);
        for field in renamed {
            if let Some(mapped) =
                source.field_mapping.get(&field.name).filter(|mapped| **mapped != field.name)
            {
                return Err(Error::invalid(format!(
                    "{owner}: the field \"{}\" is mapped to \"{mapped}\" by data source \"{}\"",
                    field.name, source.name
                ))
                .with_hint(format!("name the field \"{mapped}\"")));
            }
        }
    }
    let Some(stream) = &view.stream_source else {
        return match &view.kind {
            ViewKind::Stream { .. } => {
                Err(Error::invalid(format!("{owner} needs a kafka, push or custom stream source")))
            }
            _ => Ok(()),
        };
    };
    if matches!((&view.kind, &stream.kind), (ViewKind::Stream { .. }, SourceKind::Kinesis { .. })) {
        return Err(Error::invalid(format!("{owner} cannot have a kinesis source")));
    }
    let label_view = matches!(view.kind, ViewKind::Label { .. });
    if stream.batch_source.is_none() && !label_view && matches!(view.kind, ViewKind::Plain) {
        return Err(Error::invalid(format!(
            "{owner}: stream source \"{}\" needs a batch_source",
            stream.name
        )));
    }
    Ok(())
}

fn check_aggregations(
    owner: &str,
    aggregations: &[Aggregation],
    hop: Option<std::time::Duration>,
) -> Result<()> {
    for aggregation in aggregations {
        let (Some(window), Some(hop)) = (aggregation.time_window, hop) else { continue };
        if hop >= window {
            return Err(Error::invalid(format!(
                "{owner}: the tile of {} s is not smaller than the window of {} s over \"{}\"",
                hop.as_secs(),
                window.as_secs(),
                aggregation.column
            )));
        }
    }
    Ok(())
}

//! `kind: on_demand_feature_view`: SQL expressions, or the source text of a Python function.

use std::collections::BTreeMap;

use larder_core::{
    DUMMY_ENTITY, Field, OnDemandFeatureView, OnDemandSource, Result, SQL_TAG, SourceKind,
    Transformation, ViewMeta,
};

use super::Sources;
use super::entity::entity_names;
use super::feature_service::projection;
use super::field::{schema, tags};
use super::sql_stub;
use crate::yaml::{Data, Section, Value};

pub(super) fn read(section: &Section<'_>, sources: &Sources) -> Result<OnDemandFeatureView> {
    let name = section.require("name")?.text()?;
    let features = schema(section, "schema")?
        .filter(|features| !features.is_empty())
        .ok_or_else(|| section.error("schema is missing"))?;
    let mut entities = entity_names(section)?;
    if entities.is_empty() {
        entities = vec![DUMMY_ENTITY.to_owned()];
    }
    let mut view = OnDemandFeatureView {
        sources: on_demand_sources(section, sources)?,
        transformation: None,
        mode: section.read("mode", Value::text)?.unwrap_or_else(|| "sql".to_owned()),
        singleton: section.read("singleton", Value::boolean)?.unwrap_or_default(),
        write_to_online_store: section
            .read("write_to_online_store", Value::boolean)?
            .unwrap_or_default(),
        entities,
        entity_columns: Vec::new(),
        aggregations: Vec::new(),
        description: section.text_or_empty("description")?,
        tags: tags(section)?,
        owner: section.text_or_empty("owner")?,
        org: section.text_or_empty("org")?,
        version: section.read("version", Value::text)?.unwrap_or_else(|| "latest".to_owned()),
        disabled: !section.read("enabled", Value::boolean)?.unwrap_or(true),
        meta: ViewMeta::default(),
        name,
        features,
    };
    computation(section, &mut view)?;
    Ok(view)
}

/// Request sources by name, views by name or as `{view, features}`.
fn on_demand_sources(
    section: &Section<'_>,
    sources: &Sources,
) -> Result<Vec<(String, OnDemandSource)>> {
    let mut read: BTreeMap<String, OnDemandSource> = BTreeMap::new();
    let list = section.require("sources")?;
    for value in list.list()? {
        let named = match &value.node().data {
            Data::Text(name) => sources.find(name),
            _ => None,
        };
        let (name, source) = match named {
            Some(source) if matches!(source.kind, SourceKind::Request { .. }) => {
                (source.name.clone(), OnDemandSource::Request(source.clone()))
            }
            _ => {
                let projection = projection(&value)?;
                (projection.name_to_use().to_owned(), OnDemandSource::Projection(projection))
            }
        };
        if read.insert(name.clone(), source).is_some() {
            return Err(value.error(format!("source \"{name}\" is named twice")));
        }
    }
    if read.is_empty() {
        return Err(list.error("an on demand feature view needs a source"));
    }
    Ok(read.into_iter().collect())
}

fn computation(section: &Section<'_>, view: &mut OnDemandFeatureView) -> Result<()> {
    if view.mode == "sql" {
        if view.singleton {
            return Err(section.require("singleton")?.error("needs mode python"));
        }
        return sql(section, view);
    }
    if !["python", "pandas"].contains(&view.mode.as_str()) {
        let mode = section.require("mode")?;
        return Err(mode.error(format!("\"{}\" is not one of sql, python, pandas", view.mode)));
    }
    let function = section.require("function")?;
    let body_text = function.text()?;
    let name = body_text
        .lines()
        .find_map(|line| line.strip_prefix("def ")?.split('(').next())
        .map(|name| name.trim().to_owned())
        .ok_or_else(|| function.error("has no \"def\" at the start of a line"))?;
    let mode = view.mode.clone();
    view.transformation =
        Some(Transformation::Function { name, body: Vec::new(), body_text, mode });
    Ok(())
}

/// SQL goes into a tag; Feast gets a Python function that says who can compute it.
fn sql(section: &Section<'_>, view: &mut OnDemandFeatureView) -> Result<()> {
    let value = section.require("expressions")?;
    let expressions = value.text_map()?;
    for Field { name, .. } in &view.features {
        if !expressions.contains_key(name) {
            return Err(value.error(format!("feature \"{name}\" of the schema has no expression")));
        }
    }
    if let Some(stranger) =
        expressions.keys().find(|name| !view.features.iter().any(|f| f.name == **name))
    {
        return Err(value.error(format!("\"{stranger}\" is not in the schema")));
    }
    let json = serde_json::to_string(&expressions).expect("a map of texts is valid JSON");
    view.tags.insert(SQL_TAG.to_owned(), json);
    "python".clone_into(&mut view.mode);
    view.transformation = Some(sql_stub::function(&view.name, &expressions));
    Ok(())
}

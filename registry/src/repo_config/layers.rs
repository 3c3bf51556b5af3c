//! Laying the configuration sources over each other.

use std::rc::Rc;
use std::time::Duration;

use larder_core::{Error, Result};

use super::env::{Environment, FEAST_VARIABLES, VARIABLES};
use super::expand::expand;
use super::feature_store_yaml;
use super::locate::{Sources, Text};
use super::reader::{Reader, Record};
use super::{
    AuthConfig, Compat, FeatureServerConfig, Flag, MaterializationConfig, OfflinePushBatching,
    OfflineStoreConfig, OnlineStoreConfig, RegistryConfig, RepoConfig, ServingConfig, StreamConfig,
    TransformConfig,
};
use crate::yaml::{Data, Node, Origin, Value, parse_document};

/// Sections that may be written as a text instead of a map, with the key that the text stands for.
const SHORT_FORMS: [(&str, &str); 4] =
    [("online_store", "type"), ("offline_store", "type"), ("registry", "path"), ("auth", "type")];

/// The merged tree and what was noticed on the way.
pub(super) struct Layers {
    root: Node,
    warnings: Vec<String>,
}

/// Merges the files, the environment and the flags.
pub(super) fn merge(
    sources: &Sources,
    flags: &[Flag],
    environment: &dyn Environment,
) -> Result<Layers> {
    let mut warnings = Vec::new();
    let mut root = Node::new(&Rc::new(Origin::Default), Data::Map(Vec::new()));
    if let Some(text) = &sources.feature_store {
        let tree = document(text, environment)?;
        lay(&mut root, feature_store_yaml::checked(tree, &text.name, &mut warnings)?);
    }
    let larder = sources.larder.as_ref();
    let tree = larder.map(|text| parse_document(&text.name, &expand(&text.content, environment)));
    if let Some(tree) = tree.transpose()?.flatten() {
        check_larder_yaml(&tree)?;
        lay(&mut root, tree);
    }
    for variable in
        VARIABLES.iter().chain(FEAST_VARIABLES).filter(|variable| !variable.path.is_empty())
    {
        if let Some(value) = environment.get(variable.name).filter(|value| !value.is_empty()) {
            lay(&mut root, single(Origin::Environment(variable.name), variable.path, value));
        }
    }
    for flag in flags {
        lay(&mut root, single(Origin::Flag(flag.name), flag.path, flag.value.clone()));
    }
    Ok(Layers { root, warnings })
}

fn document(text: &Text, environment: &dyn Environment) -> Result<Node> {
    parse_document(&text.name, &expand(&text.content, environment))?
        .ok_or_else(|| Error::invalid(format!("{} is empty", text.name)))
}

fn check_larder_yaml(tree: &Node) -> Result<()> {
    let section = Value::new("", tree).section().map_err(|_| {
        Error::invalid("larder.yaml: expected a map of settings, found something else")
    })?;
    section.allow(&[
        "compat",
        "guard",
        "materialization",
        "online_store",
        "offline_store",
        "registry",
        "serving",
        "stream",
        "transform",
    ]);
    section.finish()?;
    // Feast takes no notice of other keys in its own file; here they are slips.
    let Some(materialization) = section.get("materialization") else { return Ok(()) };
    let materialization = materialization.section()?;
    materialization.allow(MaterializationConfig::KEYS);
    materialization.finish()
}

fn single(origin: Origin, path: &[&str], value: String) -> Node {
    let origin = Rc::new(origin);
    let mut layer = Node::new(&origin, Data::Map(Vec::new()));
    layer.set(path, Node::new(&origin, Data::Text(value)));
    layer
}

/// Lays one layer over the tree. A store of another type replaces the one below it, options and all.
fn lay(root: &mut Node, mut layer: Node) {
    for (section, key) in SHORT_FORMS {
        lengthen(&mut layer, section, key);
    }
    for section in ["online_store", "offline_store"] {
        let (below, above) = (kind_of(root, section), kind_of(&layer, section));
        if let Some(node) = layer.get(section).filter(|_| above.is_some() && below != above) {
            root.set(&[section], Node::new(&node.origin, Data::Map(Vec::new())));
        }
    }
    root.overlay(layer);
}

fn kind_of(tree: &Node, section: &str) -> Option<String> {
    match &tree.get(section)?.get("type")?.data {
        Data::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn lengthen(layer: &mut Node, section: &str, key: &str) {
    let Some(node) = layer.get(section) else { return };
    if let Data::Text(_) = node.data {
        let value = node.clone();
        layer.set(&[section, key], value);
    }
}

/// Reads the merged tree.
pub(super) fn read(sources: Sources, layers: Layers) -> Result<RepoConfig> {
    let record = Record::default();
    let section = Value::new("", &layers.root).section()?;
    let root = Reader::new("", Some(section), &record);
    let mut warnings = layers.warnings;

    let project = project(&root, &sources)?;
    let project_description = root.text("project_description", "")?;
    let provider = root.text("provider", "local")?;
    let compat =
        root.choice("compat", "larder", &[("larder", Compat::Larder), ("feast", Compat::Feast)])?;
    let registry = RegistryConfig::read(&root.child("registry")?, sources.feature_store.is_some())?;
    let (online_store, online_store_layers) =
        OnlineStoreConfig::read(&root, compat, &sources.repo_path)?;
    let offline_store = OfflineStoreConfig::read(&root.child("offline_store")?)?;
    let batch_engine = batch_engine(&layers.root)?;
    let auth = AuthConfig::read(&root.child("auth")?)?;
    let feature_server = feature_server(&root)?;
    let entity_key_serialization_version = root.number("entity_key_serialization_version", 3_u8)?;
    if entity_key_serialization_version < 3 {
        warnings.push(
            "entity_key_serialization_version below 3 is deprecated in Feast; keys of other versions are not found"
                .to_owned(),
        );
    }
    let coerce_tz_aware = root.boolean("coerce_tz_aware", true)?;
    let section = root.child("materialization")?;
    let materialization = MaterializationConfig::read(&section, &sources.repo_path)?;
    let guard = root.boolean("guard", compat == Compat::Larder)?;
    let serving = ServingConfig::read(&root.child("serving")?, &sources.repo_path)?;
    let stream = StreamConfig::read(&root.child("stream")?)?;
    let transform = TransformConfig::read(&root.child("transform")?, &sources.repo_path)?;
    let files = [&sources.feature_store, &sources.larder]
        .into_iter()
        .filter_map(|text| text.as_ref().and_then(|text| text.path.clone()))
        .collect();
    drop(root);
    Ok(RepoConfig {
        repo_path: sources.repo_path,
        files,
        project,
        project_description,
        provider,
        registry,
        online_store,
        online_store_layers,
        offline_store,
        batch_engine,
        auth,
        feature_server,
        entity_key_serialization_version,
        coerce_tz_aware,
        materialization,
        compat,
        guard,
        serving,
        stream,
        transform,
        warnings,
        settings: record.into_inner(),
    })
}

/// The project: required in a file, the folder's name without one.
fn project(root: &Reader<'_>, sources: &Sources) -> Result<String> {
    let fallback = match &sources.feature_store {
        Some(_) => String::new(),
        None => folder_project(sources),
    };
    let project = root.text("project", &fallback)?;
    if project.is_empty()
        && fallback.is_empty()
        && root.section().is_none_or(|section| section.get("project").is_none())
    {
        return Err(Error::invalid("feature_store.yaml: project is missing")
            .with_hint("add a line such as \"project: my_project\""));
    }
    check_project_name(&project).map_err(|message| root.error("project", message))?;
    Ok(project)
}

fn folder_project(sources: &Sources) -> String {
    let name = sources.repo_path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' })
        .collect();
    let name = name.trim_start_matches('_');
    if name.is_empty() { "feast".to_owned() } else { name.to_owned() }
}

/// Feast 0.67's rule for the project of a configuration file: word characters, no leading underscore, and no
/// hyphen whatever the online store is (its check for SQLite cannot see the store yet).
fn check_project_name(name: &str) -> Result<(), String> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.starts_with(['_', '-']) || !name.chars().all(word) {
        return Err(format!(
            "\"{name}\" may only have letters, digits and underscores, and may not start with an underscore"
        ));
    }
    if name.contains('-') {
        return Err(format!(
            "\"{name}\" may not contain a hyphen: names of online tables are made of it"
        ));
    }
    Ok(())
}

fn batch_engine(root: &Node) -> Result<String> {
    let Some(node) = root.get("batch_engine") else { return Ok("local".to_owned()) };
    match &node.data {
        Data::Null => Ok(String::new()),
        Data::Text(name) => Ok(name.clone()),
        _ => Value::new("batch_engine", node).section()?.require("type")?.text(),
    }
}

fn feature_server(root: &Reader<'_>) -> Result<Option<FeatureServerConfig>> {
    if root.section().is_none_or(|section| section.get("feature_server").is_none()) {
        return Ok(None);
    }
    let section = root.child("feature_server")?;
    let kind = section.choice("type", "local", &[("local", "local"), ("mcp", "mcp")])?;
    let metrics = section.child("metrics")?;
    let config = FeatureServerConfig {
        kind: kind.to_owned(),
        enabled: section.boolean("enabled", false)?,
        metrics_enabled: metrics.boolean("enabled", false)?,
        transformation_service_endpoint: section
            .text("transformation_service_endpoint", "localhost:6569")?,
        offline_push_batching: offline_push_batching(&section)?,
    };
    metrics.allow(&[
        "resource",
        "request",
        "feature_count_bins",
        "online_features",
        "push",
        "materialization",
        "freshness",
        "offline_features",
        "audit_logging",
    ]);
    metrics.finish()?;
    section.allow(&["feature_logging", "audit_logging"]);
    if kind == "local" {
        section.finish()?;
    }
    Ok(Some(config))
}

fn offline_push_batching(section: &Reader<'_>) -> Result<Option<OfflinePushBatching>> {
    let is_on = section.boolean("offline_push_batching_enabled", false)?;
    let rows: Option<u32> = section.optional_number("offline_push_batching_batch_size")?;
    let seconds: Option<u32> =
        section.optional_number("offline_push_batching_batch_interval_seconds")?;
    let (Some(rows), Some(seconds), true) = (rows, seconds, is_on) else { return Ok(None) };
    let interval = Duration::from_secs(seconds.max(1).into());
    Ok(Some(OfflinePushBatching { rows: rows.max(1), interval }))
}

//! What Feast accepts in `feature_store.yaml`: lax at the top, strict inside stores.

use larder_core::{Error, Result};

use super::offline_store;
use super::online_store_types::feast_keys;
use crate::yaml::{Data, Node, Value, did_you_mean};

/// Keys that Feast 0.67 gives a meaning at the top of `feature_store.yaml`.
const TOP_LEVEL: [&str; 20] = [
    "project",
    "project_description",
    "provider",
    "registry",
    "online_store",
    "offline_store",
    "batch_engine",
    "auth",
    "feature_server",
    "entity_key_serialization_version",
    "coerce_tz_aware",
    "materialization",
    "flags",
    "openlineage",
    "mlflow",
    "data_quality_monitoring",
    "embedding_model",
    "repo_path",
    "batch_engine_config",
    "stream_engine",
];

/// Keys that only Larder knows; Feast would ignore them.
const LARDER_ONLY: [&str; 5] = ["compat", "guard", "serving", "stream", "transform"];

/// The tree with Feast's keys only, its stores checked against Feast's own options.
///
/// # Errors
/// `Invalid` for a tree that is no map, and for unknown keys inside a store.
pub(super) fn checked(mut tree: Node, file: &str, warnings: &mut Vec<String>) -> Result<Node> {
    let Data::Map(entries) = &mut tree.data else {
        return Err(Error::invalid(format!(
            "{file}: expected a map of settings, found {}",
            tree.data.label()
        )));
    };
    entries.retain(|entry| {
        let known = TOP_LEVEL.contains(&entry.key.as_str());
        if LARDER_ONLY.contains(&entry.key.as_str()) {
            warnings.push(format!(
                "{}: {} belongs in larder.yaml and is ignored here",
                entry.origin, entry.key
            ));
        } else if let (false, Some(meant)) = (known, did_you_mean(&entry.key, TOP_LEVEL)) {
            warnings.push(format!(
                "{}: unknown key {}, did you mean \"{meant}\"?",
                entry.origin, entry.key
            ));
        }
        known
    });
    check_store(&tree, "online_store", "sqlite", feast_keys)?;
    check_store(&tree, "offline_store", "dask", offline_store::feast_keys)?;
    default_type(&mut tree, "online_store", "sqlite");
    default_type(&mut tree, "offline_store", "dask");
    Ok(tree)
}

type KeysOf = fn(&str) -> Option<&'static [&'static str]>;

/// Refuses options that Feast would refuse.
fn check_store(tree: &Node, name: &'static str, default: &str, keys_of: KeysOf) -> Result<()> {
    let Some(node) = tree.get(name).filter(|node| matches!(node.data, Data::Map(_))) else {
        return Ok(());
    };
    let section = Value::new(name, node).section()?;
    let kind = section.read("type", Value::text)?;
    if let Some(keys) = keys_of(kind.as_deref().unwrap_or(default)) {
        section.allow(keys);
        section.finish()?;
    }
    Ok(())
}

/// Feast 0.67: a store written as a map without `type` is of the default type.
fn default_type(tree: &mut Node, section: &str, kind: &str) {
    let untyped = |node: &&Node| matches!(node.data, Data::Map(_)) && node.get("type").is_none();
    if let Some(node) = tree.get(section).filter(untyped) {
        let origin = std::rc::Rc::clone(&node.origin);
        tree.set(&[section, "type"], Node::new(&origin, Data::Text(kind.to_owned())));
    }
}

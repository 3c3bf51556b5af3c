//! The YAML form of repository objects: a document is a call of one of Feast's constructors.
//!
//! Every `*.yaml` and `*.yml` file of the repository except the configuration files may hold documents with a
//! `kind`: `entity`, `file_source`, `feature_view`, `on_demand_feature_view` ... The keys are the names of the
//! parameters that the class has in Python, with its defaults and checks: both forms make their objects with the same
//! code, so that they cannot differ. Objects are named where Python takes them as values; names are looked up in all
//! YAML and Python files. On-demand views may be written as SQL expressions. `docs/yaml-definitions.md` is the manual.

mod argument;
mod builder;
mod choice;
mod computation;
mod dtype;
pub(crate) mod duration;
mod kinds;
mod reference;
mod sql_stub;

use std::path::Path;
use std::rc::Rc;

use larder_core::Result;

use crate::definitions::{Definitions, Located};
use crate::python::{Constructors, Object, definition};
use crate::yaml::{Node, Value, parse_documents};
use builder::{Builder, Document, place};

/// Files that are configuration, not definitions.
const CONFIGURATION: [&str; 2] = ["feature_store.yaml", "larder.yaml"];

/// Whether a file of the repository (relative path) may hold definitions: YAML, not hidden, not configuration.
pub(crate) fn is_definition_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml");
    extension
        && !CONFIGURATION.contains(&name)
        && !path.split('/').any(|part| part.starts_with('.'))
}

/// The objects of these files (`(relative path, text)`), in file order.
///
/// `known` are the objects of the Python files, which may be named. Files without a single `kind` hold something else
/// (models, quality rules ...) and are left alone.
///
/// # Errors
/// `Invalid` with file, line and key for what is wrong in any document.
pub(crate) fn load(
    files: &[(String, String)],
    known: &[Rc<Object>],
    constructors: Constructors<'_>,
) -> Result<Definitions> {
    let mut trees = Vec::new();
    for (file, text) in files {
        trees.extend(definition_documents(parse_documents(file, text)?)?);
    }
    let documents = trees.iter().map(document).collect::<Result<Vec<_>>>()?;
    let mut builder = Builder::new(&documents, known, constructors);
    let objects = builder.all()?;
    let mut definitions = Definitions::default();
    for (document, object) in documents.iter().zip(objects) {
        let location = document.location.clone();
        let value = definition(&object).map_err(|error| match error.location() {
            Some(_) => error,
            None => error.with_location(location.clone()),
        })?;
        definitions.objects.push(Located { value, location });
    }
    definitions.functions = std::mem::take(&mut builder.functions);
    definitions.warnings = builder.constructors.into_warnings();
    Ok(definitions)
}

/// The documents that have a `kind`; a file that mixes both sorts has a document without one by mistake.
fn definition_documents(documents: Vec<Node>) -> Result<Vec<Node>> {
    if documents.iter().all(|document| document.get("kind").is_none()) {
        return Ok(Vec::new());
    }
    if let Some(stranger) = documents.iter().find(|document| document.get("kind").is_none()) {
        return Err(Value::new("document", stranger)
            .error("has no kind")
            .with_hint(kinds::known_kinds()));
    }
    Ok(documents)
}

fn document(tree: &Node) -> Result<Document<'_>> {
    let section = Value::new("", tree).section()?;
    let kind = section.require("kind")?;
    let location = place(&kind)?;
    Ok(Document { class: kinds::class_of(&kind)?, section, location })
}

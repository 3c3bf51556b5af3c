//! The YAML form of repository objects.
//!
//! Every `*.yaml` and `*.yml` file of the repository except the configuration files may hold documents with a
//! `kind`: `entity`, `file_source`, `feature_view`, `on_demand_feature_view` ... The keys are the names of the
//! arguments that Feast's Python constructors take. On-demand views may be written as SQL expressions.
//!
//! Documents may name sources of other YAML files and of Python files; names are resolved after all files were read.

mod duration;
mod entity;
mod feature_service;
mod feature_view;
mod field;
mod on_demand_feature_view;
mod policy;
mod source;
mod sql_stub;

use std::path::Path;

use larder_core::{DataSource, Error, Location, Result};

use crate::definitions::{Located, Object};
use crate::yaml::{Node, Origin, Section, Value, did_you_mean, parse_documents};

/// Kinds of documents.
const KINDS: [&str; 14] = [
    "project",
    "entity",
    "file_source",
    "push_source",
    "request_source",
    "kafka_source",
    "kinesis_source",
    "feature_view",
    "batch_feature_view",
    "stream_feature_view",
    "label_view",
    "on_demand_feature_view",
    "feature_service",
    "permission",
];

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

/// Sources that views may name.
#[derive(Debug, Default)]
pub(super) struct Sources {
    sources: Vec<DataSource>,
}

impl Sources {
    fn add(&mut self, source: &DataSource) {
        self.sources.push(source.clone());
    }

    /// The source of this name, whatever file it is in.
    fn find(&self, name: &str) -> Option<&DataSource> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// A source given by name or written in place.
    fn resolve(&self, value: &Value<'_>) -> Result<DataSource> {
        if value.section().is_ok() {
            return source::inline(value, self);
        }
        let name = value.text()?;
        self.find(&name).cloned().ok_or_else(|| {
            let error = value.error(format!("there is no data source \"{name}\""));
            match did_you_mean(&name, self.sources.iter().map(|source| source.name.as_str())) {
                Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
                None => error,
            }
        })
    }
}

struct Document<'a> {
    kind: String,
    section: Section<'a>,
    location: Location,
}

/// The objects of these files (`(relative path, text)`), in file order.
///
/// `known` are the objects of the Python files, whose sources may be named. Files without a single `kind` hold
/// something else (models, quality rules ...) and are left alone.
///
/// # Errors
/// `Invalid` with file, line and key for what is wrong in any document.
pub(crate) fn load(
    files: &[(String, String)],
    known: &[Located<Object>],
) -> Result<Vec<Located<Object>>> {
    let mut trees = Vec::new();
    for (file, text) in files {
        trees.extend(definition_documents(parse_documents(file, text)?)?);
    }
    let documents = trees.iter().map(document).collect::<Result<Vec<_>>>()?;
    let mut sources = Sources::default();
    for object in known {
        if let Object::DataSource(source) = &object.value {
            sources.add(source);
        }
    }
    let read_sources = read_sources(&documents, &mut sources)?;
    let mut objects = Vec::with_capacity(documents.len());
    for (document, source) in documents.iter().zip(read_sources) {
        let value = match source {
            Some(source) => Object::DataSource(source),
            None => read_object(document, &sources)?,
        };
        document.section.finish()?;
        objects.push(Located { value, location: document.location.clone() });
    }
    Ok(objects)
}

/// The documents that have a `kind`; a file that mixes both sorts has a document without one by mistake.
fn definition_documents(documents: Vec<Node>) -> Result<Vec<Node>> {
    if documents.iter().all(|document| document.get("kind").is_none()) {
        return Ok(Vec::new());
    }
    if let Some(stranger) = documents.iter().find(|document| document.get("kind").is_none()) {
        return Err(Value::new("document", stranger)
            .error("has no kind")
            .with_hint(format!("known kinds: {}", KINDS.join(", "))));
    }
    Ok(documents)
}

fn document(tree: &Node) -> Result<Document<'_>> {
    let section = Value::new("", tree).section()?;
    let kind = section.require("kind")?;
    let word = kind.text()?;
    if !KINDS.contains(&word.as_str()) {
        let error = kind.error(format!("\"{word}\" is no kind of object"));
        return Err(match did_you_mean(&word, KINDS) {
            Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
            None => error.with_hint(format!("known kinds: {}", KINDS.join(", "))),
        });
    }
    let location = match &**kind.origin() {
        Origin::File(location) => location.clone(),
        _ => return Err(Error::internal("a YAML document without a place")),
    };
    Ok(Document { kind: word, section, location })
}

/// Reads the sources first, those without a batch source before those that may name one.
fn read_sources(
    documents: &[Document<'_>],
    sources: &mut Sources,
) -> Result<Vec<Option<DataSource>>> {
    let mut read: Vec<Option<DataSource>> = vec![None; documents.len()];
    for stage in [source::Stage::Plain, source::Stage::Wrapping] {
        for (document, slot) in documents.iter().zip(&mut read) {
            if source::stage(&document.kind) == Some(stage) {
                let source = source::read(&document.kind, &document.section, sources)?;
                sources.add(&source);
                *slot = Some(source);
            }
        }
    }
    Ok(read)
}

fn read_object(document: &Document<'_>, sources: &Sources) -> Result<Object> {
    let section = &document.section;
    Ok(match document.kind.as_str() {
        "project" => Object::Project(entity::project(section)?),
        "entity" => Object::Entity(entity::entity(section)?),
        "on_demand_feature_view" => {
            Object::OnDemandFeatureView(on_demand_feature_view::read(section, sources)?)
        }
        "feature_service" => Object::FeatureService(feature_service::read(section)?),
        "permission" => Object::Permission(policy::permission(section)?),
        kind => Object::FeatureView(feature_view::read(kind, section, sources)?),
    })
}

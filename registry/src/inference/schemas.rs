//! Where the columns of sources come from.

use std::collections::BTreeMap;

use arrow_schema::SchemaRef;
use futures::stream::{self, StreamExt, TryStreamExt};
use larder_core::{DUMMY_ENTITY, DataSource, Error, FeatureView, Result, SourceKind, ValueType};
use larder_offline_store::OfflineStore;

use crate::repo_contents::RepoContents;

/// How many sources are looked at at once.
const AT_ONCE: usize = 16;

/// Columns of data sources.
pub trait SourceSchemas {
    /// The columns of this source under their names in the source.
    ///
    /// # Errors
    /// `NotFound` when its files do not exist, `Unsupported` for a source that cannot be read.
    fn schema(&self, source: &DataSource) -> Result<SchemaRef>;
}

/// Schemas that were read before, by the place of the data.
#[derive(Debug, Clone, Default)]
pub struct FixedSchemas(BTreeMap<String, SchemaRef>);

impl FixedSchemas {
    /// Adds the schema of a source.
    pub fn with(mut self, source: &DataSource, schema: SchemaRef) -> Self {
        self.0.insert(place(source), schema);
        self
    }
}

impl SourceSchemas for FixedSchemas {
    fn schema(&self, source: &DataSource) -> Result<SchemaRef> {
        self.0.get(&place(source)).cloned().ok_or_else(|| {
            Error::internal(format!("the schema of data source \"{}\" was not read", source.name))
        })
    }
}

/// What identifies the data of a source: two sources over one file share it.
fn place(source: &DataSource) -> String {
    match &source.kind {
        SourceKind::File { uri, s3_endpoint_override, .. } => {
            format!("{s3_endpoint_override} {uri}")
        }
        _ => format!("{} {}", source.class_name(), source.name),
    }
}

/// The sources whose schema inference will ask for, each place once. With complete definitions there are none, and
/// the files need not exist.
pub fn needed_schemas(contents: &RepoContents) -> Vec<DataSource> {
    let mut needed: BTreeMap<String, DataSource> = BTreeMap::new();
    let mut need = |source: &DataSource| {
        needed.entry(place(source)).or_insert_with(|| source.clone());
    };
    for source in &contents.data_sources {
        if let Some(open) = super::timestamp::open_source(&source.value) {
            need(open);
        }
    }
    for view in &contents.feature_views {
        if let Some(source) =
            view.value.batch_source.as_ref().filter(|_| is_open(&view.value, contents))
        {
            need(source);
        }
    }
    needed.into_values().collect()
}

/// Whether a view leaves features or entity columns to inference.
fn is_open(view: &FeatureView, contents: &RepoContents) -> bool {
    let entities = contents.entities_by_name();
    let declared = |join_key: &str| {
        view.features.iter().chain(&view.entity_columns).any(|field| field.name == join_key)
    };
    let open_key = view.entities.iter().filter(|name| *name != DUMMY_ENTITY).any(|name| {
        entities.get(name.as_str()).is_some_and(|entity| {
            entity.value_type == ValueType::Unknown && !declared(&entity.join_key)
        })
    });
    let keys: Vec<&str> = view
        .entities
        .iter()
        .filter_map(|name| entities.get(name.as_str()).map(|entity| entity.join_key.as_str()))
        .collect();
    open_key || view.features.iter().all(|field| keys.contains(&field.name.as_str()))
}

/// Reads the schemas that inference needs, several at once and each file once.
///
/// # Errors
/// What the store returns, with the name of the source before it.
pub async fn read_schemas(
    store: &dyn OfflineStore,
    contents: &RepoContents,
) -> Result<FixedSchemas> {
    let read = stream::iter(needed_schemas(contents))
        .map(|source| async move {
            let schema = store
                .source_schema(&source)
                .await
                .map_err(|error| explain(error, &source, contents))?;
            Ok::<_, Error>((place(&source), schema))
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(FixedSchemas(read.into_iter().collect()))
}

fn explain(error: Error, source: &DataSource, contents: &RepoContents) -> Error {
    let error = error.context(format!("cannot infer from data source \"{}\"", source.name));
    let place = contents.data_sources.iter().find(|known| known.value.name == source.name);
    match place {
        Some(known) if error.location().is_none() => error.with_location(known.location.clone()),
        _ => error,
    }
}

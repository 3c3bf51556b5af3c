//! What Feast infers when a repository is applied: timestamp columns, entity columns, features and the contents of
//! projections.

mod feature_view;
mod on_demand_feature_view;
mod projection;
mod schemas;
mod timestamp;

use std::collections::BTreeMap;

use larder_core::{DataSource, FeatureView, OnDemandFeatureView, Result};

pub use schemas::{FixedSchemas, SourceSchemas, needed_schemas, read_schemas};

use crate::repo_contents::RepoContents;

/// Versions of views that a registry holds; projections of `view@vN` are filled from them.
pub trait StoredVersions {
    /// The stored view as it was in this version, `None` when the registry has no such version.
    ///
    /// # Errors
    /// `Data` when the stored bytes cannot be decoded.
    fn feature_view(&self, name: &str, version: i32) -> Result<Option<FeatureView>>;

    /// The on-demand view as it was in this version, `None` when the registry has no such version.
    ///
    /// # Errors
    /// `Data` when the stored bytes cannot be decoded.
    fn on_demand_feature_view(
        &self,
        name: &str,
        version: i32,
    ) -> Result<Option<OnDemandFeatureView>>;
}

/// Fills in everything that the definitions leave open, in Feast's order: timestamps of sources, stored views,
/// on-demand views, services. Sources are read only where something is open.
///
/// # Errors
/// `Invalid`, at the object's place, for what cannot be inferred and for references to views or features that do not
/// exist; whatever reading a schema returns.
pub fn infer(
    contents: &mut RepoContents,
    schemas: &dyn SourceSchemas,
    versions: &dyn StoredVersions,
) -> Result<()> {
    for source in &mut contents.data_sources {
        timestamp::infer(&mut source.value, schemas)
            .map_err(|error| error.with_location(source.location.clone()))?;
    }
    spread_sources(contents);
    let entities: BTreeMap<_, _> = contents
        .entities
        .iter()
        .map(|entity| (entity.value.name.clone(), entity.value.clone()))
        .collect();
    for view in &mut contents.feature_views {
        feature_view::infer(&mut view.value, &entities, schemas)
            .map_err(|error| at(error, &view.location))?;
    }
    on_demand_feature_view::infer_all(contents, &entities, versions)?;
    projection::infer_services(contents, versions)
}

/// Keeps the place that an error already has.
fn at(error: larder_core::Error, location: &larder_core::Location) -> larder_core::Error {
    if error.location().is_some() { error } else { error.with_location(location.clone()) }
}

/// In Python one source object is shared by all that use it: what was inferred for it holds wherever it is used.
fn spread_sources(contents: &mut RepoContents) {
    let mut sources: BTreeMap<String, DataSource> = contents
        .data_sources
        .iter()
        .map(|source| (source.value.name.clone(), source.value.clone()))
        .collect();
    let plain = sources.clone();
    for source in sources.values_mut() {
        refresh_batch(source, &plain);
    }
    for source in &mut contents.data_sources {
        refresh_batch(&mut source.value, &plain);
    }
    for view in &mut contents.feature_views {
        for source in
            [&mut view.value.batch_source, &mut view.value.stream_source].into_iter().flatten()
        {
            if let Some(shared) = sources.get(&source.name) {
                *source = shared.clone();
            }
        }
    }
}

fn refresh_batch(source: &mut DataSource, sources: &BTreeMap<String, DataSource>) {
    let Some(batch) = &mut source.batch_source else { return };
    if let Some(shared) = sources.get(&batch.name) {
        **batch = shared.clone();
    }
}

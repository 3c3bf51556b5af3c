//! Training rows as a folder with a manifest.

use arrow_schema::SchemaRef;
use futures::StreamExt as _;
use larder_core::{Clock as _, Error, ErrorKind, Result};
use larder_dataset::{
    Column, DatasetWriter, EntityOrigin, EntitySet, FORMAT_VERSION, Manifest, Request, Source,
    Written,
};
use larder_offline_store::BatchStream;
use larder_serving::{TrainingRequest, training_set};

use super::entity_df;
use super::target::Place;
use crate::clock::SystemClock;
use crate::commands::dataset::facts::{Facts, Meaning};
use crate::progress::RowProgress;
use crate::times;

/// Joins into a data set: what it was made of is looked at before and after.
///
/// # Errors
/// As [`training_set`] and [`DatasetWriter`]; `Unavailable` when a file changed while it was read.
pub(super) async fn write(
    facts: &Facts<'_>,
    asked: Request,
    origin: EntityOrigin,
    request: TrainingRequest,
    place: Place,
) -> Result<Manifest> {
    let meaning = facts.meaning(&asked)?;
    let entities = entity_df::described(&origin, facts).await?;
    let sources = facts.sources(&meaning.sources).await?;
    let rows = training_set(facts.catalog, facts.offline, request, facts.functions).await?;
    let schema = rows.schema();
    let writer = place.home.begin(place.layout.clone(), &schema)?;
    let (closed, written) = filled(writer, rows).await?.close()?;
    let again = facts.sources(&meaning.sources).await?;
    check_same(&sources, &again)?;
    if entity_df::described(&origin, facts).await? != entities {
        return Err(changed("the entity rows"));
    }
    let columns = columns(&schema, &written, &meaning);
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        larder_version: env!("CARGO_PKG_VERSION").to_owned(),
        created: times::iso(SystemClock.now()),
        project: facts.catalog.project().name.clone(),
        request: asked,
        definitions: meaning.definitions,
        entity_rows: EntitySet::new(entities, written.rows, &columns),
        sources,
        rows: written.rows,
        columns,
        layout: place.layout,
        files: written.files,
    };
    place.home.publish(closed, &manifest, place.overwrite).await?;
    Ok(manifest)
}

async fn filled(mut writer: DatasetWriter, mut rows: BatchStream) -> Result<DatasetWriter> {
    let progress = RowProgress::new("joined".to_owned());
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        writer.write(&batch)?;
        count += batch.num_rows() as u64;
        progress.at(count);
    }
    progress.end();
    Ok(writer)
}

fn columns(schema: &SchemaRef, written: &Written, meaning: &Meaning) -> Vec<Column> {
    let columns = schema.fields().iter().zip(&written.columns);
    columns
        .map(|(field, known)| Column {
            name: field.name().clone(),
            data_type: field.data_type().to_string(),
            from: meaning.origin(field.name()),
            nulls: known.nulls,
            digest: known.digest.clone(),
        })
        .collect()
}

fn check_same(before: &[Source], after: &[Source]) -> Result<()> {
    match before.iter().zip(after).find(|(before, after)| before != after) {
        None => Ok(()),
        Some((source, _)) => Err(changed(&format!("the files of source \"{}\"", source.name))),
    }
}

fn changed(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what} changed while they were read"))
        .with_hint("ask again")
}

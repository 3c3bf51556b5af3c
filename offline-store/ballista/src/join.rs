//! What an executor must know to join its entity rows.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};
use larder_offline_store::{
    BatchStream, EntityRows, HistoricalOptions, HistoricalRequest, HistoricalView, OfflineStore,
    SourceFile,
};
use larder_offline_store_datafusion::DataFusionOfflineStore;

/// The join of any entity rows with the same views and the same versions of their files.
#[derive(Debug, Clone)]
pub struct PartitionJoin {
    /// Folder that relative source paths start from, at the same place on every machine.
    pub repo_root: PathBuf,
    /// The column of the entity rows that numbers them.
    pub row_column: String,
    /// The column of the entity rows with their times.
    pub time_column: String,
    /// Views of which features are wanted.
    pub views: Vec<HistoricalView>,
    /// Per view its files when the request was opened, in the order that decides between equal rows.
    pub files: Vec<Vec<SourceFile>>,
    /// As in [`HistoricalRequest`].
    pub filter_by_created: bool,
    /// As in [`HistoricalRequest`].
    pub options: HistoricalOptions,
    /// The columns of the answer: the number of the entity row, then the features.
    pub schema: SchemaRef,
}

impl PartitionJoin {
    /// The number of each entity row with its features, in the order of the rows.
    ///
    /// # Errors
    /// `Unavailable` when this machine does not see the files that the request was opened with; otherwise as
    /// [`OfflineStore::historical_features`].
    pub(crate) async fn run(
        &self,
        engine: &DataFusionOfflineStore,
        rows: RecordBatch,
    ) -> Result<BatchStream> {
        let engine = engine.rooted(&self.repo_root);
        for (view, files) in self.views.iter().zip(&self.files) {
            let seen = engine.source_files(&view.source).await;
            let seen =
                seen.map_err(|error| error.context(format!("feature view \"{}\"", view.name)))?;
            check_files(view, files, &seen)?;
        }
        let request = HistoricalRequest {
            entity: EntityRows::from(rows),
            event_timestamp_column: Some(self.time_column.clone()),
            views: self.views.clone(),
            filter_by_created: self.filter_by_created,
            options: self.options.clone(),
        };
        engine.historical_features(request).await
    }

    /// The columns of the answer out of those of the engine's.
    ///
    /// # Errors
    /// `Unavailable` when a feature has another type than when the request was opened.
    pub(crate) fn columns(&self, answer: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.schema.fields().iter().map(|field| {
            let column = answer.column_by_name(field.name());
            let column = column.filter(|column| column.data_type() == field.data_type());
            column.cloned().ok_or_else(|| changed(&format!("\"{}\"", field.name())))
        });
        let columns = columns.collect::<Result<_>>()?;
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)
            .map_err(|error| Error::internal("an answer has other columns").with_source(error))
    }
}

fn check_files(view: &HistoricalView, files: &[SourceFile], seen: &[SourceFile]) -> Result<()> {
    let other = files.iter().zip(seen).find(|(file, seen)| file != seen).map(|(file, _)| file);
    let missing = || files.get(seen.len()).or_else(|| seen.get(files.len()));
    match other.or_else(missing) {
        None => Ok(()),
        Some(file) => Err(changed(&file.path).context(format!("feature view \"{}\"", view.name))),
    }
}

fn changed(what: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("{what} is not what it was when the request was opened"),
    )
    .with_hint(
        "ask again; where it stays so, the executors do not see the files that the client sees",
    )
}

//! Everything that materialization does but storing: reading, choosing the newest rows, encoding.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use clap::Args;
use futures::StreamExt as _;
use larder_core::{
    DataSource, Error, FeatureView, Field, FixedClock, Interval, SourceKind, Timestamp, ValueType,
};
use larder_materializer::{IntervalRecorder, Materializer, MaterializerSettings, Silent, ViewTask};
use larder_offline_store::{OfflineStore, PullRequest};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use larder_online_store::{OnlineStore, ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

use super::repository::{FEATURES, STATS};

/// What is materialized into nothing.
#[derive(Debug, Args)]
pub(crate) struct NullSinkOptions {
    /// The folder of the file.
    folder: PathBuf,
    /// Bytes that the newest rows may take.
    #[arg(long)]
    memory_limit: Option<usize>,
    /// Read every row instead, and materialize nothing.
    #[arg(long)]
    all: bool,
}

impl NullSinkOptions {
    /// This program with these options.
    pub(super) fn command(folder: &Path, memory_limit: Option<usize>) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("materialize-null-sink").arg(folder);
        if let Some(limit) = memory_limit {
            command.arg("--memory-limit").arg(limit.to_string());
        }
        Ok(command)
    }

    /// This program, which reads every row.
    pub(super) fn of_all(folder: &Path) -> Result<Command> {
        let mut command = Self::command(folder, None)?;
        command.arg("--all");
        Ok(command)
    }
}

/// Materializes all rows of the file.
pub(crate) fn run(options: &NullSinkOptions) -> Result<()> {
    let offline = DataFusionOfflineStore::new(EngineOptions::new(&options.folder))?;
    let end = Timestamp::from_seconds(4_102_444_800);
    let memory_limit = options.memory_limit;
    let settings = MaterializerSettings { memory_limit, ..MaterializerSettings::default() };
    let (sink, clock) = (Arc::new(NullSink), Arc::new(FixedClock(end)));
    let interval = Interval { start: Timestamp::EPOCH, end };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if options.all {
        return runtime.block_on(read_all(&offline, interval));
    }
    let materializer =
        Materializer::new(Arc::new(offline), Arc::clone(&sink) as _, sink, clock, settings);
    let task = ViewTask::new(Arc::new(view()), false, interval);
    runtime.block_on(materializer.run("bench", &[task], &Silent))?;
    Ok(())
}

async fn read_all(offline: &dyn OfflineStore, Interval { start, end }: Interval) -> Result<()> {
    let request = PullRequest::of_view(&view(), Some(start), Some(end))?;
    let mut batches = offline.pull_all(request).await?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch?.num_rows();
    }
    anyhow::ensure!(rows > 0, "there are no rows");
    Ok(())
}

fn view() -> FeatureView {
    let uri = STATS.to_owned();
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
    let mut source = DataSource::new("stats_source", kind);
    "event_timestamp".clone_into(&mut source.timestamp_field);
    FeatureView {
        entities: vec!["key".to_owned()],
        entity_columns: vec![Field::new("key", ValueType::Int64)],
        features: (0..FEATURES).map(|n| Field::new(format!("f{n}"), ValueType::Double)).collect(),
        batch_source: Some(source),
        ..FeatureView::new("stats")
    }
}

/// Takes every row and keeps none.
#[derive(Debug)]
struct NullSink;

#[async_trait]
impl IntervalRecorder for NullSink {
    async fn record(&self, _: &FeatureView, _: Interval) -> Result<(), Error> {
        Ok(())
    }
}

#[async_trait]
impl OnlineStore for NullSink {
    fn name(&self) -> &'static str {
        "null"
    }

    async fn read(&self, _: &ViewTable, _: &[&[u8]]) -> Result<ReadRows, Error> {
        Err(Error::unsupported("nothing is kept here"))
    }

    async fn write(
        &self,
        _: &ViewTable,
        rows: &WriteRows,
        _: WriteGuard,
    ) -> Result<WriteSummary, Error> {
        Ok(WriteSummary { written: rows.len(), skipped_older: 0 })
    }

    async fn update(&self, _: &[ViewTable], _: &[ViewTable]) -> Result<(), Error> {
        Ok(())
    }

    async fn teardown(&self, _: &[ViewTable]) -> Result<(), Error> {
        Ok(())
    }

    async fn health(&self) -> Result<(), Error> {
        Ok(())
    }
}

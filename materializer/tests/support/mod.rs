//! Stores and views that the tests share.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use larder_core::{DataSource, Error, ErrorKind, FeatureView, Field, Interval, Result, SourceKind};
use larder_materializer::IntervalRecorder;
use larder_offline_store::OfflineStore;
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, SqliteConfig, SqliteStore, ViewTable,
};

pub(crate) const PROJECT: &str = "golden";

/// The real engine over files in this folder.
pub(crate) fn offline(folder: &Path) -> Arc<dyn OfflineStore> {
    Arc::new(DataFusionOfflineStore::new(EngineOptions::new(folder)).expect("valid options"))
}

/// A fresh store of this kind in a folder.
pub(crate) fn online(kind: &str, folder: &Path) -> Arc<dyn OnlineStore> {
    if kind == "sqlite" {
        let config = SqliteConfig::new(folder.join("online.db"));
        return Arc::new(SqliteStore::open(&config).expect("a fresh file"));
    }
    let config = EmbeddedConfig::new(folder.join("online"));
    Arc::new(EmbeddedStore::open(&config).expect("a fresh folder"))
}

/// A Parquet source.
pub(crate) fn file_source(uri: &str, timestamp: &str, created: &str) -> DataSource {
    let kind =
        SourceKind::File { uri: uri.to_owned(), format: None, s3_endpoint_override: String::new() };
    DataSource {
        timestamp_field: timestamp.to_owned(),
        created_timestamp_column: created.to_owned(),
        ..DataSource::new(uri, kind)
    }
}

/// A view over a source.
pub(crate) fn view(
    name: &str,
    keys: Vec<Field>,
    features: Vec<Field>,
    source: DataSource,
) -> FeatureView {
    let entities: Vec<String> = match keys.as_slice() {
        [] => vec![larder_core::DUMMY_ENTITY.to_owned()],
        keys => keys.iter().map(|key| key.name.clone()).collect(),
    };
    FeatureView {
        entities,
        entity_columns: keys,
        features,
        batch_source: Some(source),
        ..FeatureView::new(name)
    }
}

/// The online table of a view.
pub(crate) fn table(view: &FeatureView) -> ViewTable {
    let features = view.features.iter().map(|field| field.name.as_str());
    ViewTable::new(PROJECT, view.name.as_str(), features).expect("distinct features")
}

/// Keeps intervals by view, and can be told to refuse one.
#[derive(Debug)]
pub(crate) struct Intervals {
    recorded: Mutex<Vec<(String, Interval)>>,
    refuse: Option<String>,
}

impl Intervals {
    /// Refuses to record this view.
    pub(crate) fn refusing(view: Option<&str>) -> Self {
        Self { recorded: Mutex::default(), refuse: view.map(str::to_owned) }
    }

    /// Intervals of a view in the order recorded.
    pub(crate) fn of(&self, view: &str) -> Vec<Interval> {
        let recorded = self.recorded.lock().expect("no test panics while recording");
        recorded.iter().filter(|(name, _)| name == view).map(|(_, interval)| *interval).collect()
    }
}

#[async_trait]
impl IntervalRecorder for Intervals {
    async fn record(&self, view: &FeatureView, interval: Interval) -> Result<()> {
        if self.refuse.as_ref() == Some(&view.name) {
            return Err(Error::new(ErrorKind::Unavailable, "the registry is away"));
        }
        self.recorded
            .lock()
            .expect("no test panics while recording")
            .push((view.name.clone(), interval));
        Ok(())
    }
}

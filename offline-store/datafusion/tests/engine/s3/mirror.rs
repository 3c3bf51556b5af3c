//! A store whose files are in a bucket, for suites that put and look at files in a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use larder_core::{DataSource, Result, SourceKind};
use larder_offline_store::{
    BatchStream, HistoricalRequest, OfflineStore, PullRequest, SaveRequest, SourceFile,
};
use larder_offline_store_datafusion::DataFusionOfflineStore;
use tokio::sync::Mutex;

use super::server::TestBucket;

/// Before each call what changed in the folder goes to the bucket, after each write what changed there comes back.
#[derive(Debug)]
pub(super) struct Mirror {
    folder: PathBuf,
    bucket: TestBucket,
    engine: DataFusionOfflineStore,
    /// What both sides have.
    known: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Mirror {
    pub(super) fn of(folder: &Path) -> Self {
        let bucket = TestBucket::shared();
        // The endpoint comes from the sources alone.
        let settings = larder_object_storage::S3Settings { endpoint: None, ..bucket.settings() };
        let engine = TestBucket::engine_with(settings);
        Self { folder: folder.to_owned(), bucket, engine, known: Mutex::default() }
    }

    fn there(&self, source: &DataSource) -> DataSource {
        let mut source = source.clone();
        source.batch_source = source.batch_source.map(|batch| Box::new(self.there(&batch)));
        if let SourceKind::File { uri, s3_endpoint_override, .. } = &mut source.kind {
            *uri = self.bucket.uri(uri);
            s3_endpoint_override.clone_from(&self.bucket.endpoint);
        }
        source
    }

    async fn up(&self) {
        let mut known = self.known.lock().await;
        let mut here = BTreeMap::new();
        collect(&self.folder, "", &mut here);
        for (name, bytes) in here.iter().filter(|(name, bytes)| known.get(*name) != Some(bytes)) {
            self.bucket.put(name, bytes.clone()).await;
        }
        let gone = known.keys().filter(|name| !here.contains_key(*name));
        let gone = gone.map(|name| name.as_str().into()).collect();
        self.bucket.bucket().remove(gone).await.unwrap();
        *known = here;
    }

    async fn down(&self) {
        let mut known = self.known.lock().await;
        let mut there = BTreeMap::new();
        for object in self.bucket.bucket().below(&"".into()).await.unwrap() {
            let name = object.key().to_string();
            let bytes = match object.range(0..object.meta().size.max(1)).await {
                Ok(bytes) => bytes.to_vec(),
                // Another writer has replaced it since: that writer brings it.
                Err(_) => known.get(&name).cloned().unwrap_or_default(),
            };
            there.insert(name, bytes);
        }
        for (name, bytes) in there.iter().filter(|(name, bytes)| known.get(*name) != Some(bytes)) {
            let path = self.folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        for name in known.keys().filter(|name| !there.contains_key(*name)) {
            std::fs::remove_file(self.folder.join(name)).unwrap();
        }
        *known = there;
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

#[async_trait]
impl OfflineStore for Mirror {
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef> {
        self.up().await;
        self.engine.source_schema(&self.there(source)).await
    }

    async fn pull_latest(&self, mut request: PullRequest) -> Result<BatchStream> {
        self.up().await;
        request.source = self.there(&request.source);
        self.engine.pull_latest(request).await
    }

    async fn pull_all(&self, mut request: PullRequest) -> Result<BatchStream> {
        self.up().await;
        request.source = self.there(&request.source);
        self.engine.pull_all(request).await
    }

    async fn source_files(&self, source: &DataSource) -> Result<Vec<SourceFile>> {
        self.up().await;
        self.engine.source_files(&self.there(source)).await
    }

    async fn historical_features(&self, mut request: HistoricalRequest) -> Result<BatchStream> {
        self.up().await;
        for view in &mut request.views {
            view.source = self.there(&view.source);
        }
        self.engine.historical_features(request).await
    }

    async fn write(&self, source: &DataSource, batches: Vec<RecordBatch>) -> Result<u64> {
        self.up().await;
        let written = self.engine.write(&self.there(source), batches).await;
        self.down().await;
        written
    }

    async fn save(&self, mut request: SaveRequest, rows: BatchStream) -> Result<u64> {
        self.up().await;
        request.target = self.there(&request.target);
        let saved = self.engine.save(request, rows).await;
        self.down().await;
        saved
    }
}

//! An offline server over a folder of files, and the messages that clients send.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightData, FlightDescriptor};
use futures::{Stream, TryStreamExt as _, stream};
use larder_core::{Catalog, Clock, FixedClock, Result};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use larder_serving::{
    Addresses, CatalogSource, Listeners, Metrics, OfflineConfig, OfflineServer, ServerConfig,
    SharedCatalog, serve_offline,
};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::fixture::{NOW, Queue, parts, settings};

/// A running server; stopped and awaited by [`Flights::stop`].
pub(super) struct Flights {
    pub(super) address: SocketAddr,
    pub(super) metrics: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
    folder: tempfile::TempDir,
}

impl Flights {
    pub(super) async fn start() -> Self {
        Self::with(|config| config, settings()).await
    }

    /// A server with the files of two users and two items.
    pub(super) async fn with(
        set: impl FnOnce(OfflineConfig) -> OfflineConfig,
        settings: ServerConfig,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "user.parquet", &users());
        let engine = EngineOptions::new(folder.path());
        let offline = Arc::new(DataFusionOfflineStore::new(engine).unwrap());
        let mut parts = parts();
        let sources = parts.feature_views.iter().filter_map(|view| view.batch_source.clone());
        parts.data_sources = sources.collect();
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
        let config = set(OfflineConfig::new(folder.path()));
        let catalog = SharedCatalog::new(Catalog::new(parts));
        let server = OfflineServer::new(config, catalog, offline, clock)
            .with_metrics(Arc::new(Metrics::new().unwrap()));
        let here = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let addresses = Addresses { grpc: here, metrics: here, ..Addresses::default() };
        let listeners = Listeners::bind(addresses).await.unwrap();
        let (address, metrics) = (listeners.grpc().unwrap(), listeners.metrics().unwrap());
        let (stop, stopped) = watch::channel(false);
        let source = Arc::new(Queue::default()) as Arc<dyn CatalogSource>;
        let task = tokio::spawn(serve_offline(server, settings, listeners, source, stopped));
        Self { address, metrics, stop, task, folder }
    }

    pub(super) fn files(&self) -> &Path {
        self.folder.path()
    }

    pub(super) async fn client(&self) -> FlightServiceClient<Channel> {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        FlightServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// The rows that a command is answered with.
    pub(super) async fn exchange(
        &self,
        messages: impl Stream<Item = FlightData> + Send + 'static,
    ) -> Result<Vec<RecordBatch>, Status> {
        let mut client = self.client().await;
        let answer = client.do_exchange(messages).await?;
        rows(answer).await
    }

    /// The status of a command that is refused.
    pub(super) async fn refused(&self, command: &Value) -> Status {
        let messages = upload(command, &nothing()).await;
        self.exchange(stream::iter(messages)).await.unwrap_err()
    }

    pub(super) async fn put(&self, messages: Vec<FlightData>) -> Result<(), Status> {
        let mut client = self.client().await;
        let answer = client.do_put(stream::iter(messages)).await?;
        answer.into_inner().try_collect::<Vec<_>>().await.map(drop)
    }

    pub(super) fn terminate(&self) {
        self.stop.send_replace(true);
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
    }
}

/// The batches of an answer.
pub(super) async fn rows(
    answer: Response<tonic::Streaming<FlightData>>,
) -> Result<Vec<RecordBatch>, Status> {
    let messages = answer.into_inner().map_err(Into::into);
    FlightRecordBatchStream::new_from_flight_data(messages)
        .try_collect()
        .await
        .map_err(Status::from)
}

/// A command with a table, as messages: the descriptor and the schema first.
pub(super) async fn upload(command: &Value, table: &RecordBatch) -> Vec<FlightData> {
    let descriptor = FlightDescriptor::new_cmd(command.to_string());
    let messages = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor))
        .with_schema(table.schema())
        .build(stream::iter([Ok(table.clone())]));
    messages.try_collect().await.unwrap()
}

/// What Feast's client sends in the place of no table.
pub(super) fn nothing() -> RecordBatch {
    let keys: ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["m", "o", "c", "k"]));
    RecordBatch::try_from_iter([("key", keys)]).unwrap()
}

/// `pull_all` of the users.
pub(super) fn pull() -> Value {
    json!({"api": "pull_all_from_table_or_query", "data_source_name": "user_file",
           "join_key_columns": ["user_id"], "feature_name_columns": ["spend"],
           "timestamp_field": "event_timestamp", "created_timestamp_column": "",
           "start_date": null, "end_date": null})
}

/// Two users with an hour-old row each.
fn users() -> RecordBatch {
    let hour_ago = NOW.micros() - 3_600_000_000;
    RecordBatch::try_from_iter_with_nullable([
        ("user_id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef, true),
        ("event_timestamp", times(&[hour_ago, hour_ago]), true),
        ("spend", Arc::new(Float64Array::from(vec![40.0, 80.0])), true),
        ("visits", Arc::new(Int64Array::from(vec![7, 8])), true),
    ])
    .unwrap()
}

pub(super) fn times(micros: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC"))
}

pub(super) fn put(folder: &Path, name: &str, rows: &RecordBatch) {
    let file = File::create(folder.join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

//! A small shop served on free loopback ports from an embedded store in a temporary folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{
    Catalog, CatalogParts, Clock, Compat, DataSource, Entity, FeatureService, FeatureView, Field,
    FixedClock, Interval, OnDemandFeatureView, OnDemandSource, Project, Projection, Result,
    SourceKind, Tags, Timestamp, Transformation, ValueType, ViewMeta,
};
use larder_materializer::{IntervalRecorder, Materializer, MaterializerSettings};
use larder_offline_store::OfflineStore;
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use larder_online_store::{EmbeddedConfig, EmbeddedStore, MetricsLayer, OnlineStore, ViewTable};
use larder_serving::{
    Addresses, CatalogSource, FeatureServer, Listeners, Metrics, OnlineService, ServerConfig,
    ServerTls, ServiceConfig, SharedCatalog, serve,
};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// 2026-01-31T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);

const UDF: &str = "\
def interaction(inputs):
    return {
        \"price_vs_spend\": [p / s if s else None for p, s in zip(inputs[\"price\"], inputs[\"spend\"])],
        \"is_evening\": [h >= 18 for h in inputs[\"hour\"]],
    }
";

/// A running server; stopped and awaited by [`Shop::stop`].
pub(crate) struct Shop {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) source: Arc<Queue>,
    pub(crate) store: Arc<dyn OnlineStore>,
    pub(crate) client: ureq::Agent,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
    folder: tempfile::TempDir,
    pub(crate) intervals: Arc<Intervals>,
}

/// What was materialized: view and interval.
#[derive(Debug, Default)]
pub(crate) struct Intervals(Mutex<Vec<(String, Interval)>>);

impl Intervals {
    pub(crate) fn recorded(&self) -> Vec<(String, Interval)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl IntervalRecorder for Intervals {
    async fn record(&self, view: &FeatureView, interval: Interval) -> Result<()> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push((view.name.clone(), interval));
        Ok(())
    }
}

/// Hands each catalog out once.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Vec<Catalog>>);

impl Queue {
    pub(crate) fn push(&self, catalog: Catalog) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(catalog);
    }
}

impl CatalogSource for Queue {
    fn poll(&self) -> Result<Option<Catalog>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).pop())
    }
}

/// The tables of all views.
fn tables() -> Vec<ViewTable> {
    let table = |view: &FeatureView| {
        let features = view.features.iter().map(|field| field.name.as_str());
        ViewTable::new("shop", view.name.as_str(), features).unwrap()
    };
    parts().feature_views.iter().map(table).collect()
}

impl Shop {
    pub(crate) async fn open(compat: Compat) -> Self {
        Self::start(Setup { compat, ..Setup::default() }).await
    }

    pub(crate) async fn start(setup: Setup) -> Self {
        let Setup { compat, settings, tls, around } = setup;
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedConfig::new(folder.path().join("online"));
        let store: Arc<dyn OnlineStore> = Arc::new(EmbeddedStore::open(&store).unwrap());
        let metrics = Arc::new(Metrics::new().unwrap());
        let observer = Arc::clone(&metrics);
        let observed: Arc<dyn OnlineStore> =
            Arc::new(MetricsLayer::new(Arc::clone(&store), observer));
        let seen = match around {
            Some(around) => around(observed),
            None => observed,
        };
        store.update(&tables(), &[]).await.unwrap();
        let offline =
            Arc::new(DataFusionOfflineStore::new(EngineOptions::new(folder.path())).unwrap());
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
        let config = ServiceConfig { compat, max_rows: 1000, ..ServiceConfig::default() };
        let catalog = SharedCatalog::new(Catalog::new(parts()));
        let intervals = Arc::new(Intervals::default());
        let materializer = Materializer::new(
            Arc::clone(&offline) as Arc<dyn OfflineStore>,
            Arc::clone(&seen),
            Arc::clone(&intervals) as Arc<dyn IntervalRecorder>,
            Arc::clone(&clock),
            MaterializerSettings::default(),
        );
        let online = OnlineService::new(config, catalog, seen, clock).with_metrics(metrics);
        let is_plain = tls.is_none();
        let here = Some(loopback());
        let addresses = Addresses { http: here, grpc: here, metrics: here };
        let listeners = Listeners::bind(addresses).await.unwrap();
        let listeners = listeners.with_tls(tls);
        let (http, grpc) = (listeners.http().unwrap(), listeners.grpc().unwrap());
        let metrics = listeners.metrics().unwrap();
        let (stop, stopped) = watch::channel(false);
        let source = Arc::new(Queue::default());
        let server = FeatureServer::new(online, offline).with_materializer(materializer);
        let polled = Arc::clone(&source) as Arc<dyn CatalogSource>;
        let task = tokio::spawn(serve(server, settings, listeners, polled, stopped));
        let client = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                // Tests of limits count connections: none stays open unseen.
                .max_idle_connections(0)
                .build(),
        );
        let shop =
            Self { http, grpc, metrics, source, store, client, stop, task, folder, intervals };
        if is_plain {
            shop.stock();
        }
        shop
    }

    /// Two users (one expired), one user with a null, two items.
    fn stock(&self) {
        let users = serde_json::json!({"push_source_name": "user_push", "df": {
            "user_id": [1, 2, 3], "spend": [40.0, 80.0, null], "visits": [7, 8, 9],
            "event_timestamp": ["2026-01-31T11:00:00Z", "2026-01-01T00:00:00", "2026-01-31 11:59:59.5"]}});
        let items = serde_json::json!({"push_source_name": "item_push", "df": {
            "item_id": ["a", "b"], "price": [10.0, 20.0],
            "event_timestamp": ["2026-01-30T00:00:00Z", "2026-01-30T00:00:00Z"]}});
        for body in [users, items] {
            assert_eq!(self.post("/push", &body), (200, Value::Null));
        }
    }

    /// Status and JSON body (null when empty).
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_text(path, "application/json", &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        let request = self
            .client
            .post(format!("http://{}{path}", self.http))
            .header("content-type", content_type);
        let mut response = request.send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        (response.status().as_u16(), json)
    }

    /// The folder that file sources are read from.
    pub(crate) fn files(&self) -> &Path {
        self.folder.path()
    }

    /// Asks it to end; what it has begun goes on.
    pub(crate) fn terminate(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
    }
}

/// A layer around a store.
pub(crate) type Around = Box<dyn FnOnce(Arc<dyn OnlineStore>) -> Arc<dyn OnlineStore>>;

/// How a shop is served.
pub(crate) struct Setup {
    pub(crate) compat: Compat,
    pub(crate) settings: ServerConfig,
    /// Plain text without.
    pub(crate) tls: Option<ServerTls>,
    /// What stands between the server and its store.
    pub(crate) around: Option<Around>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { compat: Compat::Larder, settings: settings(), tls: None, around: None }
    }
}

/// Small limits and a quick look at the registry.
pub(crate) fn settings() -> ServerConfig {
    ServerConfig {
        max_body_bytes: 1 << 20,
        registry_poll: Duration::from_millis(5),
        ..ServerConfig::default()
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The definitions: user and item views, an interaction view, a service.
pub(crate) fn parts() -> CatalogParts {
    CatalogParts {
        project: Project { name: "shop".to_owned(), ..Project::default() },
        version: "1".to_owned(),
        entities: vec![entity("user", "user_id"), entity("item", "item_id")],
        feature_views: vec![
            view(
                "user_stats",
                "user",
                Field::new("user_id", ValueType::Int64),
                &[("spend", ValueType::Double), ("visits", ValueType::Int64)],
            ),
            view(
                "item_stats",
                "item",
                Field::new("item_id", ValueType::String),
                &[("price", ValueType::Double)],
            ),
        ],
        on_demand_feature_views: vec![interaction()],
        feature_services: vec![FeatureService {
            name: "ranking".to_owned(),
            projections: vec![
                projection("user_stats", &[("spend", ValueType::Double)]),
                projection(
                    "interaction",
                    &[("price_vs_spend", ValueType::Double), ("is_evening", ValueType::Bool)],
                ),
            ],
            ..FeatureService::default()
        }],
        ..CatalogParts::default()
    }
}

fn entity(name: &str, join_key: &str) -> Entity {
    Entity { name: name.to_owned(), join_key: join_key.to_owned(), ..Entity::default() }
}

fn view(name: &str, entity: &str, key: Field, features: &[(&str, ValueType)]) -> FeatureView {
    let uri = format!("{entity}.parquet");
    let mut batch = DataSource::new(
        format!("{entity}_file"),
        SourceKind::File { uri, format: None, s3_endpoint_override: String::new() },
    );
    "event_timestamp".clone_into(&mut batch.timestamp_field);
    let mut push = DataSource::new(format!("{entity}_push"), SourceKind::Push);
    push.batch_source = Some(Box::new(batch.clone()));
    FeatureView {
        entities: vec![entity.to_owned()],
        entity_columns: vec![key],
        features: fields(features),
        ttl: Some(Duration::from_hours(7 * 24)),
        batch_source: Some(batch),
        stream_source: Some(push),
        ..FeatureView::new(name)
    }
}

fn fields(features: &[(&str, ValueType)]) -> Vec<Field> {
    features.iter().map(|(name, value_type)| Field::new(*name, *value_type)).collect()
}

fn projection(view: &str, features: &[(&str, ValueType)]) -> Projection {
    Projection { view: view.to_owned(), features: fields(features), ..Projection::default() }
}

fn interaction() -> OnDemandFeatureView {
    let schema = fields(&[("hour", ValueType::Int64)]);
    OnDemandFeatureView {
        name: "interaction".to_owned(),
        features: fields(&[("price_vs_spend", ValueType::Double), ("is_evening", ValueType::Bool)]),
        sources: vec![
            (
                "ctx".to_owned(),
                OnDemandSource::Request(DataSource::new("ctx", SourceKind::Request { schema })),
            ),
            (
                "item_stats".to_owned(),
                OnDemandSource::Projection(projection(
                    "item_stats",
                    &[("price", ValueType::Double)],
                )),
            ),
            (
                "user_stats".to_owned(),
                OnDemandSource::Projection(projection(
                    "user_stats",
                    &[("spend", ValueType::Double)],
                )),
            ),
        ],
        transformation: Some(Transformation::Function {
            name: "interaction".to_owned(),
            body: Vec::new(),
            body_text: UDF.to_owned(),
            mode: "python".to_owned(),
        }),
        mode: "python".to_owned(),
        singleton: false,
        write_to_online_store: false,
        entities: vec![],
        entity_columns: vec![],
        aggregations: vec![],
        description: String::new(),
        tags: Tags::new(),
        owner: String::new(),
        org: String::new(),
        version: String::new(),
        disabled: false,
        meta: ViewMeta::default(),
    }
}

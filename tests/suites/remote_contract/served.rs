//! A remote store whose server learns of the tables that a test makes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use larder_core::{Result, Value, ValueType};
use larder_online_store::{
    GuardScope, OnlineStore, ReadRows, RemoteConfig, RemoteStore, ViewRead, ViewTable, WriteGuard,
    WriteRows, WriteSummary,
};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use larder_tests::{Repository, Server};
use serde_json::json;

use crate::recorded::dtype;

const SETTINGS: &str = "project: contract\nprovider: local\nregistry: data/registry.db\n\
    entity_key_serialization_version: 3\n\
    online_store: {type: sqlite, path: data/online.db}\n";

/// The store promises its guard within a call only, so the server has none either: what is seen is what was sent last.
const OWN_SETTINGS: &str = "guard: false\nserving: {registry_check_ms: 20}\n";

/// With a view, for a store without any table is not there yet and the server not well.
const HEAD: &str = "\
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Int64, Set, String

k = Entity(name=\"k\", join_keys=[\"k\"], value_type=ValueType.BYTES)
source = FileSource(name=\"rows\", path=\"rows.parquet\", timestamp_field=\"event_timestamp\")
first = FeatureView(name=\"first\", entities=[k], ttl=timedelta(0), \
schema=[Field(name=\"a\", dtype=Int64)], source=source)
";

/// How long the server may take to learn of a table.
const PATIENCE: Duration = Duration::from_secs(30);

/// `fs serve` with a repository of its own, and the store under test as its client.
///
/// Tables are made and removed by `fs apply` where the server is, as the store's documentation says.
#[derive(Debug)]
pub(crate) struct Served {
    repository: Repository,
    _server: Server,
    store: RemoteStore,
    /// Names and types of features by view.
    views: Mutex<BTreeMap<String, Vec<(String, ValueType)>>>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let repository = Repository::with(&[
            ("feature_store.yaml", SETTINGS),
            ("larder.yaml", OWN_SETTINGS),
            ("definitions.py", HEAD),
        ]);
        repository.fs().ok(&["apply"]);
        let server = Server::fs(&repository.path());
        let config = RemoteConfig {
            request_timeout: Duration::from_mins(1),
            ..RemoteConfig::new(server.url(""))
        };
        let store = RemoteStore::open(&config).expect("the address is a URL");
        Self { repository, _server: server, store, views: Mutex::default() }
    }

    /// Changes the views and applies them.
    fn apply(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<(String, ValueType)>>)) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut views);
        let view = |at: usize, name: &str, features: &[(String, ValueType)]| {
            let field = |(feature, value_type): &(String, ValueType)| {
                format!("Field(name={}, dtype={})", json!(feature), dtype(*value_type))
            };
            let fields: Vec<String> = features.iter().map(field).collect();
            format!(
                "view_{at} = FeatureView(name={}, entities=[k], ttl=timedelta(0), schema=[{}], \
                 source=source)\n",
                json!(name),
                fields.join(", ")
            )
        };
        let mut definitions = HEAD.to_owned();
        for (at, (name, features)) in views.iter().enumerate() {
            definitions.push_str(&view(at, name, features));
        }
        self.repository.write("definitions.py", definitions);
        self.repository.fs().ok(&["apply"]);
    }

    /// Waits until the server answers for a table, or does so no more.
    async fn until(&self, table: &ViewTable, is_there: bool) {
        let begun = Instant::now();
        let key = entity_key(b"any");
        while self.store.read(table, &[&key]).await.is_ok() != is_there {
            assert!(begun.elapsed() < PATIENCE, "{table}: the server does not learn of it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The serialized key of an entity `k`.
pub(crate) fn entity_key(bytes: &[u8]) -> Vec<u8> {
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["k"]).expect("a layout");
    layout.encode(&[Value::Bytes(bytes.to_vec())]).expect("bytes can be a key")
}

/// Features with their types; where the table knows none, numbers but for one that the contract fills with text.
fn features(table: &ViewTable) -> Vec<(String, ValueType)> {
    let by_name = |name: &str| if name == "large" { ValueType::String } else { ValueType::Int64 };
    let value_type = |(at, name): (usize, &str)| match table.schema() {
        Some(schema) => schema.value_types[at],
        None => by_name(name),
    };
    let names = table.features().iter().map(|feature| &*feature.name);
    names.enumerate().map(|feature| (feature.1.to_owned(), value_type(feature))).collect()
}

#[async_trait]
impl OnlineStore for Served {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn guard_scope(&self) -> GuardScope {
        self.store.guard_scope()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        self.store.read(table, keys).await
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        self.store.read_views(reads).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        self.store.write(table, rows, guard).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        self.store.update(create, delete).await?;
        tokio::task::block_in_place(|| {
            self.apply(|views| {
                views.extend(create.iter().map(|table| (table.view().to_owned(), features(table))));
                for table in delete {
                    views.remove(table.view());
                }
            });
        });
        for (table, is_there) in
            create.iter().map(|table| (table, true)).chain(delete.iter().map(|it| (it, false)))
        {
            self.until(table, is_there).await;
        }
        Ok(())
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.store.teardown(tables).await?;
        if tables.is_empty() { Ok(()) } else { self.update(&[], tables).await }
    }

    async fn health(&self) -> Result<()> {
        self.store.health().await
    }
}

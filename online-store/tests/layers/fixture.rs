//! An embedded store to put layers around, and an observer that counts what reaches it.

use std::sync::{Arc, Mutex};

use larder_online_store::{
    CacheUse, EmbeddedConfig, EmbeddedStore, MetricsLayer, OnlineStore, Operation, StoreCall,
    StoreObserver, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

pub(crate) fn embedded() -> (TempDir, Arc<dyn OnlineStore>) {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { map_size: 1 << 20, ..EmbeddedConfig::new(folder.path()) };
    let store = EmbeddedStore::open(&config).unwrap();
    (folder, Arc::new(store))
}

pub(crate) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Every call and every look into a cache, in order.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Vec<StoreCall>>, Mutex<Vec<CacheUse>>);

impl StoreObserver for Calls {
    fn observe(&self, call: &StoreCall) {
        self.0.lock().unwrap().push(*call);
    }

    fn cached(&self, cache: CacheUse) {
        self.1.lock().unwrap().push(cache);
    }
}

impl Calls {
    /// Puts an observer around a store.
    pub(crate) fn of(store: Arc<dyn OnlineStore>) -> (Arc<Self>, Arc<dyn OnlineStore>) {
        let calls = Arc::new(Self::default());
        let observer: Arc<dyn StoreObserver> = Arc::<Self>::clone(&calls);
        (calls, Arc::new(MetricsLayer::new(store, observer)))
    }

    pub(crate) fn all(&self) -> Vec<StoreCall> {
        self.0.lock().unwrap().clone()
    }

    /// Looks into a cache.
    pub(crate) fn looks(&self) -> Vec<CacheUse> {
        self.1.lock().unwrap().clone()
    }

    /// Calls of one operation, and the items of all of them.
    pub(crate) fn count(&self, operation: Operation) -> (usize, usize) {
        let calls = self.all();
        let calls = calls.iter().filter(|call| call.operation == operation);
        (calls.clone().count(), calls.map(|call| call.items).sum())
    }
}

pub(crate) fn users() -> ViewTable {
    ViewTable::new("shop", "users", ["age"]).unwrap()
}

/// Rows of the ages, one per key, at one event time in microseconds.
pub(crate) fn ages(event: i64, ages: &[(u8, u8)]) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(&users());
    for &(key, age) in ages {
        rows.begin_row(&[key], event, None).unwrap();
        rows.set(0, &[0x20, age]).unwrap();
    }
    rows.finish()
}

pub(crate) async fn write(store: &dyn OnlineStore, event: i64, given: &[(u8, u8)]) {
    store.write(&users(), &ages(event, given), WriteGuard::EventTime).await.unwrap();
}

pub(crate) async fn age(store: &dyn OnlineStore, key: u8) -> Option<u8> {
    let answer = store.read(&users(), &[&[key]]).await.unwrap();
    answer.cell(0, 0).bytes().map(|value| value[1])
}

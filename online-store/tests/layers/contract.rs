//! The contract under each layer.

use std::sync::Arc;
use std::time::Duration;

use larder_online_store::{
    CacheConfig, CacheLayer, ChaosConfig, ChaosLayer, DeadlineConfig, DeadlineLayer, OnlineStore,
    RetryConfig, RetryLayer, contract, online_store_contract,
};
use tempfile::TempDir;

use crate::fixture::{Calls, embedded, random};

type Made = (TempDir, Arc<dyn OnlineStore>);

fn around<Layer: OnlineStore + 'static>(layer: impl FnOnce(Arc<dyn OnlineStore>) -> Layer) -> Made {
    let (folder, store) = embedded();
    (folder, Arc::new(layer(store)))
}

fn cache(max_bytes: u64) -> Made {
    let config = CacheConfig { max_bytes, max_entries: 1 << 20, ttl: Duration::from_hours(1) };
    around(|store| CacheLayer::new(store, config))
}

fn generous() -> DeadlineConfig {
    DeadlineConfig { read: Some(Duration::from_mins(1)), write: Some(Duration::from_mins(1)) }
}

fn patient() -> RetryConfig {
    RetryConfig { attempts: 100, first_pause: Duration::ZERO, ..RetryConfig::default() }
}

/// A third of all requests never reaches the store.
fn lossy() -> ChaosConfig {
    ChaosConfig { lost_requests: 0.3, ..ChaosConfig::default() }
}

fn stack(store: Arc<dyn OnlineStore>) -> CacheLayer {
    let store = Arc::new(ChaosLayer::new(store, lossy(), random(2)));
    let (_, store) = Calls::of(store);
    let store = Arc::new(RetryLayer::new(store, patient(), random(3)));
    let store = Arc::new(DeadlineLayer::new(store, generous()));
    let ttl = Duration::from_hours(1);
    CacheLayer::new(store, CacheConfig { max_bytes: 1 << 16, max_entries: 100, ttl })
}

macro_rules! contract_under {
    ($($module:ident: $make:expr;)*) => {
        $(
            mod $module {
                use super::*;

                online_store_contract!($make);

                #[tokio::test]
                async fn views_may_have_any_name() {
                    let (_folder, store) = $make;
                    contract::views_may_have_any_name(&contract::Store::new(store)).await;
                }

                #[tokio::test]
                async fn a_table_never_made_is_not_found() {
                    let (_folder, store) = $make;
                    contract::a_table_never_made_is_not_found(&contract::Store::new(store)).await;
                }

                #[tokio::test]
                async fn a_view_that_fails_does_not_fail_the_others() {
                    let (_folder, store) = $make;
                    let store = contract::Store::new(store);
                    contract::a_view_that_fails_does_not_fail_the_others(&store).await;
                }
            }
        )*
    };
}

contract_under! {
    a_large_cache: cache(1 << 30);
    a_cache_that_holds_little: cache(1 << 12);
    deadlines: around(|store| DeadlineLayer::new(store, generous()));
    retries: around(|store| RetryLayer::new(store, RetryConfig::default(), random(0)));
    observation: { let (folder, store) = embedded(); (folder, Calls::of(store).1) };
    chaos_that_does_nothing: around(|store| ChaosLayer::new(store, ChaosConfig::default(), random(1)));
    everything_over_a_lossy_store: around(stack);
}

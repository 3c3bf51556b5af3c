//! What goes around any store: each layer wraps an `Arc<dyn OnlineStore>`, is an [`OnlineStore`](crate::OnlineStore)
//! itself and knows no backend. The contract holds under each of them.
//!
//! From the outside in, as `fs` stacks them: `cache`, `deadline`, `retry`, `metrics`, the store.

mod cache;
#[cfg(feature = "contract")]
mod chaos;
mod deadline;
mod metrics;
mod observer;
mod retry;

pub use cache::{CacheConfig, CacheLayer};
#[cfg(feature = "contract")]
pub use chaos::{ChaosConfig, ChaosLayer};
pub use deadline::{DeadlineConfig, DeadlineLayer};
pub use metrics::MetricsLayer;
pub use observer::{CacheUse, Operation, StoreCall, StoreObserver};
pub use retry::{RetryConfig, RetryLayer};

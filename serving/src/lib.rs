//! HTTP and gRPC servers over one feature service, and Arrow Flight over one offline store.
//!
//! What it is: the only place that knows HTTP, gRPC and Flight servers. [`OnlineService`] answers requests on domain
//! types; the protocol modules only translate. What it is not: it chooses no backend and reads no file;
//! stores, catalogs and the clock are handed in.

mod arrow_answer;
mod catalog_source;
mod config;
mod feast_words;
mod feature_server;
mod flight;
mod follow;
mod gate;
mod grpc;
mod http;
mod listen;
mod lookup;
mod materialize;
mod metrics;
mod offline_batches;
mod offline_rows;
mod on_demand;
mod on_write;
pub mod online;
mod online_rows;
mod push;
pub mod recommendation;
mod running;
mod server;
mod status;
mod traces;
mod training;
mod write;

pub use catalog_source::{CatalogSource, SharedCatalog, Snapshot};
pub use config::{ServerConfig, ServiceConfig};
pub use feature_server::FeatureServer;
pub use flight::{BearerToken, OfflineConfig, OfflineServer, serve_offline};
pub use listen::{Addresses, Listeners, ServerTls};
pub use materialize::{MaterializeRequest, Window, view_task};
pub use metrics::{
    METRICS, MetricDefinition, MetricKind, Metrics, STREAM_METRICS, StreamCommit, StreamCounts,
    StreamMetrics,
};
pub use offline_batches::OfflineBatching;
pub use on_demand::Functions;
pub use online::OnlineService;
pub use push::{PushRequest, PushTarget, Pushed};
pub use server::serve;
pub use status::{WireStatus, wire_status};
pub use traces::TRACES;
pub use training::{TrainingRequest, explain_training_set, training_plan, training_set};
pub use write::WriteRequest;

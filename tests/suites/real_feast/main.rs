//! Real Feast 0.67 is the judge: it opens what `fs` wrote, and `fs` answers what Feast answers.

mod every_type;
mod grpc_client;
mod materialize;
mod on_write;
mod online_stores;
mod permissions;
mod precomputed;
mod push_batching;
mod registries;
mod remote_client;
mod remote_offline;
mod tls;
mod vector_search;

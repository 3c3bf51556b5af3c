//! The protocols over real stores: HTTP and gRPC answers, statuses, pushes, refusals and catalog swaps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arrow;
mod chat;
mod damaged_requests;
mod document;
mod fixture;
mod flight;
mod grpc;
mod http;
mod limits;
mod lookup;
mod materialize;
mod metrics;
mod partial;
mod shapes;
mod swap;
mod tls;
mod waiting_store;
mod writes;

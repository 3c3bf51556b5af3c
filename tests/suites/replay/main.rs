//! Every call that was recorded from Feast 0.67's servers, asked of ours under `compat: feast`.
//!
//! Status and message must be equal. What differs stands in `exceptions`, and must differ.

mod exceptions;
mod flight;
mod grpc;
mod http;
mod judge;
mod remote_client;
mod shop;

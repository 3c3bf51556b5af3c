//! Every call that was recorded from Feast 0.67's gRPC server, asked of ours under `compat: feast`.
//!
//! Code and message must be equal. What differs stands in `exceptions`, and must differ.

mod exceptions;
mod grpc;
mod judge;
mod misc;
mod shop;

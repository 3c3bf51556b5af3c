//! Feast's and Larder's protobuf messages, and every byte layout that Feast can read.
//!
//! - [`feast`], [`grpc`], [`feature_server`] and [`larder`]: messages, clients and servers, generated from
//!   `protos/` by `cargo xtask codegen` and committed.
//! - [`substrait`]: the part of Substrait that plans of on-demand views use.
//! - [`descriptors`]: the same messages for reflection and for JSON.
//! - [`wire`]: entity keys, hash fields, values and the registry file as bytes.

mod descriptors;
#[rustfmt::skip]
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::clone_on_ref_ptr,
    clippy::pedantic,
    reason = "generated code, documented in the .proto files"
)]
mod generated;
pub mod convert;
pub mod feature_server;
pub mod wire;

pub use descriptors::{descriptor_set, descriptors};
pub use generated::{feast, grpc, larder, substrait};

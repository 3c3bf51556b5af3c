//! The descriptors of every message of this crate.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

static ENCODED: &[u8] = include_bytes!("generated/descriptors.bin");

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(ENCODED).expect("the committed descriptor set is checked by a test")
});

/// Descriptors of all `feast.*`, `grpc.connector` and `larder.*` messages and of what they import.
///
/// Decoded on first use. Serves `describe` output (protobuf JSON) and dynamic access to messages.
pub fn descriptors() -> &'static DescriptorPool {
    &POOL
}

/// The encoded `google.protobuf.FileDescriptorSet` behind [`descriptors`], for gRPC reflection.
pub fn descriptor_set() -> &'static [u8] {
    ENCODED
}

//! The gRPC service of Feast's Python feature server, whose protobuf file declares no package.
//!
//! Its methods are `/GrpcFeatureServer/Push`, `/GrpcFeatureServer/WriteToOnlineStore` and
//! `/GrpcFeatureServer/GetOnlineFeatures`; the last takes the messages of
//! [`feast::serving`](crate::feast::serving).

pub use crate::generated::{
    PushRequest, PushResponse, WriteToOnlineStoreRequest, WriteToOnlineStoreResponse,
    grpc_feature_server_client, grpc_feature_server_server,
};

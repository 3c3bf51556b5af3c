//! Feast's and Larder's gRPC services over the feature service.

mod answer;
mod encoded;
mod feature_server;
mod lookup;
mod python_status;
mod recommendation;
mod request;
mod serving;

pub(crate) use encoded::EncodedReads;
pub(crate) use feature_server::PythonServer;
pub(crate) use lookup::Lookup;
pub(crate) use recommendation::Recommendation;
pub(crate) use serving::Serving;

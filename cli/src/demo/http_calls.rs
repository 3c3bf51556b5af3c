//! Calls to the HTTP server.

use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(10);

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into()
}

/// Whether the server on this port answers that it is well.
pub(super) fn is_healthy(port: u16) -> bool {
    agent().get(format!("http://127.0.0.1:{port}/health")).call().is_ok()
}

/// `POST /get-online-features`.
///
/// # Errors
/// `Unavailable` when the server does not answer with success and JSON.
pub(super) fn get_online_features(port: u16, request: &Value) -> Result<Value> {
    let url = format!("http://127.0.0.1:{port}/get-online-features");
    let answer = agent().post(&url).send_json(request);
    answer.and_then(|mut answer| answer.body_mut().read_json()).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("no answer from {url}")).with_source(error)
    })
}

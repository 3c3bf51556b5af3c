//! What the online benchmarks ask: random keys of all features, the same in every run.

use anyhow::{Result, ensure};
use arrow_array::Array;
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use larder_proto::feast::serving::GetOnlineFeaturesRequest;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_tests::Server;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::connection::{ask, request_for};
use crate::generated::{FEATURES, VIEWS};

/// Requests of one row count.
const REQUESTS: usize = 512;

/// The feature service with all features.
const SERVICE: &str = "everything";

/// The keys of every request.
pub(crate) fn keys(keys: u32, rows: usize) -> Vec<Vec<u32>> {
    let mut random = StdRng::seed_from_u64(rows as u64);
    let mut request = || (0..rows).map(|_| random.random_range(0..keys)).collect();
    (0..REQUESTS).map(|_| request()).collect()
}

/// Requests for these keys over HTTP, answered in a media type.
pub(crate) fn http(keys: &[Vec<u32>], media_type: &str) -> Vec<Vec<u8>> {
    let body = |keys| json!({"feature_service": SERVICE, "entities": {"key": keys}});
    let request = |keys| request_for(media_type, "/get-online-features", &body(keys).to_string());
    keys.iter().map(request).collect()
}

/// Requests for these keys over gRPC.
pub(crate) fn grpc(keys: &[Vec<u32>]) -> Vec<Bytes> {
    let value = |key: &u32| Value { val: Some(Val::Int64Val((*key).into())) };
    let request = |keys: &Vec<u32>| GetOnlineFeaturesRequest {
        kind: Some(Kind::FeatureService(SERVICE.to_owned())),
        entities: [("key".to_owned(), RepeatedValue { val: keys.iter().map(value).collect() })]
            .into(),
        ..GetOnlineFeaturesRequest::default()
    };
    keys.iter().map(|keys| request(keys).encode_to_vec().into()).collect()
}

/// The columns that a server answers over HTTP, by name.
pub(crate) fn columns(server: &Server, request: &[u8]) -> Result<Vec<(String, serde_json::Value)>> {
    let (status, body) = ask(server.port(), request)?;
    ensure!(status == 200, "status {status}");
    let answer: serde_json::Value = serde_json::from_slice(&body)?;
    let names = answer["metadata"]["feature_names"].as_array().into_iter().flatten();
    let values = answer["results"].as_array().into_iter().flatten();
    let mut columns: Vec<_> = names
        .zip(values)
        .map(|(name, column)| (name.to_string(), column["values"].clone()))
        .collect();
    columns.sort_by(|a, b| a.0.cmp(&b.0));
    ensure!(columns.len() == VIEWS * FEATURES + 1, "{} columns", columns.len());
    let nulls = columns.iter().flat_map(|column| column.1.as_array().into_iter().flatten());
    ensure!(nulls.into_iter().all(|value| !value.is_null()), "a value is null");
    Ok(columns)
}

/// Checks that an answer as an Arrow stream has every feature, none of them null.
pub(crate) fn arrow_columns(server: &Server, request: &[u8]) -> Result<()> {
    let (status, body) = ask(server.port(), request)?;
    ensure!(status == 200, "status {status}");
    let rows = StreamReader::try_new(body.as_slice(), None)?.collect::<Result<Vec<_>, _>>()?;
    ensure!(!rows.is_empty(), "an answer without rows");
    for batch in rows {
        let nulls: usize = batch.columns().iter().map(Array::null_count).sum();
        ensure!(nulls == 0, "a value is null");
        // A value and a status of every feature, the key, and a time of every view.
        let columns = VIEWS * FEATURES * 2 + 1 + VIEWS;
        ensure!(batch.num_columns() == columns, "{} columns", batch.num_columns());
    }
    Ok(())
}

/// A rate counts only for the right answer: both servers give every feature the same values.
pub(crate) fn same_answers(ours: &Server, theirs: &Server, request: &[u8]) -> Result<()> {
    ensure!(columns(ours, request)? == columns(theirs, request)?, "the servers answer differently");
    Ok(())
}

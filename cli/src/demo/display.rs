//! What the demo shows of the answers.

use std::path::Path;

use larder_core::Result;
use larder_proto::feast::types::Value;
use larder_proto::feast::types::value::Val;
use larder_proto::larder::recommendation::v1::{
    CandidateStatus, GetInteractionFeaturesResponse, InteractionColumn,
};

use super::server::Address;
use crate::output;

/// A value in a few characters; null is `-`.
pub(super) fn value_text(value: &Value) -> String {
    match &value.val {
        Some(Val::StringVal(text)) => text.clone(),
        Some(Val::DoubleVal(number)) => format!("{number:.3}"),
        Some(Val::FloatVal(number)) => format!("{number:.3}"),
        Some(Val::Int64Val(number)) => number.to_string(),
        Some(Val::Int32Val(number)) => number.to_string(),
        Some(Val::BoolVal(truth)) => truth.to_string(),
        Some(_) => "...".to_owned(),
        None => "-".to_owned(),
    }
}

/// One line per candidate, a column per feature.
pub(super) fn interactions(
    products: &[String],
    answer: &GetInteractionFeaturesResponse,
) -> Result<()> {
    let cell = |text: &str| format!(" {text:>19}");
    let header: String = answer.columns.iter().map(|column| cell(&column.name)).collect();
    output::line(format!("    {:<10}{header}  status", "product"))?;
    for (row, product) in products.iter().enumerate() {
        let text = |column: &InteractionColumn| {
            column.values.get(row).map_or_else(String::new, value_text)
        };
        let cells: String = answer.columns.iter().map(|column| cell(&text(column))).collect();
        let status = answer.candidate_statuses.get(row).copied().unwrap_or_default();
        let status = CandidateStatus::try_from(status).unwrap_or_default().as_str_name();
        let status = status.trim_start_matches("CANDIDATE_STATUS_");
        output::line(format!("    {product:<10}{cells}  {status}"))?;
    }
    Ok(())
}

/// Calls for the servers that were left running.
pub(super) fn calls_to_try(folder: &Path, address: Address) -> Result<()> {
    let Address { http, grpc, process } = address;
    let folder = folder.display();
    output::line(format!(
        r#"
The servers keep running (process {process}), the repository is {folder}. Try:

  curl -s http://127.0.0.1:{http}/get-online-features -H 'Content-Type: application/json' \
    -d '{{"feature_service": "user_profile", "entities": {{"user_id": ["u0001", "u0002"]}}}}'

  grpcurl -plaintext -d '{{"feature_service": "user_profile", "entities": {{"user_id": {{"val": [{{"stringVal": "u0001"}}]}}}}}}' \
    127.0.0.1:{grpc} feast.serving.ServingService/GetOnlineFeatures

  grpcurl -plaintext -d '{{"features": {{"val": ["interaction_features:price_vs_avg_order", "interaction_features:device_optimization"]}}, "user_join_key": "user_id", "user_id": {{"stringVal": "u0001"}}, "item_join_key": "product_id", "item_ids": {{"val": [{{"stringVal": "p0001"}}, {{"stringVal": "p0002"}}]}}, "request_context": {{"session_device": {{"stringVal": "mobile"}}}}}}' \
    127.0.0.1:{grpc} larder.recommendation.v1.RecommendationService/GetInteractionFeatures

  fs -c {folder} feature-views list
  kill {process}"#
    ))
}

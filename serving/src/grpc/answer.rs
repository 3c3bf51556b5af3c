//! Answers as protobuf messages.

use larder_core::{Error, Result};
use larder_proto::convert;
use larder_proto::feast::serving::get_online_features_response::FeatureVector;
use larder_proto::feast::serving::{
    FeatureList, FeatureViewMetadata, GetOnlineFeaturesResponse, GetOnlineFeaturesResponseMetadata,
};
use larder_proto::feast::types::Value as WireValue;
use prost::Message as _;

use crate::online::OnlineAnswer;

pub(super) fn to_proto(answer: &OnlineAnswer) -> Result<GetOnlineFeaturesResponse> {
    let names = (0..answer.columns()).map(|column| answer.name(column).to_owned()).collect();
    let versions = answer.view_versions().into_iter().flatten();
    Ok(GetOnlineFeaturesResponse {
        metadata: Some(GetOnlineFeaturesResponseMetadata {
            feature_names: Some(FeatureList { val: names }),
            feature_view_metadata: versions
                .map(|(name, version)| FeatureViewMetadata { name: name.to_owned(), version })
                .collect(),
        }),
        results: (0..answer.columns())
            .map(|column| vector(answer, column))
            .collect::<Result<_>>()?,
        status: false,
    })
}

fn vector(answer: &OnlineAnswer, column: usize) -> Result<FeatureVector> {
    Ok(FeatureVector {
        values: values(answer, column)?,
        statuses: statuses(answer, column),
        event_timestamps: (0..answer.rows())
            .map(|row| convert::timestamp_to_proto(answer.cell(column, row).event_timestamp))
            .collect(),
    })
}

pub(super) fn values(answer: &OnlineAnswer, column: usize) -> Result<Vec<WireValue>> {
    (0..answer.rows())
        .map(|row| {
            WireValue::decode(answer.cell(column, row).value)
                .map_err(|error| Error::data("a stored value is malformed").with_source(error))
        })
        .collect()
}

pub(super) fn statuses(answer: &OnlineAnswer, column: usize) -> Vec<i32> {
    (0..answer.rows()).map(|row| answer.cell(column, row).status as i32).collect()
}

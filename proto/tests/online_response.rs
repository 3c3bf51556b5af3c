//! Answers written by hand, judged by the protobuf encoder.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{FieldStatus, Timestamp};
use larder_proto::convert;
use larder_proto::feast::serving::get_online_features_response::FeatureVector;
use larder_proto::feast::serving::{
    FeatureList, FeatureViewMetadata, GetOnlineFeaturesResponse, GetOnlineFeaturesResponseMetadata,
};
use larder_proto::feast::types;
use larder_proto::wire::online_response::{OnlineResponseWriter, event_timestamps};
use proptest::prelude::*;
use prost::Message as _;

#[derive(Debug, Clone)]
struct Column {
    name: String,
    cells: Vec<(Vec<u8>, FieldStatus, i64)>,
}

fn column() -> impl Strategy<Value = Column> {
    let status = prop::sample::select(vec![
        FieldStatus::Invalid,
        FieldStatus::Present,
        FieldStatus::NullValue,
        FieldStatus::NotFound,
        FieldStatus::OutsideMaxAge,
    ]);
    let value = prop_oneof![
        Just(types::Value { val: None }),
        any::<i64>().prop_map(|n| types::Value { val: Some(types::value::Val::Int64Val(n)) }),
        ".{0,200}".prop_map(|s| types::Value { val: Some(types::value::Val::StringVal(s)) }),
    ];
    let cell = (value.prop_map(|value| value.encode_to_vec()), status, any::<i64>());
    let cells = prop::collection::vec(cell, 0..200);
    ("[a-z_]{0,12}", cells).prop_map(|(name, cells)| Column { name, cells })
}

fn by_hand(columns: &[Column], versions: &[(String, i32)]) -> Vec<u8> {
    let mut writer = OnlineResponseWriter::new(
        columns.iter().map(|column| column.name.as_str()),
        versions.iter().map(|(name, version)| (name.as_str(), *version)),
    );
    for Column { cells, .. } in columns {
        let times = event_timestamps(cells.iter().map(|cell| Timestamp::from_micros(cell.2)));
        let values = cells.iter().map(|cell| cell.0.as_slice());
        writer.vector(values, cells.iter().map(|cell| cell.1), &times);
    }
    writer.finish()
}

fn by_prost(columns: &[Column], versions: &[(String, i32)]) -> Vec<u8> {
    let vector = |column: &Column| FeatureVector {
        values: column.cells.iter().map(|cell| types::Value::decode(&*cell.0).unwrap()).collect(),
        statuses: column.cells.iter().map(|cell| cell.1 as i32).collect(),
        event_timestamps: column
            .cells
            .iter()
            .map(|cell| convert::timestamp_to_proto(Timestamp::from_micros(cell.2)))
            .collect(),
    };
    let names = columns.iter().map(|column| column.name.clone()).collect();
    let views = versions.iter().cloned();
    GetOnlineFeaturesResponse {
        metadata: Some(GetOnlineFeaturesResponseMetadata {
            feature_names: Some(FeatureList { val: names }),
            feature_view_metadata: views
                .map(|(name, version)| FeatureViewMetadata { name, version })
                .collect(),
        }),
        results: columns.iter().map(vector).collect(),
        status: false,
    }
    .encode_to_vec()
}

proptest! {
    #[test]
    fn the_bytes_are_those_of_the_message(
        columns in prop::collection::vec(column(), 0..5),
        versions in prop::collection::vec(("[a-z]{0,5}", any::<i32>()), 0..3),
    ) {
        prop_assert_eq!(by_hand(&columns, &versions), by_prost(&columns, &versions));
    }
}

//! Protobuf requests as the service takes them.

use std::collections::BTreeMap;

use larder_core::{Error, Result, Selection, Value};
use larder_proto::convert;
use larder_proto::feast::serving::FeatureList;
use larder_proto::feast::types::{RepeatedValue, Value as WireValue};

use crate::online::{RequestColumn, RequestValues};

/// Features or a service, one of which must be given.
pub(super) fn selection(
    service: Option<String>,
    features: Option<FeatureList>,
) -> Result<Selection> {
    match (service, features) {
        (Some(service), _) => Ok(Selection::Service(service)),
        (None, Some(list)) => {
            let references =
                list.val.iter().map(|reference| reference.parse()).collect::<Result<_>>()?;
            Ok(Selection::Features(references))
        }
        (None, None) => Err(Error::invalid("neither features nor a feature service was given")
            .with_hint("set one of the two")),
    }
}

/// Columns in name order, which is what the protobuf map keeps.
pub(super) fn columns(
    maps: impl IntoIterator<Item = BTreeMap<String, RepeatedValue>>,
) -> Vec<RequestColumn> {
    maps.into_iter()
        .flatten()
        .map(|(name, values)| RequestColumn {
            name,
            values: RequestValues::Typed(domain_values(values.val)),
        })
        .collect()
}

pub(super) fn domain_values(values: Vec<WireValue>) -> Vec<Value> {
    values.into_iter().map(convert::value_from_proto).collect()
}

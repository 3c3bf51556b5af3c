//! Protobuf requests as the service takes them.

use std::collections::BTreeMap;

use larder_core::{Error, Result, Selection, Value};
use larder_proto::convert;
use larder_proto::feast::serving::FeatureList;
use larder_proto::feast::types::{RepeatedValue, Value as WireValue};

use crate::online::{Budget, OnlineAnswer, RequestColumn, RequestValues};

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

/// The time that the gate found for a call.
pub(super) fn budget<T>(call: &tonic::Request<T>) -> Budget {
    call.extensions().get().copied().unwrap_or_default()
}

/// Names the views that an answer lacks.
pub(super) fn name_late_views<T>(answer: &OnlineAnswer, response: &mut tonic::Response<T>) {
    if let Some(names) = crate::gate::late_views(answer)
        && let Ok(names) = names.as_bytes().try_into()
    {
        response.metadata_mut().insert(crate::gate::LATE_VIEWS, names);
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

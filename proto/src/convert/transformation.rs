//! Transformations and aggregations of views.

use larder_core::{Aggregation, Result, Transformation};

use super::time::{duration_from_proto, duration_to_proto};
use crate::feast::core::{self, feature_transformation_v2 as v2};

pub(crate) fn transformation_from_proto(
    transformation: core::FeatureTransformationV2,
) -> Option<Transformation> {
    Some(match transformation.transformation? {
        v2::Transformation::UserDefinedFunction(function) => Transformation::Function {
            name: function.name,
            body: function.body,
            body_text: function.body_text,
            mode: function.mode,
        },
        v2::Transformation::SubstraitTransformation(substrait) => Transformation::Substrait {
            plan: substrait.substrait_plan,
            ibis_function: substrait.ibis_function,
        },
    })
}

pub(crate) fn transformation_to_proto(
    transformation: &Transformation,
) -> core::FeatureTransformationV2 {
    let transformation = match transformation {
        Transformation::Function { name, body, body_text, mode } => {
            v2::Transformation::UserDefinedFunction(core::UserDefinedFunctionV2 {
                name: name.clone(),
                body: body.clone(),
                body_text: body_text.clone(),
                mode: mode.clone(),
            })
        }
        Transformation::Substrait { plan, ibis_function } => {
            v2::Transformation::SubstraitTransformation(core::SubstraitTransformationV2 {
                substrait_plan: plan.clone(),
                ibis_function: ibis_function.clone(),
            })
        }
    };
    core::FeatureTransformationV2 { transformation: Some(transformation) }
}

pub(crate) fn aggregations_from_proto(
    aggregations: Vec<core::Aggregation>,
) -> Result<Vec<Aggregation>> {
    let convert = |aggregation: core::Aggregation| {
        Ok(Aggregation {
            column: aggregation.column,
            function: aggregation.function,
            time_window: aggregation.time_window.map(duration_from_proto).transpose()?,
            slide_interval: aggregation.slide_interval.map(duration_from_proto).transpose()?,
            name: aggregation.name,
        })
    };
    aggregations.into_iter().map(convert).collect()
}

pub(crate) fn aggregations_to_proto(aggregations: &[Aggregation]) -> Vec<core::Aggregation> {
    let convert = |aggregation: &Aggregation| core::Aggregation {
        column: aggregation.column.clone(),
        function: aggregation.function.clone(),
        time_window: aggregation.time_window.map(duration_to_proto),
        slide_interval: aggregation.slide_interval.map(duration_to_proto),
        name: aggregation.name.clone(),
    };
    aggregations.iter().map(convert).collect()
}

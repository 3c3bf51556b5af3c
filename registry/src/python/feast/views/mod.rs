//! Views: stored ones, on-demand ones, and what services take from them.

mod batch;
mod convert;
mod decorate;
mod feature_view;
mod function_text;
mod label;
mod on_demand;
mod projection;
mod schema;
mod stream;
mod transformation;

use crate::python::eval::record::ClassSpec;

pub(super) use convert::feature_view;
pub(super) use decorate::decorate;
pub(in crate::python) use decorate::warn_of_names;
pub(super) use label::policy_names;
pub(super) use on_demand::on_demand_feature_view;
pub(super) use projection::served_projection;
pub(super) use transformation::function_place;

/// Every view class and decorator.
pub(super) const CLASSES: &[&ClassSpec] = &[
    &feature_view::FEATURE_VIEW,
    &batch::BATCH_FEATURE_VIEW,
    &batch::DECORATOR,
    &stream::STREAM_FEATURE_VIEW,
    &stream::DECORATOR,
    &label::LABEL_VIEW,
    &on_demand::ON_DEMAND_FEATURE_VIEW,
    &on_demand::DECORATOR,
    &transformation::TRANSFORMATION,
    &transformation::DECORATOR,
    &transformation::PANDAS,
    &transformation::PYTHON,
    &transformation::SUBSTRAIT,
];

//! Rules for on-demand views.

use larder_core::{Error, OnDemandFeatureView, Result};

use super::{check_distinct, check_view_name};
use crate::apply::parse_pin;

pub(super) fn check(view: &OnDemandFeatureView) -> Result<()> {
    check_view_name(&view.name)?;
    let owner = format!("on demand feature view \"{}\"", view.name);
    parse_pin(&view.name, &view.version)?;
    if view.sources.is_empty() {
        return Err(Error::invalid(format!("{owner} has no sources")));
    }
    if view.features.is_empty() {
        return Err(Error::invalid(format!("{owner} has no schema")));
    }
    check_distinct(&owner, view.features.iter().map(|field| field.name.as_str()))?;
    if view.singleton && view.mode != "python" {
        return Err(Error::invalid(format!("{owner} is a singleton, so its mode must be python")));
    }
    if view.transformation.is_none() && view.aggregations.is_empty() {
        return Err(Error::invalid(format!("{owner} has no function")));
    }
    Ok(())
}

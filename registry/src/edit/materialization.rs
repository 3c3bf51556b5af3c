//! What materialization records about a view.

use larder_core::{Error, Interval, ObjectKind, Result, Timestamp, ViewState};
use larder_proto::convert::{interval_to_proto, timestamp_to_proto};
use larder_proto::feast::core::{self, FeatureViewMeta, MaterializationInterval};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList, RegistryObject};

use crate::store::{Outcome, RegistryStore};

/// Messages that hold [`FeatureViewMeta`].
trait Materialized: RegistryObject {
    fn meta(&mut self) -> &mut FeatureViewMeta;
}

impl Materialized for core::FeatureView {
    fn meta(&mut self) -> &mut FeatureViewMeta {
        self.meta.get_or_insert_default()
    }
}

impl Materialized for core::StreamFeatureView {
    fn meta(&mut self) -> &mut FeatureViewMeta {
        self.meta.get_or_insert_default()
    }
}

/// Marks views as being materialized and answers the state that each had before.
///
/// # Errors
/// `NotFound` for a view that is neither a feature view nor a stream view; what the store returns.
pub fn begin_materialization(
    store: &dyn RegistryStore,
    project: &str,
    views: &[String],
) -> Result<Vec<ViewState>> {
    let mut before = Vec::new();
    store.update(&mut |file| {
        before.clear();
        for view in views {
            let mut state = ViewState::Unspecified;
            edit(file, project, view, Place::Keep, &mut |meta| {
                state = ViewState::from_number(meta.state);
                meta.state = ViewState::Materializing as i32;
            })?;
            before.push(state);
        }
        Ok(if views.is_empty() { Outcome::Unchanged } else { Outcome::Changed })
    })?;
    Ok(before)
}

/// Puts back the state of a view whose materialization failed. The view may be gone meanwhile.
///
/// # Errors
/// What the store returns.
pub fn abandon_materialization(
    store: &dyn RegistryStore,
    project: &str,
    view: &str,
    state: ViewState,
) -> Result<()> {
    store
        .update(&mut |file| match edit(file, project, view, Place::Keep, &mut |meta| {
            meta.state = state as i32;
        }) {
            Ok(()) => Ok(Outcome::Changed),
            Err(error) if error.kind() == larder_core::ErrorKind::NotFound => {
                Ok(Outcome::Unchanged)
            }
            Err(error) => Err(error),
        })
        .map(|_| ())
}

/// Records that the rows of an interval are in the online store: appends the interval, sets the time of the last
/// update and the state `AVAILABLE_ONLINE`. The view moves to the end of its list, as in Feast.
///
/// # Errors
/// `NotFound` when the view is gone; what the store returns.
pub fn record_materialization(
    store: &dyn RegistryStore,
    project: &str,
    view: &str,
    interval: Interval,
    now: Timestamp,
) -> Result<()> {
    let interval: MaterializationInterval = interval_to_proto(interval);
    store
        .update(&mut |file| {
            edit(file, project, view, Place::MoveToEnd, &mut |meta| {
                meta.materialization_intervals.push(interval);
                meta.last_updated_timestamp = Some(timestamp_to_proto(now));
                meta.state = ViewState::AvailableOnline as i32;
            })?;
            Ok(Outcome::Changed)
        })
        .map(|_| ())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Keep,
    MoveToEnd,
}

fn edit(
    file: &mut RegistryFile,
    project: &str,
    view: &str,
    place: Place,
    change: &mut dyn FnMut(&mut FeatureViewMeta),
) -> Result<()> {
    let done = edit_as::<core::FeatureView>(file, project, view, place, change)?
        || edit_as::<core::StreamFeatureView>(file, project, view, place, change)?;
    if done { Ok(()) } else { Err(Error::not_found(ObjectKind::FeatureView, view, project)) }
}

fn edit_as<T: Materialized>(
    file: &mut RegistryFile,
    project: &str,
    view: &str,
    place: Place,
    change: &mut dyn FnMut(&mut FeatureViewMeta),
) -> Result<bool> {
    let list: RegistryList = T::LIST;
    let Some(mut message) = file.get::<T>(project, view)? else { return Ok(false) };
    change(message.meta());
    let bytes = message.encode_to_vec();
    match place {
        Place::Keep => file.replace(list, project, view, &bytes)?,
        Place::MoveToEnd => {
            file.put(list, &bytes)?;
            true
        }
    };
    Ok(true)
}

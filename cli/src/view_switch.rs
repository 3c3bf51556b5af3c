//! Changes to one registered view that are no definition: enabled or not, life-cycle state.

use larder_core::{Clock as _, Error, ObjectKind, Result, ViewState};
use larder_proto::convert::timestamp_to_proto;
use larder_proto::feast::core::{FeatureView, OnDemandFeatureView, StreamFeatureView};
use larder_proto::wire::registry_file::{RegistryFile, RegistryObject};
use larder_registry::store::Outcome;
use prost_types::Timestamp;

use crate::clock::SystemClock;
use crate::repository::Repository;
use crate::{compose, output};

/// What the three kinds of views have in common here.
struct Switches<'a> {
    disabled: &'a mut bool,
    state: &'a mut i32,
    updated: &'a mut Option<Timestamp>,
}

/// A message of a view that can be enabled, disabled and moved between states.
trait Switched: RegistryObject {
    fn switches(&mut self) -> Switches<'_>;
}

macro_rules! switched {
    ($($message:ident),+) => {
        $(impl Switched for $message {
            fn switches(&mut self) -> Switches<'_> {
                let spec = self.spec.get_or_insert_default();
                let meta = self.meta.get_or_insert_default();
                Switches {
                    disabled: &mut spec.disabled,
                    state: &mut meta.state,
                    updated: &mut meta.last_updated_timestamp,
                }
            }
        })+
    };
}

switched!(FeatureView, StreamFeatureView, OnDemandFeatureView);

/// Enables or disables a view and says what happened.
///
/// # Errors
/// `NotFound` when no such view can be switched; what the registry answers.
pub(crate) fn set_enabled(repository: &Repository, name: &str, enabled: bool) -> Result<()> {
    let word = if enabled { "enabled" } else { "disabled" };
    let mut said = String::new();
    edit(repository, name, &mut |switches| {
        if *switches.disabled != enabled {
            said = format!("Feature view '{name}' is already {word}.");
            return Ok(Outcome::Unchanged);
        }
        *switches.disabled = !enabled;
        said = format!("Feature view '{name}' has been {word}.");
        Ok(Outcome::Changed)
    })?;
    output::line(said)
}

/// Moves a view to another state, as far as Feast allows it, and says what happened.
///
/// # Errors
/// `NotFound` when no such view has a state; `Invalid` for a transition that Feast does not allow.
pub(crate) fn set_state(repository: &Repository, name: &str, wanted: ViewState) -> Result<()> {
    let mut said = String::new();
    edit(repository, name, &mut |switches| {
        let current = ViewState::from_number(*switches.state);
        if current == wanted {
            said = format!("Feature view '{name}' is already in state {}.", state_name(wanted));
            return Ok(Outcome::Unchanged);
        }
        check_transition(name, current, wanted)?;
        *switches.state = wanted as i32;
        said = format!("Feature view '{name}' state set to {}.", state_name(wanted));
        Ok(Outcome::Changed)
    })?;
    output::line(said)
}

/// Feast's names of the states.
fn state_name(state: ViewState) -> &'static str {
    match state {
        ViewState::Unspecified => "STATE_UNSPECIFIED",
        ViewState::Created => "CREATED",
        ViewState::Generated => "GENERATED",
        ViewState::Materializing => "MATERIALIZING",
        ViewState::AvailableOnline => "AVAILABLE_ONLINE",
    }
}

/// Where Feast 0.67 lets a view go from each state.
fn allowed(from: ViewState) -> &'static [ViewState] {
    match from {
        ViewState::Unspecified => &[ViewState::Created],
        ViewState::Created => &[ViewState::Generated],
        ViewState::Generated | ViewState::AvailableOnline => &[ViewState::Materializing],
        ViewState::Materializing => &[ViewState::AvailableOnline, ViewState::Generated],
    }
}

fn check_transition(name: &str, from: ViewState, to: ViewState) -> Result<()> {
    if allowed(from).contains(&to) {
        return Ok(());
    }
    let names: Vec<&str> = allowed(from).iter().map(|state| state_name(*state)).collect();
    Err(Error::invalid(format!(
        "feature view \"{name}\" cannot go from {} to {}",
        state_name(from),
        state_name(to)
    ))
    .with_hint(format!("from {} it can go to {}", state_name(from), names.join(", "))))
}

type Edit<'a> = dyn FnMut(Switches<'_>) -> Result<Outcome> + 'a;

fn edit(repository: &Repository, name: &str, change: &mut Edit<'_>) -> Result<()> {
    let config = repository.existing()?;
    let project = config.project.as_str();
    let registry = compose::registry_store(config)?;
    registry.update(&mut |file| {
        let edited = edit_as::<FeatureView>(file, project, name, change)
            .transpose()
            .or_else(|| edit_as::<StreamFeatureView>(file, project, name, change).transpose())
            .or_else(|| edit_as::<OnDemandFeatureView>(file, project, name, change).transpose());
        edited.unwrap_or_else(|| Err(Error::not_found(ObjectKind::FeatureView, name, project)))
    })?;
    Ok(())
}

fn edit_as<T: Switched>(
    file: &mut RegistryFile,
    project: &str,
    name: &str,
    change: &mut Edit<'_>,
) -> Result<Option<Outcome>> {
    let Some(mut view) = file.get::<T>(project, name)? else { return Ok(None) };
    let outcome = change(view.switches())?;
    if outcome == Outcome::Changed {
        *view.switches().updated = Some(timestamp_to_proto(SystemClock.now()));
        file.put_message(&view)?;
    }
    Ok(Some(outcome))
}

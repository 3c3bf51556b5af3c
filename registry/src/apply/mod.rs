//! Writing a plan into a registry, with Feast's rules for times, versions and list order.

mod carry;
mod object;
mod stored_versions;
mod version;
mod view;

use larder_core::{DUMMY_ENTITY, Error, ErrorKind, ObjectKind, Result, Subject, Timestamp};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};

use crate::definitions::Object;
use crate::plan::{Action, Change, Comparable, Plan, decode, infra_with_tables};
use crate::store::{Outcome, RegistryStore};
pub use stored_versions::RegistryVersions;
use version::Versions;
pub(crate) use version::parse_pin;
pub(crate) use view::snapshot;

/// Options of an apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// `--no-promote`: changed views get a new stored version, the active definition stays.
    pub no_promote: bool,
}

/// What an apply did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects written or removed, in plan order.
    pub changed: Vec<(ObjectKind, String, Action)>,
    /// Objects that somebody else had already brought into the wanted state.
    pub already_done: Vec<(ObjectKind, String)>,
}

/// Writes a plan in one step: under the registry's lock the present state is read, the plan's changes are merged into
/// it, and it is written once. Objects that the plan does not name stay byte for byte, also those that others
/// changed since the plan was made.
///
/// # Errors
/// `Conflict`, naming the object, when somebody else changed an object of the plan since it was made; nothing is
/// written then. Otherwise what the store returns.
pub fn apply(
    store: &dyn RegistryStore,
    plan: &Plan,
    now: Timestamp,
    options: ApplyOptions,
) -> Result<Applied> {
    let mut applied = Applied::default();
    store.update(&mut |file| {
        applied = merge(file, plan, now, options)?;
        let nothing = applied.changed.is_empty() && plan.tables.is_none();
        Ok(if nothing && !file.version_id().is_empty() {
            Outcome::Unchanged
        } else {
            Outcome::Changed
        })
    })?;
    Ok(applied)
}

/// Merges a plan into a registry in memory.
///
/// # Errors
/// `Conflict` as for [`apply`]; `Invalid` for a version pin that contradicts the definition.
pub fn merge(
    file: &mut RegistryFile,
    plan: &Plan,
    now: Timestamp,
    options: ApplyOptions,
) -> Result<Applied> {
    let mut applied = Applied::default();
    let mut due = Vec::new();
    for change in &plan.changes {
        match standing(file, plan, change)? {
            Standing::Due => due.push(change),
            Standing::Done => applied.already_done.push((change.kind, change.name.clone())),
        }
    }
    // A view that changes its kind is deleted under one and created under the other.
    let (deletions, others): (Vec<&Change>, Vec<&Change>) =
        due.iter().partition(|change| change.action == Action::Delete);
    delete(file, &plan.project, &deletions)?;
    let mut versions = Versions::read(file, &plan.project)?;
    for change in others {
        let Some(definition) = &change.definition else { continue };
        let write = Write { project: &plan.project, now, options };
        write.object(file, &mut versions, definition)?;
    }
    versions.write(file);
    if let Some(tables) = &plan.tables {
        file.set_infra(Some(&infra_with_tables(file, &plan.project, tables)?));
    }
    applied.changed =
        due.iter().map(|change| (change.kind, change.name.clone(), change.action)).collect();
    Ok(applied)
}

/// What one apply writes with.
#[derive(Debug, Clone, Copy)]
struct Write<'a> {
    project: &'a str,
    now: Timestamp,
    options: ApplyOptions,
}

impl Write<'_> {
    fn object(
        self,
        file: &mut RegistryFile,
        versions: &mut Versions,
        definition: &Object,
    ) -> Result<()> {
        match definition {
            Object::FeatureView(_) | Object::OnDemandFeatureView(_) => {
                view::write(self, file, versions, definition)
            }
            _ => object::write(self, file, definition),
        }
    }
}

enum Standing {
    /// As when the plan was made: the change is due.
    Due,
    /// Somebody else made the same change.
    Done,
}

/// Compares the present state of an object with the state when the plan was made. Times and materialized intervals
/// do not count: materialization may run meanwhile.
fn standing(file: &RegistryFile, plan: &Plan, change: &Change) -> Result<Standing> {
    let list = list_of(change.kind)?;
    let project = if list == RegistryList::Projects { "" } else { plan.project.as_str() };
    let present = file.find(list, project, &change.name);
    if present == change.before.as_ref() {
        return Ok(Standing::Due);
    }
    let present = present.map(|stored| decode(list, stored)).transpose()?;
    let present = present.as_ref().map(Comparable::new);
    if present == change.definition.as_ref().map(Comparable::new) {
        return Ok(Standing::Done);
    }
    let before = change.before.as_ref().map(|stored| decode(list, stored)).transpose()?;
    if present == before.as_ref().map(Comparable::new) {
        return Ok(Standing::Due);
    }
    Err(conflict(plan, change))
}

fn conflict(plan: &Plan, change: &Change) -> Error {
    let subject =
        Subject { kind: change.kind, name: change.name.clone(), project: plan.project.clone() };
    let message = format!(
        "{} \"{}\" was changed by somebody else in the meantime",
        change.kind.label(),
        change.name
    );
    Error::new(ErrorKind::Conflict, message)
        .with_subject(subject)
        .with_hint("nothing was applied; look at the new plan and apply again")
}

fn list_of(kind: ObjectKind) -> Result<RegistryList> {
    RegistryList::of(kind)
        .ok_or_else(|| Error::internal(format!("{} is no registry object", kind.label())))
}

fn delete(file: &mut RegistryFile, project: &str, deletions: &[&Change]) -> Result<()> {
    let mut views = Vec::new();
    for change in deletions.iter().filter(|change| change.name != DUMMY_ENTITY) {
        file.remove(list_of(change.kind)?, project, &change.name);
        if is_view(change.kind) {
            views.push(change.name.as_str());
        }
    }
    if views.is_empty() {
        return Ok(());
    }
    file.retain_version_records(|record| {
        record.project_id != project || !views.contains(&record.feature_view_name.as_str())
    })
}

/// Whether objects of this kind are views.
pub(crate) fn is_view(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::FeatureView
            | ObjectKind::OnDemandFeatureView
            | ObjectKind::StreamFeatureView
            | ObjectKind::LabelView
    )
}

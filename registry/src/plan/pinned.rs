//! Views that are pinned to a stored version.

use std::cell::OnceCell;

use larder_core::{Result, ViewMeta};
use larder_proto::wire::registry_file::RegistryFile;

use super::Comparable;
use crate::apply::{RegistryVersions, parse_pin, snapshot};
use crate::definitions::Object;

/// Stored versions, read when they are first asked for.
pub(super) struct Lazy<'a> {
    file: &'a RegistryFile,
    project: &'a str,
    read: OnceCell<RegistryVersions>,
}

impl<'a> Lazy<'a> {
    pub(super) fn new(file: &'a RegistryFile, project: &'a str) -> Self {
        Self { file, project, read: OnceCell::new() }
    }

    fn get(&self) -> Result<&RegistryVersions> {
        if let Some(versions) = self.read.get() {
            return Ok(versions);
        }
        let versions = RegistryVersions::read(self.file, self.project)?;
        Ok(self.read.get_or_init(|| versions))
    }
}

/// Whether a pin is already in force: the registry serves the version that the repository pins, while the definition
/// in the repository is still one of the stored ones. Feast 0.67 refuses the second apply of such a repository.
pub(super) fn is_settled(wanted: &Object, existing: &Object, versions: &Lazy<'_>) -> Result<bool> {
    let (Some((wanted_pin, _)), Some((existing_pin, meta))) = (pin(wanted)?, pin(existing)?) else {
        return Ok(false);
    };
    if wanted_pin != existing_pin || meta.current_version_number != wanted_pin {
        return Ok(false);
    }
    let unpinned = Comparable::new(&without_pin(wanted));
    for record in versions.get()?.records(wanted.name()) {
        let stored = snapshot(&record.feature_view_type, &record.feature_view_proto)?;
        if Comparable::new(&without_pin(&stored)) == unpinned {
            return Ok(true);
        }
    }
    Ok(false)
}

fn pin(view: &Object) -> Result<Option<(i32, &ViewMeta)>> {
    let (version, meta) = match view {
        Object::FeatureView(view) => (&view.version, &view.meta),
        Object::OnDemandFeatureView(view) => (&view.version, &view.meta),
        _ => return Ok(None),
    };
    Ok(parse_pin(view.name(), version)?.map(|number| (number, meta)))
}

fn without_pin(view: &Object) -> Object {
    let mut view = view.clone();
    match &mut view {
        Object::FeatureView(view) => view.version.clear(),
        Object::OnDemandFeatureView(view) => view.version.clear(),
        _ => {}
    }
    view
}

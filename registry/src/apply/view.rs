//! Views: in place, or as a new version.

use larder_core::{Error, ErrorKind, ObjectKind, Result, Subject, ViewMeta, ViewState};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList, StoredObject};

use super::version::{Versions, parse_pin};
use super::{Write, carry, list_of};
use crate::definitions::Object;
use crate::plan::{Comparable, decode, encode, schema_changed};

/// Writes one view.
///
/// A new view is stored with version 0. A view whose schema or function changed keeps its creation time and intervals,
/// loses its state, becomes the next version and moves to the end of its list. Any other change is made in place
/// and keeps all meta data.
pub(super) fn write(
    write: Write<'_>,
    file: &mut RegistryFile,
    versions: &mut Versions,
    definition: &Object,
) -> Result<()> {
    let kind = definition.kind();
    let list = list_of(kind)?;
    let name = definition.name().to_owned();
    let stored = file.find(list, write.project, &name).cloned();
    let existing = stored.as_ref().map(|stored| decode(list, stored)).transpose()?;
    let pin = parse_pin(&name, version_of(definition))?;
    let wanted = match pin {
        Some(number) => pinned(write, versions, definition, existing.as_ref(), number)?,
        None => definition.clone(),
    };
    let view = View { write, list, kind, name: &name };
    match (existing, stored) {
        (Some(existing), Some(stored)) if schema_changed(&existing, &wanted) => {
            view.replace(file, versions, wanted, &existing, &stored, pin)
        }
        (Some(existing), _) => view.update(file, wanted, &existing, pin),
        (None, _) => view.create(file, versions, wanted, pin),
    }
}

struct View<'a> {
    write: Write<'a>,
    list: RegistryList,
    kind: ObjectKind,
    name: &'a str,
}

impl View<'_> {
    fn create(
        &self,
        file: &mut RegistryFile,
        versions: &mut Versions,
        mut view: Object,
        pin: Option<i32>,
    ) -> Result<()> {
        let meta = meta_mut(&mut view)?;
        meta.created = Some(self.write.now);
        meta.updated = Some(self.write.now);
        meta.current_version_number = pin.unwrap_or(0);
        let bytes = encode(&view, self.write.project)?;
        if pin.is_none() {
            self.store(versions, versions.next(self.name), bytes.clone());
        }
        file.put(self.list, &bytes)
    }

    /// Same schema: the new definition with the old meta data, where the old one stood.
    fn update(
        &self,
        file: &mut RegistryFile,
        mut view: Object,
        existing: &Object,
        pin: Option<i32>,
    ) -> Result<()> {
        let old = meta_of(existing)?.clone();
        carry::bodies(&mut view, existing);
        let meta = meta_mut(&mut view)?;
        // Feast 0.67 also resets the version number to 0 here, which its own version list contradicts.
        *meta = ViewMeta { updated: Some(self.write.now), ..old };
        if let Some(number) = pin {
            meta.current_version_number = number;
        }
        let bytes = encode(&view, self.write.project)?;
        file.replace(self.list, self.write.project, self.name, &bytes).map(|_| ())
    }

    /// Another schema: a new version.
    fn replace(
        &self,
        file: &mut RegistryFile,
        versions: &mut Versions,
        mut view: Object,
        existing: &Object,
        stored: &StoredObject,
        pin: Option<i32>,
    ) -> Result<()> {
        let old = meta_of(existing)?;
        carry::bodies(&mut view, existing);
        let meta = meta_mut(&mut view)?;
        meta.created = old.created;
        meta.updated = Some(self.write.now);
        meta.materialization_intervals.clone_from(&old.materialization_intervals);
        meta.state = ViewState::Unspecified;
        if let Some(number) = pin {
            meta.current_version_number = number;
            return file.put(self.list, &encode(&view, self.write.project)?);
        }
        if versions.next(self.name) == 0 {
            self.store(versions, 0, stored.bytes().to_vec());
        }
        let number = versions.next(self.name);
        meta.current_version_number = number;
        let bytes = encode(&view, self.write.project)?;
        self.store(versions, number, bytes.clone());
        if self.write.options.no_promote {
            return Ok(());
        }
        file.put(self.list, &bytes)
    }

    fn store(&self, versions: &mut Versions, number: i32, bytes: Vec<u8>) {
        versions.store(self.name, type_name(self.kind), number, bytes, self.write.now);
    }
}

/// The view to make active for a pin: the stored version, or the definition itself as a version of that number.
fn pinned(
    write: Write<'_>,
    versions: &mut Versions,
    definition: &Object,
    existing: Option<&Object>,
    number: i32,
) -> Result<Object> {
    let name = definition.name();
    let Some(record) = versions.find(name, number) else {
        let mut view = definition.clone();
        let meta = meta_mut(&mut view)?;
        meta.created =
            existing.map_or(Ok(Some(write.now)), |old| meta_of(old).map(|meta| meta.created))?;
        meta.updated = Some(write.now);
        meta.current_version_number = number;
        let bytes = encode(&view, write.project)?;
        versions.store(name, type_name(definition.kind()), number, bytes, write.now);
        return Ok(view);
    };
    let restored = snapshot(&record.feature_view_type, &record.feature_view_proto)?;
    check_unedited(versions, definition, existing, number)?;
    Ok(with_version(&restored, version_of(definition)))
}

/// Pinning goes back to what was stored, so the definition in the repository must not be a new one.
fn check_unedited(
    versions: &Versions,
    definition: &Object,
    existing: Option<&Object>,
    number: i32,
) -> Result<()> {
    let name = definition.name();
    let wanted = Comparable::new(&with_version(definition, "latest"));
    let same = |other: &Object| Comparable::new(&with_version(other, "latest")) == wanted;
    if existing.is_none_or(same) {
        return Ok(());
    }
    for record in versions.of(name) {
        if same(&snapshot(&record.feature_view_type, &record.feature_view_proto)?) {
            return Ok(());
        }
    }
    let subject =
        Subject { kind: definition.kind(), name: name.to_owned(), project: String::new() };
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "feature view \"{name}\" is pinned to v{number}, and its definition was edited too"
        ),
    )
    .with_subject(subject)
    .with_hint("undo the edit, or set version to latest"))
}

/// A stored version as a definition.
pub(crate) fn snapshot(kind: &str, bytes: &[u8]) -> Result<Object> {
    let list = match kind {
        "feature_view" => RegistryList::FeatureViews,
        "stream_feature_view" => RegistryList::StreamFeatureViews,
        "on_demand_feature_view" => RegistryList::OnDemandFeatureViews,
        "label_view" => RegistryList::LabelViews,
        other => {
            return Err(Error::data(format!(
                "a stored view version has the unknown type \"{other}\""
            )));
        }
    };
    let mut holder = RegistryFile::new();
    holder.append(list, bytes)?;
    match holder.objects(list) {
        [stored] => decode(list, stored),
        _ => Err(Error::internal("one appended object is one object")),
    }
}

fn type_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::StreamFeatureView => "stream_feature_view",
        ObjectKind::OnDemandFeatureView => "on_demand_feature_view",
        ObjectKind::LabelView => "label_view",
        _ => "feature_view",
    }
}

fn version_of(view: &Object) -> &str {
    match view {
        Object::FeatureView(view) => &view.version,
        Object::OnDemandFeatureView(view) => &view.version,
        _ => "",
    }
}

fn with_version(view: &Object, version: &str) -> Object {
    let mut view = view.clone();
    match &mut view {
        Object::FeatureView(view) => version.clone_into(&mut view.version),
        Object::OnDemandFeatureView(view) => version.clone_into(&mut view.version),
        _ => {}
    }
    view
}

fn meta_of(view: &Object) -> Result<&ViewMeta> {
    match view {
        Object::FeatureView(view) => Ok(&view.meta),
        Object::OnDemandFeatureView(view) => Ok(&view.meta),
        _ => Err(Error::internal("only views have meta data")),
    }
}

fn meta_mut(view: &mut Object) -> Result<&mut ViewMeta> {
    match view {
        Object::FeatureView(view) => Ok(&mut view.meta),
        Object::OnDemandFeatureView(view) => Ok(&mut view.meta),
        _ => Err(Error::internal("only views have meta data")),
    }
}

//! Objects without versions: projects, sources, entities, services, permissions.

use larder_core::Result;
use larder_proto::convert::{self, SourcePlace, Stamped, Times, timestamp_to_proto};
use larder_proto::wire::registry_file::{RegistryFile, RegistryObject};

use super::Write;
use crate::definitions::Object;

/// Puts the object at the end of its list; it keeps the time of its creation.
pub(super) fn write(write: Write<'_>, file: &mut RegistryFile, definition: &Object) -> Result<()> {
    let project = write.project;
    match definition {
        Object::Project(object) => {
            put(write, file, "", &object.name, convert::project_to_proto(object))
        }
        Object::DataSource(object) => {
            let message = convert::data_source_to_proto(object, SourcePlace::TopLevel(project))?;
            put(write, file, project, &object.name, message)
        }
        Object::Entity(object) => {
            put(write, file, project, &object.name, convert::entity_to_proto(object, project))
        }
        Object::FeatureService(object) => put(
            write,
            file,
            project,
            &object.name,
            convert::feature_service_to_proto(object, project)?,
        ),
        Object::Permission(object) => {
            put(write, file, project, &object.name, convert::permission_to_proto(object, project))
        }
        Object::FeatureView(_) | Object::OnDemandFeatureView(_) => {
            Err(larder_core::Error::internal("views are written with their versions"))
        }
    }
}

fn put<T: RegistryObject + Stamped>(
    write: Write<'_>,
    file: &mut RegistryFile,
    project: &str,
    name: &str,
    mut message: T,
) -> Result<()> {
    let now = timestamp_to_proto(write.now);
    let existing: Option<T> = file.get(project, name)?;
    let created = existing.and_then(|existing| existing.times().created).unwrap_or(now);
    message.set_times(Times { created: Some(created), updated: Some(now) });
    file.put_message(&message)
}

//! Registry objects between their stored bytes and the domain.

use larder_core::Result;
use larder_proto::convert::{self, FeatureViewMessage, SourcePlace};
use larder_proto::wire::registry_file::{RegistryList, StoredObject};
use prost::Message;

use crate::definitions::Object;

/// The definition that a list of the registry holds.
///
/// # Errors
/// `Data` when the bytes cannot be understood; `Internal` for lists without definitions (saved datasets ...).
pub(crate) fn decode(list: RegistryList, stored: &StoredObject) -> Result<Object> {
    let decoded = match list {
        RegistryList::Projects => {
            Ok(Object::Project(convert::project_from_proto(stored.decode()?)))
        }
        RegistryList::DataSources => {
            convert::data_source_from_proto(stored.decode()?).map(Object::DataSource)
        }
        RegistryList::Entities => convert::entity_from_proto(stored.decode()?).map(Object::Entity),
        RegistryList::FeatureViews => {
            convert::feature_view_from_proto(stored.decode()?).map(Object::FeatureView)
        }
        RegistryList::StreamFeatureViews => {
            convert::stream_feature_view_from_proto(stored.decode()?).map(Object::FeatureView)
        }
        RegistryList::LabelViews => {
            convert::label_view_from_proto(stored.decode()?).map(Object::FeatureView)
        }
        RegistryList::OnDemandFeatureViews => {
            convert::on_demand_feature_view_from_proto(stored.decode()?)
                .map(Object::OnDemandFeatureView)
        }
        RegistryList::FeatureServices => {
            convert::feature_service_from_proto(stored.decode()?).map(Object::FeatureService)
        }
        RegistryList::Permissions => {
            Ok(Object::Permission(convert::permission_from_proto(stored.decode()?)))
        }
        RegistryList::SavedDatasets
        | RegistryList::ValidationReferences
        | RegistryList::ProjectMetadata => {
            Err(larder_core::Error::internal("this list holds no definitions"))
        }
    };
    decoded.map_err(|error| error.context(format!("registry object \"{}\"", stored.name())))
}

/// A definition as its message, views with the meta data that they carry, other objects without times.
///
/// # Errors
/// `Invalid` when opaque bytes inside it are broken.
pub(crate) fn encode(object: &Object, project: &str) -> Result<Vec<u8>> {
    Ok(match object {
        Object::Project(object) => convert::project_to_proto(object).encode_to_vec(),
        Object::DataSource(object) => {
            convert::data_source_to_proto(object, SourcePlace::TopLevel(project))?.encode_to_vec()
        }
        Object::Entity(object) => convert::entity_to_proto(object, project).encode_to_vec(),
        Object::FeatureView(object) => match convert::feature_view_to_proto(object, project)? {
            FeatureViewMessage::Plain(message) => message.encode_to_vec(),
            FeatureViewMessage::Stream(message) => message.encode_to_vec(),
            FeatureViewMessage::Label(message) => message.encode_to_vec(),
        },
        Object::OnDemandFeatureView(object) => {
            convert::on_demand_feature_view_to_proto(object, project)?.encode_to_vec()
        }
        Object::FeatureService(object) => {
            convert::feature_service_to_proto(object, project)?.encode_to_vec()
        }
        Object::Permission(object) => convert::permission_to_proto(object, project).encode_to_vec(),
    })
}

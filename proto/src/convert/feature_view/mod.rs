//! Stored views: plain, batch, stream and label views.

mod read;
mod write;

use larder_core::{Error, FeatureView, Result};
use prost::Message as _;

use crate::feast::core;
use crate::wire::registry_file::{RegistryList, StoredObject};

pub use read::{feature_view_from_proto, label_view_from_proto, stream_feature_view_from_proto};
pub use write::feature_view_to_proto;

/// The message of a stored view, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureViewMessage {
    /// A plain or batch view.
    Plain(core::FeatureView),
    /// A stream view.
    Stream(core::StreamFeatureView),
    /// A label view.
    Label(core::LabelView),
}

impl FeatureViewMessage {
    /// The list of the registry that holds it.
    pub fn list(&self) -> RegistryList {
        match self {
            Self::Plain(_) => RegistryList::FeatureViews,
            Self::Stream(_) => RegistryList::StreamFeatureViews,
            Self::Label(_) => RegistryList::LabelViews,
        }
    }

    /// The encoded message.
    pub fn encode_to_vec(&self) -> Vec<u8> {
        match self {
            Self::Plain(view) => view.encode_to_vec(),
            Self::Stream(view) => view.encode_to_vec(),
            Self::Label(view) => view.encode_to_vec(),
        }
    }
}

/// The view behind an entry of one of the three lists of stored views.
///
/// # Errors
/// `Data` when the entry cannot be understood, `Invalid` for any other list.
pub fn feature_view_from_stored(list: RegistryList, stored: &StoredObject) -> Result<FeatureView> {
    match list {
        RegistryList::FeatureViews => feature_view_from_proto(stored.decode()?),
        RegistryList::StreamFeatureViews => stream_feature_view_from_proto(stored.decode()?),
        RegistryList::LabelViews => label_view_from_proto(stored.decode()?),
        other => Err(Error::invalid(format!("{other:?} are no stored views"))),
    }
}

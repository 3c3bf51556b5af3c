//! What a view is beside its rows.

use std::sync::Arc;

use larder_core::{FeatureView, Field, ValueType};

use crate::view_table::field_hash;

/// Column of the event timestamp in views without a batch source, as Feast names it.
const EVENT_TIMESTAMP: &str = "event_timestamp";

/// Names and types of a view: for stores behind which stands a feature server, which knows views, types and columns
/// where other stores know bytes, and for rows that are laid out by type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewSchema {
    /// Name of the view, without version.
    pub name: Arc<str>,
    /// The view in references to its features: its name, or `name@v2` when the table is that of a version.
    pub reference: Arc<str>,
    /// Types of the table's features, in their order.
    pub value_types: Arc<[ValueType]>,
    /// Column of the event timestamps of written rows.
    pub timestamp_column: Arc<str>,
    /// Column of their created timestamps, when the view has one.
    pub created_column: Option<Arc<str>>,
    /// All features of the view, also those that the table leaves out: their field names on Redis and the numbers of
    /// their types.
    pub stored: Arc<[(u32, u8)]>,
}

impl ViewSchema {
    /// The schema of the table `storage_name` of a view, for a selection of its features.
    pub(crate) fn new<'f>(
        storage_name: &str,
        view: &FeatureView,
        features: impl IntoIterator<Item = &'f Field>,
    ) -> Self {
        let name = view.name.as_str();
        let version = storage_name.strip_prefix(name).and_then(|rest| rest.strip_prefix("_v"));
        let source = view.batch_source.as_ref();
        let of_source = |column: fn(&larder_core::DataSource) -> &str| {
            source.map(column).filter(|column| !column.is_empty()).map(Arc::from)
        };
        Self {
            name: name.into(),
            reference: match version {
                Some(version) => format!("{name}@v{version}").into(),
                None => name.into(),
            },
            value_types: features.into_iter().map(|field| field.value_type).collect(),
            timestamp_column: of_source(|source| &source.timestamp_field)
                .unwrap_or_else(|| EVENT_TIMESTAMP.into()),
            created_column: of_source(|source| &source.created_timestamp_column),
            stored: view.features.iter().map(|field| stored(storage_name, field)).collect(),
        }
    }
}

fn stored(storage_name: &str, field: &Field) -> (u32, u8) {
    // A number that does not fit is that of a type which is not known here.
    let number = u8::try_from(field.value_type.number()).unwrap_or_default();
    (field_hash(storage_name, &field.name), number)
}

//! Data sources.

mod convert;
mod custom;
mod finish;
mod streams;
mod warehouses;

use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Legacy, Parameter, nullable, optional, required,
};

pub(super) use convert::{data_source, optional_source};

/// Parameters that batch sources share.
const SHARED: &[Parameter] = &[
    nullable("timestamp_field", Kind::Text, Fallback::Text("")),
    nullable("created_timestamp_column", Kind::Text, Fallback::Text("")),
    optional("field_mapping", Kind::TextMap),
    nullable("description", Kind::Text, Fallback::Text("")),
    optional("tags", Kind::TextMap),
    nullable("owner", Kind::Text, Fallback::Text("")),
    optional("connection_ref", Kind::Object("ConnectionRef")),
];

/// Spelling before Feast 0.20.
const OLD_TIMESTAMP: &[Legacy] =
    &[Legacy { old: "event_timestamp_column", new: "timestamp_field", adapt: None }];

/// A source class to start from.
const SOURCE: ClassSpec = ClassSpec {
    ancestors: &["DataSource"],
    shared: SHARED,
    legacy: OLD_TIMESTAMP,
    finish: Some(finish::finish),
    ..ClassSpec::BASE
};

/// `FileSource`.
static FILE: ClassSpec = ClassSpec {
    name: "FileSource",
    module: "feast.infra.offline_stores.file_source",
    parameters: &[
        required("path", Kind::AnyOf(&[Kind::Text])),
        nullable("name", Kind::Text, Fallback::Text("")),
        // Feast 0.67 still takes it, and ignores it.
        nullable("event_timestamp_column", Kind::Text, Fallback::Text("")),
        optional("file_format", Kind::Object("FileFormat")),
        optional("s3_endpoint_override", Kind::Text),
    ],
    legacy: &[
        Legacy { old: "file_url", new: "path", adapt: None },
        Legacy { old: "date_partition_column", new: "_date_partition_column", adapt: None },
    ],
    legacy_positional: &["path"],
    ..SOURCE
};

/// The abstract class, for `isinstance`.
static DATA_SOURCE: ClassSpec = ClassSpec {
    name: "DataSource",
    module: "feast.data_source",
    refused: Some((
        "an object of the abstract class DataSource",
        "use FileSource or another source class",
    )),
    ..ClassSpec::BASE
};

/// Every source class.
pub(super) fn classes() -> impl Iterator<Item = &'static ClassSpec> {
    [&FILE, &DATA_SOURCE]
        .into_iter()
        .chain(streams::CLASSES.iter().copied())
        .chain(warehouses::CLASSES.iter().copied())
        .chain(custom::CLASSES.iter().map(|custom| custom.spec))
}

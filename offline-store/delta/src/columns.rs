//! The columns of a table as its log declares them.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::expressions::Scalar;
use delta_kernel::scan::Scan;
use delta_kernel::scan::state::ScanFile;
use delta_kernel::schema::{ColumnMetadataKey, DataType as LogType, MetadataValue, StructField};
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::{KernelError, KernelResult};
use larder_core::{Error, Result};

use crate::failure::COPY;

/// The columns of a scan of all columns.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Columns that stand in the files.
    pub(crate) stored: SchemaRef,
    /// How the files call them.
    pub(crate) names: Vec<String>,
    partitions: Vec<StructField>,
    naming: Naming,
}

/// Whether files have names of their own for columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    AsInLog,
    Mapped,
}

impl Naming {
    /// # Errors
    /// `Unsupported` for columns that are known by numbers alone.
    pub(crate) fn of(mode: Option<ColumnMappingMode>, shown: &str) -> Result<Self> {
        match mode {
            None | Some(ColumnMappingMode::None) => Ok(Self::AsInLog),
            Some(ColumnMappingMode::Name) => Ok(Self::Mapped),
            Some(ColumnMappingMode::Id) => Err(unmapped(shown, "by id")),
        }
    }

    /// How files call a column.
    fn name(self, field: &StructField) -> &str {
        match field.get_config_value(&ColumnMetadataKey::ColumnMappingPhysicalName) {
            Some(MetadataValue::String(name)) if self == Self::Mapped => name,
            _ => field.name(),
        }
    }
}

fn unmapped(shown: &str, which: &str) -> Error {
    let what = format!("{shown} is a Delta table with the feature columnMapping {which}");
    Error::unsupported(format!("{what}, which cannot be read")).with_hint(COPY)
}

impl Columns {
    /// The columns in the order of the log.
    pub(crate) fn of(scan: &Scan, naming: Naming) -> KernelResult<Self> {
        let in_files = scan.physical_schema();
        let is_stored = |field: &&StructField| in_files.field(naming.name(field)).is_some();
        let (stored, partitions): (Vec<_>, Vec<_>) =
            scan.logical_schema().fields().partition(is_stored);
        if stored.len() != in_files.fields().len() {
            return Err(KernelError::generic("columns have names that the files do not have"));
        }
        let names = stored.iter().map(|field| naming.name(field).to_owned()).collect();
        let stored = stored.into_iter().map(arrow_field).collect::<KernelResult<Vec<_>>>()?;
        let partitions = partitions.into_iter().cloned().collect();
        Ok(Self { stored: Arc::new(Schema::new(stored)), names, partitions, naming })
    }

    /// Refuses columns within columns whose names would have to be found, too.
    ///
    /// # Errors
    /// `Unsupported`.
    pub(crate) fn check(scan: &Scan, naming: Naming, shown: &str) -> Result<()> {
        let nested = |field: &StructField| has_names(field.data_type());
        if naming == Naming::Mapped && scan.logical_schema().fields().any(nested) {
            return Err(unmapped(shown, "and columns of structs"));
        }
        Ok(())
    }

    /// Columns that stand in the log alone.
    pub(crate) fn partitions(&self) -> KernelResult<Vec<FieldRef>> {
        self.partitions.iter().map(arrow_field).collect()
    }

    /// The values of a file's partition columns, one row each.
    ///
    /// The protocol: an empty text is null in every type.
    pub(crate) fn values(&self, file: &ScanFile) -> KernelResult<Vec<ArrayRef>> {
        let value = |field: &StructField| {
            let text =
                file.partition_values.get(self.naming.name(field)).map_or("", String::as_str);
            let null = || Scalar::Null(field.data_type().clone());
            match field.data_type() {
                LogType::Primitive(kind) if !text.is_empty() => kind.parse_scalar(text),
                _ => Ok(null()),
            }?
            .to_array(1)
        };
        self.partitions.iter().map(value).collect()
    }
}

/// Whether there are names within the type.
fn has_names(data_type: &LogType) -> bool {
    match data_type {
        LogType::Primitive(_) => false,
        LogType::Array(list) => has_names(list.element_type()),
        LogType::Map(map) => has_names(map.key_type()) || has_names(map.value_type()),
        _ => true,
    }
}

/// A field as files have it, without what only the log says of it.
fn arrow_field(field: &StructField) -> KernelResult<FieldRef> {
    let data_type: DataType = field.data_type().try_into_arrow()?;
    Ok(Arc::new(Field::new(field.name(), data_type, true)))
}

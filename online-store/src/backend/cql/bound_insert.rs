//! Parameters of an INSERT.

use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::RowWriter;
use scylla::value::CqlTimestamp;

/// The created timestamp of an INSERT.
#[derive(Debug, Clone, Copy)]
pub(super) enum CreatedParameter {
    /// The statement has no such column.
    Absent,
    /// A time, or null when the row has none.
    Present(Option<CqlTimestamp>),
}

/// The parameters of one feature of one row, in the order of the statement; no copy of name, value or key.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoundInsert<'a> {
    pub(super) feature: &'a str,
    /// Encoded value; empty is null.
    pub(super) value: &'a [u8],
    pub(super) key: &'a str,
    pub(super) event: CqlTimestamp,
    pub(super) created: CreatedParameter,
    /// Seconds to live, if the statement takes them.
    pub(super) ttl: Option<i32>,
    /// Write time in microseconds, if the statement takes it.
    pub(super) timestamp: Option<i64>,
}

impl SerializeRow for BoundInsert<'_> {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let parameters: [Option<&dyn SerializeValue>; 7] = [
            Some(&self.feature),
            Some(&self.value),
            Some(&self.key),
            Some(&self.event),
            match &self.created {
                CreatedParameter::Absent => None,
                CreatedParameter::Present(created) => Some(created),
            },
            self.ttl.as_ref().map(|ttl| ttl as &dyn SerializeValue),
            self.timestamp.as_ref().map(|timestamp| timestamp as &dyn SerializeValue),
        ];
        let parameters = parameters.into_iter().flatten();
        for (parameter, column) in parameters.zip(context.columns()) {
            parameter.serialize(column.typ(), writer.make_cell_writer())?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

//! Columns of an answer as Arrow arrays, built from the stored bytes.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, TimestampMicrosecondArray};
use larder_core::{Compat, FieldStatus, Result};
use larder_proto::convert::{EncodedColumn, decode_column};

use super::read::ViewRows;
use super::{AnswerColumn, OnlineAnswer};

/// Some rows of one column.
#[derive(Debug)]
pub(crate) struct TypedColumn {
    /// Of the declared type; null where there is no value.
    pub(crate) values: ArrayRef,
    /// A status per value.
    pub(crate) statuses: Vec<FieldStatus>,
}

impl OnlineAnswer {
    /// These rows of a column. Stored values that cannot be of the declared type are null with the status INVALID.
    pub(crate) fn typed(
        &self,
        column: usize,
        rows: Range<usize>,
        compat: Compat,
    ) -> Result<TypedColumn> {
        let (value_type, column) = (self.value_type(column), self.column(column));
        let values = column.values(rows.clone());
        if column.is_whole()
            && let Ok(values) = decode_column(value_type, values.clone().map(Some))
        {
            return Ok(TypedColumn { values, statuses: vec![FieldStatus::Present; rows.len()] });
        }
        let mut cells: Vec<Option<&[u8]>> =
            values.map(|value| Some(value).filter(|value| !value.is_empty())).collect();
        let mut statuses: Vec<FieldStatus> = if column.is_whole() {
            vec![FieldStatus::Present; rows.len()]
        } else {
            rows.map(|row| column.status(row, compat)).collect()
        };
        if let Ok(values) = decode_column(value_type, cells.iter().copied()) {
            return Ok(TypedColumn { values, statuses });
        }
        for (cell, status) in cells.iter_mut().zip(&mut statuses) {
            if decode_column(value_type, [*cell]).is_err() {
                (*cell, *status) = (None, FieldStatus::Invalid);
            }
        }
        Ok(TypedColumn { values: decode_column(value_type, cells)?, statuses })
    }

    /// Event times of these rows in a view of the plan, UTC; null where there is no row.
    pub(crate) fn event_times(&self, view: usize, rows: Range<usize>) -> ArrayRef {
        let view = &self.views[view];
        let times = rows.map(|row| view.stored_event_timestamp(row));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    }

    /// About how many bytes a row takes.
    pub(crate) fn row_bytes(&self, row: usize) -> usize {
        (0..self.columns()).map(|column| 2 + self.column(column).value(row).len()).sum()
    }

    /// Bytes of all values that were read and computed for it.
    pub(crate) fn held_bytes(&self) -> usize {
        let stored = self.views.iter().map(ViewRows::bytes).sum::<usize>();
        stored + self.computed.iter().flatten().map(EncodedColumn::bytes).sum::<usize>()
    }

    /// The view of a stored column.
    pub(crate) fn view_of(&self, column: usize) -> Option<usize> {
        match self.column(column) {
            AnswerColumn::Stored { view, .. } => Some(view),
            _ => None,
        }
    }
}

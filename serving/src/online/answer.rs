//! The answer to a request: columns of encoded values with statuses and event timestamps.

use std::sync::Arc;

use larder_core::{Compat, FieldStatus, OutputSource, RowState, Timestamp};
use larder_proto::convert::EncodedColumn;

use super::prepared::SharedPlan;
use super::read::ViewRows;

/// A computed answer; wire formats are written from it without another copy of the values.
#[derive(Debug)]
pub struct OnlineAnswer {
    pub(crate) plan: SharedPlan,
    pub(crate) compat: Compat,
    pub(crate) rows: usize,
    /// Join keys of the request, echoed.
    pub(crate) entities: Vec<(String, EncodedColumn)>,
    pub(crate) views: Vec<ViewRows>,
    /// Per on-demand view, per feature of the view.
    pub(crate) computed: Vec<Vec<EncodedColumn>>,
    pub(crate) include_view_versions: bool,
}

/// One value of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerCell<'a> {
    /// Encoded `feast.types.Value`; empty for null.
    pub value: &'a [u8],
    /// Status.
    pub status: FieldStatus,
    /// Event timestamp; the epoch where there is none.
    pub event_timestamp: Timestamp,
}

impl OnlineAnswer {
    /// Entity rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: echoed join keys first, then features.
    pub fn columns(&self) -> usize {
        self.entities.len() + self.plan.plan.outputs.len()
    }

    /// How many of the columns are echoed join keys.
    pub fn entity_columns(&self) -> usize {
        self.entities.len()
    }

    /// Name of a column.
    pub fn name(&self, column: usize) -> &str {
        match self.entities.get(column) {
            Some((name, _)) => name,
            None => &self.plan.plan.outputs[column - self.entities.len()].name,
        }
    }

    /// Whether a column is computed by an on-demand view.
    pub fn is_computed(&self, column: usize) -> bool {
        column >= self.entities.len()
            && matches!(
                self.plan.plan.outputs[column - self.entities.len()].source,
                OutputSource::Computed { .. }
            )
    }

    /// One value; `column < columns()`, `row < rows()`.
    pub fn cell(&self, column: usize, row: usize) -> AnswerCell<'_> {
        let Some(output) = column.checked_sub(self.entities.len()) else {
            let value = self.entities[column].1.get(row);
            return AnswerCell {
                value,
                status: FieldStatus::Present,
                event_timestamp: Timestamp::EPOCH,
            };
        };
        match self.plan.plan.outputs[output].source {
            OutputSource::Stored { view, feature } => self.stored(view, feature, row),
            OutputSource::Computed { view, feature } => self.computed_cell(view, feature, row),
        }
    }

    fn stored(&self, view: usize, feature: usize, row: usize) -> AnswerCell<'_> {
        let rows = &self.views[view];
        let value = rows.value(row, feature).unwrap_or_default();
        AnswerCell {
            value,
            status: rows.state(row).status(value.is_empty(), self.compat),
            event_timestamp: rows.event_timestamp(row),
        }
    }

    /// Feast 0.67 answers PRESENT and the epoch for every computed value.
    fn computed_cell(&self, view: usize, feature: usize, row: usize) -> AnswerCell<'_> {
        let value = self.computed[view][feature].get(row);
        AnswerCell {
            value,
            status: RowState::Fresh.status(value.is_empty(), self.compat),
            event_timestamp: Timestamp::EPOCH,
        }
    }

    /// Name and version of every view behind the answer, if asked for.
    pub fn view_versions(&self) -> Option<impl Iterator<Item = (&str, i32)>> {
        let plan = Arc::as_ref(&self.plan);
        self.include_view_versions.then(|| {
            plan.plan
                .views
                .iter()
                .map(|view| (view.name.as_str(), view.view.meta.current_version_number))
        })
    }

    /// Whether all views keyed by this request column alone have a row for this entity row.
    pub(crate) fn has_rows(&self, join_key: &str, row: usize) -> bool {
        self.plan
            .plan
            .views
            .iter()
            .zip(&self.views)
            .filter(
                |(view, _)| matches!(view.join_keys.as_slice(), [key] if key.column == join_key),
            )
            .all(|(_, rows)| rows.state(row) != RowState::Missing)
    }

    /// Whether every stored input of this entity row is there, fresh and not null.
    pub(crate) fn is_complete(&self, row: usize) -> bool {
        self.plan.plan.views.iter().zip(&self.views).all(|(view, rows)| {
            (0..view.features.len())
                .all(|feature| rows.value(row, feature).is_some_and(|value| !value.is_empty()))
        })
    }
}

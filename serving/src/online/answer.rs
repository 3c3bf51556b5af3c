//! The answer to a request: columns of encoded values with statuses and event timestamps.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use larder_core::{Compat, FieldStatus, InputSource, OutputSource, RowState, Timestamp, ValueType};
use larder_proto::convert::EncodedColumn;

use super::prepared::SharedPlan;
use super::read::ViewRows;
use crate::gate::Facts;

/// A computed answer; wire formats are written from it without another copy of the values.
#[derive(Debug)]
pub struct OnlineAnswer {
    pub(crate) plan: SharedPlan,
    pub(crate) compat: Compat,
    pub(crate) rows: usize,
    /// Join keys of the request, echoed.
    pub(crate) entities: Vec<EchoedColumn>,
    pub(crate) views: Vec<ViewRows>,
    /// Per on-demand view, per feature of the view.
    pub(crate) computed: Vec<Vec<EncodedColumn>>,
    pub(crate) include_view_versions: bool,
}

/// A join key of the request.
#[derive(Debug)]
pub(crate) struct EchoedColumn {
    pub(crate) name: String,
    pub(crate) value_type: ValueType,
    pub(crate) values: EncodedColumn,
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

/// One column of the answer, for writers that go column by column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerColumn<'a> {
    /// An echoed join key.
    Entity(&'a EncodedColumn),
    /// A feature of `views[view]`.
    Stored { view: usize, rows: &'a ViewRows, feature: usize },
    /// A feature of an on-demand view.
    Computed(&'a EncodedColumn),
    /// A feature of an on-demand view whose inputs did not come in time.
    Unknown,
}

impl<'a> AnswerColumn<'a> {
    /// Whether every row is known to have a value and the status PRESENT.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Stored { rows, feature, .. } if rows.is_whole(feature))
    }

    /// The encoded values of these rows; empty for null.
    pub(crate) fn values(
        self,
        rows: Range<usize>,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let whole = match self {
            Self::Stored { rows, feature, .. } => rows.whole(feature),
            _ => None,
        };
        rows.map(move |row| match &whole {
            Some(column) => column.value(row),
            None => self.value(row),
        })
    }

    /// The encoded value of a row; empty for null.
    pub(crate) fn value(self, row: usize) -> &'a [u8] {
        match self {
            Self::Entity(values) | Self::Computed(values) => values.get(row),
            Self::Stored { rows, feature, .. } => rows.value(row, feature).unwrap_or_default(),
            Self::Unknown => &[],
        }
    }

    /// The status of a row.
    pub(crate) fn status(self, row: usize, compat: Compat) -> FieldStatus {
        match self {
            Self::Entity(_) => FieldStatus::Present,
            // Feast 0.67 answers PRESENT for every computed value.
            Self::Computed(values) => RowState::Fresh.status(values.get(row).is_empty(), compat),
            Self::Unknown => FieldStatus::Invalid,
            Self::Stored { rows, feature, .. }
                if rows.is_late() || rows.is_damaged(row, feature) =>
            {
                FieldStatus::Invalid
            }
            Self::Stored { rows, feature, .. } => {
                rows.state(row).status(rows.value(row, feature).is_none(), compat)
            }
        }
    }

    /// The event timestamp of a row. Feast 0.67: the epoch for join keys and computed values.
    pub(crate) fn event_timestamp(self, row: usize) -> Timestamp {
        match self {
            Self::Entity(_) | Self::Computed(_) | Self::Unknown => Timestamp::EPOCH,
            Self::Stored { rows, .. } => rows.event_timestamp(row),
        }
    }
}

/// Event timestamps in the form of an answer, which all features of a view share: written once, then copied.
pub(crate) struct EventTimestamps<'a> {
    answer: &'a OnlineAnswer,
    write: WriteTimes,
    views: Vec<OnceCell<Vec<u8>>>,
    epoch: OnceCell<Vec<u8>>,
}

type WriteTimes = fn(&mut dyn ExactSizeIterator<Item = Timestamp>) -> Vec<u8>;

impl<'a> EventTimestamps<'a> {
    /// The timestamps of an answer, of which `write` writes one per row.
    pub(crate) fn new(answer: &'a OnlineAnswer, write: WriteTimes) -> Self {
        let views = answer.views.iter().map(|_| OnceCell::new()).collect();
        Self { answer, write, views, epoch: OnceCell::new() }
    }

    /// What was written for the rows of a column.
    pub(crate) fn of(&self, column: AnswerColumn<'_>) -> &[u8] {
        let written = match column {
            AnswerColumn::Stored { view, .. } => &self.views[view],
            AnswerColumn::Entity(_) | AnswerColumn::Computed(_) | AnswerColumn::Unknown => {
                &self.epoch
            }
        };
        written.get_or_init(|| {
            (self.write)(&mut (0..self.answer.rows()).map(|row| column.event_timestamp(row)))
        })
    }
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
            Some(echoed) => &echoed.name,
            None => &self.plan.plan.outputs[column - self.entities.len()].name,
        }
    }

    /// Declared type of a column.
    pub(crate) fn value_type(&self, column: usize) -> ValueType {
        match self.entities.get(column) {
            Some(echoed) => echoed.value_type,
            None => self.plan.plan.outputs[column - self.entities.len()].value_type,
        }
    }

    /// Names of the views that did not answer in time.
    pub(crate) fn late_views(&self) -> impl Iterator<Item = &str> {
        let views = self.plan.plan.views.iter().zip(&self.views);
        views.filter(|(_, rows)| rows.is_late()).map(|(view, _)| view.name.as_str())
    }

    /// Whether a view that an on-demand view reads did not answer in time.
    fn lacks_inputs(&self, on_demand: usize) -> bool {
        self.plan.transforms[on_demand].inputs().iter().any(|input| {
            matches!(input.source, InputSource::Feature { view, .. } if self.views[view].is_late())
        })
    }

    /// Whether a column is computed by an on-demand view.
    pub fn is_computed(&self, column: usize) -> bool {
        column >= self.entities.len()
            && matches!(
                self.plan.plan.outputs[column - self.entities.len()].source,
                OutputSource::Computed { .. }
            )
    }

    /// What is counted about this answer.
    pub(crate) fn facts(&self) -> Facts {
        let plan = &self.plan.plan;
        let features = Some((plan.outputs.len(), plan.views.len() + plan.on_demand.len()));
        Facts { rows: self.rows, features, kind: None }
    }

    /// One column; `column < columns()`.
    pub(crate) fn column(&self, column: usize) -> AnswerColumn<'_> {
        let Some(output) = column.checked_sub(self.entities.len()) else {
            return AnswerColumn::Entity(&self.entities[column].values);
        };
        match self.plan.plan.outputs[output].source {
            OutputSource::Stored { view, feature } => {
                AnswerColumn::Stored { view, rows: &self.views[view], feature }
            }
            OutputSource::Computed { view, .. } if self.lacks_inputs(view) => AnswerColumn::Unknown,
            OutputSource::Computed { view, feature } => {
                AnswerColumn::Computed(&self.computed[view][feature])
            }
        }
    }

    /// How statuses are answered.
    pub(crate) fn compat(&self) -> Compat {
        self.compat
    }

    /// One value; `column < columns()`, `row < rows()`.
    pub fn cell(&self, column: usize, row: usize) -> AnswerCell<'_> {
        let column = self.column(column);
        AnswerCell {
            value: column.value(row),
            status: column.status(row, self.compat),
            event_timestamp: column.event_timestamp(row),
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
            .all(|(_, rows)| rows.is_late() || rows.state(row) != RowState::Missing)
    }

    /// Whether every stored input of this entity row is there, fresh and not null.
    pub(crate) fn is_complete(&self, row: usize) -> bool {
        self.plan.plan.views.iter().zip(&self.views).all(|(view, rows)| {
            (0..view.features.len())
                .all(|feature| rows.value(row, feature).is_some_and(|value| !value.is_empty()))
        })
    }
}

//! What one answer tells about its views.

use larder_core::{FieldStatus, OutputSource, Timestamp};

use super::Metrics;
use crate::online::OnlineAnswer;

/// Values per status, indexed by the status' number.
#[derive(Debug, Clone, Copy, Default)]
struct Tally([u64; 5]);

impl Tally {
    fn add(&mut self, status: FieldStatus, count: usize) {
        self.0[status as usize] += count as u64;
    }

    fn of(&self, status: FieldStatus) -> u64 {
        self.0[status as usize]
    }
}

const COUNTED: [FieldStatus; 5] = [
    FieldStatus::Invalid,
    FieldStatus::Present,
    FieldStatus::NullValue,
    FieldStatus::NotFound,
    FieldStatus::OutsideMaxAge,
];

impl Metrics {
    /// Counts a request for online features that could be planned.
    pub(crate) fn asked(&self, rows: usize) {
        self.feast_online_requests.inc();
        self.feast_entity_rows.observe(rows as f64);
    }

    /// Counts the statuses of an answer and looks at the age of its rows.
    pub(crate) fn answered(&self, answer: &OnlineAnswer, now: Timestamp) {
        let plan = &answer.plan.plan;
        let mut stored = vec![Tally::default(); plan.views.len()];
        let mut computed = vec![Tally::default(); plan.on_demand.len()];
        for (index, output) in plan.outputs.iter().enumerate() {
            let tally = match output.source {
                OutputSource::Stored { view, .. } => &mut stored[view],
                OutputSource::Computed { view, .. } => &mut computed[view],
            };
            let column = answer.column(answer.entity_columns() + index);
            if column.is_whole() {
                tally.add(FieldStatus::Present, answer.rows());
                continue;
            }
            for row in 0..answer.rows() {
                tally.add(column.status(row, answer.compat()), 1);
            }
        }
        for (index, (view, tally)) in plan.views.iter().zip(&stored).enumerate() {
            let name = view.view.name.as_str();
            self.count(name, tally);
            self.count_as_feast(name, tally);
            if let Some(oldest) = oldest(answer, index) {
                let age = now.micros().saturating_sub(oldest.micros()).max(0);
                self.row_age.with_label_values(&[name]).observe(age as f64 / 1e6);
            }
        }
        for (view, tally) in plan.on_demand.iter().zip(&computed) {
            self.count(&view.view.name, tally);
        }
    }

    fn count(&self, view: &str, tally: &Tally) {
        for status in COUNTED {
            if tally.of(status) > 0 {
                self.values.with_label_values(&[view, status.name()]).inc_by(tally.of(status));
            }
        }
    }

    /// Feast 0.67 knows rows that were found and rows that were not.
    fn count_as_feast(&self, view: &str, tally: &Tally) {
        let missing = tally.of(FieldStatus::NotFound);
        let present = tally.0.iter().sum::<u64>() - missing;
        for (status, count) in [("present", present), ("not_found", missing)] {
            if count > 0 {
                self.feast_statuses.with_label_values(&[view, status]).inc_by(count);
            }
        }
    }
}

/// The oldest event time among the rows of a view that were found.
fn oldest(answer: &OnlineAnswer, view: usize) -> Option<Timestamp> {
    let rows = &answer.views[view];
    (0..answer.rows())
        .filter(|&row| rows.state(row) != larder_core::RowState::Missing)
        .map(|row| rows.event_timestamp(row))
        .min()
}

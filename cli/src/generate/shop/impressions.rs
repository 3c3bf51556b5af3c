//! Impressions: which product was shown to whom and whether it was clicked; the rows to train on.

use std::path::Path;

use larder_core::{Result, Timestamp};

use super::{Calendar, DEVICES, Scale, product_key, user_key};
use crate::generate::columns::Columns;
use crate::generate::random::Draws;

/// One product shown to one user.
#[derive(Debug)]
pub(super) struct Row {
    user: String,
    product: String,
    device: &'static str,
    clicked: bool,
    event: Timestamp,
}

/// Impressions spread over the second half of the history.
pub(super) fn rows(draws: &mut Draws, scale: Scale, calendar: Calendar) -> Vec<Row> {
    let first = calendar.days / 2;
    (0..scale.impressions)
        .map(|_| Row {
            user: user_key(draws.below(scale.users)),
            product: product_key(draws.below(scale.products)),
            device: DEVICES[draws.weighted(&[0.6, 0.3, 0.1])],
            clicked: draws.chance(0.12),
            event: calendar.at(first + draws.below(calendar.days - first), draws.unit()),
        })
        .collect()
}

/// Writes the rows; see [`super::generate`].
pub(super) fn write(rows: &[Row], path: &Path) -> Result<usize> {
    Columns::default()
        .text("user_id", rows.iter().map(|row| &row.user))
        .text("product_id", rows.iter().map(|row| &row.product))
        .text("session_device", rows.iter().map(|row| row.device))
        .boolean("clicked", rows.iter().map(|row| row.clicked))
        .time("event_timestamp", rows.iter().map(|row| row.event))
        .write(path)
}

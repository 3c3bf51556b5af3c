//! Products: price with promotions, popularity as a slow random walk.

use std::path::Path;

use larder_core::{Result, Timestamp};

use super::{CATEGORIES, Calendar, cents, product_key, written_after};
use crate::generate::columns::Columns;
use crate::generate::random::Draws;

/// State of one product at the end of one day.
#[derive(Debug)]
pub(super) struct Row {
    product: String,
    category: &'static str,
    price: f64,
    popularity: f64,
    event: Timestamp,
    created: Timestamp,
}

/// Share of the catalogue and median price in euro, by category.
const MIX: [(f64, f64); CATEGORIES.len()] =
    [(0.25, 180.0), (0.30, 45.0), (0.20, 18.0), (0.15, 60.0), (0.10, 70.0)];

/// One row per product and day.
pub(super) fn rows(draws: &mut Draws, products: usize, calendar: Calendar) -> Vec<Row> {
    (0..products).flat_map(|index| product_days(draws, index, calendar)).collect()
}

fn product_days(draws: &mut Draws, index: usize, calendar: Calendar) -> Vec<Row> {
    let category = draws.weighted(&MIX.map(|(share, _)| share));
    let list_price = draws.log_normal(MIX[category].1, 0.6);
    // A few articles make most of the sales.
    let mut popularity = 1.0 / (1.0 + draws.between(0.0, 25.0));
    let mut promotion_days = 0_u32;
    (0..calendar.days)
        .map(|day| {
            popularity = (popularity * (0.04 * draws.normal()).exp()).clamp(0.001, 1.0);
            promotion_days = match promotion_days {
                0 if draws.chance(0.03) => 5,
                days => days.saturating_sub(1),
            };
            let price = if promotion_days > 0 { 0.8 * list_price } else { list_price };
            let event = calendar.at(day, 0.999);
            Row {
                product: product_key(index),
                category: CATEGORIES[category],
                price: cents(price),
                popularity: (popularity * 1e4).round() / 1e4,
                event,
                created: written_after(draws, event),
            }
        })
        .collect()
}

/// Writes the rows; see [`super::generate`].
pub(super) fn write(rows: &[Row], path: &Path) -> Result<usize> {
    Columns::default()
        .text("product_id", rows.iter().map(|row| &row.product))
        .text("category", rows.iter().map(|row| row.category))
        .float("price", rows.iter().map(|row| Some(row.price)))
        .float("popularity_score", rows.iter().map(|row| Some(row.popularity)))
        .time("event_timestamp", rows.iter().map(|row| row.event))
        .time("created", rows.iter().map(|row| row.created))
        .write(path)
}

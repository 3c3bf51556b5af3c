//! Hourly statistics of a few drivers: the input of the repository that `fs init` makes.

use std::path::Path;
use std::time::Duration;

use larder_core::{Result, Timestamp};

use super::columns::Columns;
use super::random::Draws;

const DRIVERS: [i64; 5] = [1001, 1002, 1003, 1004, 1005];
const HOURS: u32 = 15 * 24;

struct Row {
    driver: i64,
    conv_rate: f64,
    acc_rate: f64,
    trips: i64,
    event: Timestamp,
    created: Timestamp,
}

/// Writes 15 days of hourly rows that end at `end`, and returns their number.
///
/// # Errors
/// `Unavailable` when the file cannot be written.
pub(crate) fn generate(path: &Path, seed: u64, end: Timestamp) -> Result<usize> {
    let mut draws = Draws::new(seed);
    let rows: Vec<Row> =
        DRIVERS.iter().flat_map(|&driver| driver_hours(&mut draws, driver, end)).collect();
    Columns::default()
        .time("event_timestamp", rows.iter().map(|row| row.event))
        .integer("driver_id", rows.iter().map(|row| row.driver))
        .single("conv_rate", rows.iter().map(|row| row.conv_rate))
        .single("acc_rate", rows.iter().map(|row| row.acc_rate))
        .integer("avg_daily_trips", rows.iter().map(|row| row.trips))
        .time("created", rows.iter().map(|row| row.created))
        .write(path)
}

fn driver_hours(draws: &mut Draws, driver: i64, end: Timestamp) -> Vec<Row> {
    let (skill, pace) = (draws.between(0.3, 0.8), draws.between(5.0, 30.0));
    (0..HOURS)
        .map(|hour| {
            let event = end.minus(Duration::from_hours(u64::from(HOURS - hour)));
            Row {
                driver,
                conv_rate: (skill + 0.1 * draws.normal()).clamp(0.0, 1.0),
                acc_rate: (0.9 * skill + 0.1 * draws.normal()).clamp(0.0, 1.0),
                trips: i64::from(draws.poisson(pace)),
                event,
                created: event.plus(Duration::from_mins(5)),
            }
        })
        .collect()
}

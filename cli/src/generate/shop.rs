//! Generated history of a small shop: the input of `feature_repo`.
//!
//! Users visit in sessions and buy now and then; behaviour rows are daily roll-ups of those sessions,
//! product rows daily snapshots of price and popularity. The same seed and end give the same files.

mod behavior;
mod catalogue;
mod impressions;

use std::path::Path;

use larder_core::{Result, Timestamp};

use super::random::Draws;

/// How much history to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Number of users, `u0001` upwards.
    pub(crate) users: usize,
    /// Number of products, `p0001` upwards.
    pub(crate) products: usize,
    /// Days of history up to the end.
    pub(crate) days: usize,
    /// Rows of the training entity frame.
    pub(crate) impressions: usize,
}

impl Default for Scale {
    fn default() -> Self {
        Self { users: 600, products: 200, days: 75, impressions: 1_000 }
    }
}

/// Rows written per file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows of `user_behavior.parquet`.
    pub(crate) behavior: usize,
    /// Rows of `sessions.parquet`.
    pub(crate) sessions: usize,
    /// Rows of `products.parquet`.
    pub(crate) products: usize,
    /// Rows of `impressions.parquet`.
    pub(crate) impressions: usize,
}

const CATEGORIES: [&str; 5] = ["electronics", "fashion", "books", "home", "sports"];
const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];
const DAY_MICROS: i64 = 86_400_000_000;

/// Writes `user_behavior.parquet`, `sessions.parquet`, `products.parquet` and `impressions.parquet` into `folder`.
///
/// The last day ends at `end`, which should be midnight.
///
/// # Errors
/// `Unavailable` when a file cannot be written.
pub(crate) fn generate(folder: &Path, scale: Scale, seed: u64, end: Timestamp) -> Result<Written> {
    let mut draws = Draws::new(seed);
    let calendar = Calendar { end, days: scale.days };
    let products = catalogue::rows(&mut draws, scale.products, calendar);
    let behavior = behavior::rows(&mut draws, scale.users, calendar);
    let impressions = impressions::rows(&mut draws, scale, calendar);
    Ok(Written {
        behavior: behavior::write(&behavior, &folder.join("user_behavior.parquet"))?,
        sessions: behavior::write_sessions(&behavior, &folder.join("sessions.parquet"))?,
        products: catalogue::write(&products, &folder.join("products.parquet"))?,
        impressions: impressions::write(&impressions, &folder.join("impressions.parquet"))?,
    })
}

/// The days of the history.
#[derive(Debug, Clone, Copy)]
struct Calendar {
    end: Timestamp,
    days: usize,
}

impl Calendar {
    /// An instant on a day (0 is the first), at this share of the day.
    #[expect(clippy::cast_possible_truncation, reason = "a share of a day in microseconds fits")]
    fn at(self, day: usize, share: f64) -> Timestamp {
        let days_before_end = i64::try_from(self.days - day).expect("a few hundred days at most");
        let within = (share * DAY_MICROS as f64) as i64;
        Timestamp::from_micros(self.end.micros() - days_before_end * DAY_MICROS + within)
    }
}

/// When a daily job wrote the row for a day's end: up to 40 minutes after the event timestamp.
fn written_after(draws: &mut Draws, event: Timestamp) -> Timestamp {
    event.plus(std::time::Duration::from_secs_f64(draws.between(600.0, 2_400.0)))
}

fn user_key(index: usize) -> String {
    format!("u{:04}", index + 1)
}

fn product_key(index: usize) -> String {
    format!("p{:04}", index + 1)
}

fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Scale = Scale { users: 20, products: 10, days: 40, impressions: 50 };

    fn files(seed: u64) -> (Written, Vec<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let end = Timestamp::from_seconds(1_700_006_400);
        let written = generate(folder.path(), SMALL, seed, end).unwrap();
        let bytes = ["user_behavior", "sessions", "products", "impressions"]
            .map(|name| std::fs::read(folder.path().join(format!("{name}.parquet"))).unwrap());
        (written, bytes.to_vec())
    }

    #[test]
    fn the_same_seed_gives_the_same_files() {
        assert_eq!(files(5), files(5));
        assert_ne!(files(5).1, files(6).1);
    }

    #[test]
    fn every_product_has_a_row_per_day() {
        let (written, _) = files(5);
        assert_eq!(written.products, SMALL.products * SMALL.days);
        assert_eq!(written.impressions, SMALL.impressions);
        assert!(written.behavior > SMALL.users, "{written:?}");
    }
}

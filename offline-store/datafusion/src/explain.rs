//! What a retrieval would read and hold, for people.

use std::fmt::Write as _;
use std::num::NonZero;
use std::sync::Arc;

use arrow_array::temporal_conversions::timestamp_ns_to_datetime;
use arrow_schema::{Schema, TimeUnit};
use larder_core::{Error, Result};
use larder_offline_store::floor_ticks;

use crate::entity::{EntityTable, Extent};
use crate::pit::{Cut, ViewJoin, held, held_by_one, held_per_row};
use crate::scan::Share;

/// A retrieval that was prepared and is not run.
pub(crate) struct Explanation<'a> {
    pub(crate) entities: &'a EntityTable,
    pub(crate) joins: &'a [Arc<ViewJoin>],
    /// Per join where its files are.
    pub(crate) sources: &'a [String],
    pub(crate) limit: usize,
}

impl Explanation<'_> {
    /// One line per fact, indented below what it is about.
    pub(crate) fn text(&self) -> Result<String> {
        let mut text = String::new();
        self.write(&mut text)
            .map_err(|error| Error::internal("no text").with_source(error))
            .map(|()| text)
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Extent { rows, bytes, instants } = self.entities.extent;
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        let needed = bytes.saturating_add(held(self.joins, workers, rows));
        writeln!(text, "point-in-time join of {rows} entity rows with {} views", self.joins.len())?;
        if let Some((first, last)) = instants {
            writeln!(text, "  event times: {} to {}", shown(first), shown(last))?;
        }
        let (needed_shown, limit) = (size(needed as u64), size(self.limit as u64));
        writeln!(text, "  memory: about {needed_shown} of {limit}, {workers} workers")?;
        if needed > self.limit {
            let by_one = bytes.saturating_add(held_by_one(self.joins, workers, rows));
            if by_one <= self.limit {
                let by_one = size(by_one as u64);
                writeln!(text, "  one view after the other, about {by_one}; answers go to disk")?;
            } else {
                let per_row = held_per_row(self.joins, workers);
                let Cut { partitions, .. } = Cut::new(rows, per_row, self.limit);
                writeln!(text, "  both sides go to disk in {partitions} partitions by key")?;
            }
        }
        let views = self.joins.iter().zip(self.sources);
        views.into_iter().try_for_each(|(join, source)| view(text, join, source))
    }
}

fn view(text: &mut String, join: &ViewJoin, source: &str) -> std::fmt::Result {
    let pruning = &join.scan.pruning;
    writeln!(text, "feature view \"{}\"", join.name)?;
    writeln!(text, "  {source}")?;
    match join.ttl {
        Some(ttl) => writeln!(text, "  ttl: {ttl:?}")?,
        None => writeln!(text, "  ttl: none")?,
    }
    for (what, share) in
        [("files", pruning.files), ("row groups", pruning.row_groups), ("rows", pruning.rows)]
    {
        writeln!(text, "  {what}: {} of {} read, {} pruned", share.kept, share.of, pruned(share))?;
    }
    let (deciding, features) = (names(&join.scan.deciding), names(&join.scan.features));
    let first = pruning.deciding_bytes;
    writeln!(text, "  first pass: {} of {} ({deciding})", size(first.kept), size(first.of))?;
    let second = size(pruning.feature_bytes.kept);
    writeln!(text, "  second pass: at most {second}, where rows won ({features})")
}

fn pruned(share: Share) -> u64 {
    share.of - share.kept
}

fn names(schema: &Schema) -> String {
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names.join(", ")
}

fn shown(nanos: i128) -> String {
    let time = timestamp_ns_to_datetime(floor_ticks(nanos, TimeUnit::Nanosecond));
    time.map_or_else(
        || nanos.to_string(),
        |time| format!("{}Z", time.format("%Y-%m-%dT%H:%M:%S%.f")),
    )
}

/// Bytes in the unit that leaves three digits before the point at most.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_at_most_three_digits_before_the_point() {
        let shown = [1023, 1024, 1_572_864, 4 << 30].map(size);
        assert_eq!(shown, ["1023 B", "1.0 KiB", "1.5 MiB", "4.0 GiB"]);
    }
}

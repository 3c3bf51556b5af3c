//! When the online store had a row.

use larder_core::Interval;

/// Materializations of a view, as instants in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// First and last instant of each, in the order of the last.
    runs: Vec<(i64, i64)>,
}

impl Served {
    /// The recorded intervals; each run is taken to have happened at its end. Reversed intervals copied nothing.
    pub fn new(materialized: &[Interval]) -> Self {
        let runs = materialized.iter().map(|run| (run.start.micros(), run.end.micros()));
        let mut runs: Vec<_> = runs.filter(|(start, end)| start <= end).collect();
        runs.sort_unstable_by_key(|(start, end)| (*end, *start));
        Self { runs }
    }

    /// The instant from which a row was served, `None` for never.
    ///
    /// Times are microseconds, `event` rounded both ways when it is finer: `(down, up)`. A row without a created time is
    /// taken to be as old as its event.
    pub fn since(&self, event: (i64, i64), created: Option<i64>) -> Option<i64> {
        let known = event.1.max(created.unwrap_or(i64::MIN));
        let first = self.runs.partition_point(|(_, end)| *end < known);
        let run = self.runs[first..].iter().find(|(start, _)| *start <= event.0);
        run.map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use larder_core::Timestamp;

    use super::*;

    fn served(runs: &[(i64, i64)]) -> Served {
        let at = Timestamp::from_micros;
        let intervals =
            runs.iter().map(|&(start, end)| Interval { start: at(start), end: at(end) });
        Served::new(&intervals.collect::<Vec<_>>())
    }

    #[test]
    fn a_row_is_served_from_the_end_of_the_first_run_that_saw_it() {
        let served = served(&[(20, 30), (0, 10), (5, 20), (40, 35)]);
        for (event, created, since) in [
            (0, None, Some(10)),
            (10, None, Some(10)),
            (7, Some(11), Some(20)),
            (7, Some(21), None),
            (20, Some(21), Some(30)),
            (31, None, None),
            (36, None, None),
            (-1, None, None),
        ] {
            assert_eq!(served.since((event, event), created), since, "{event} {created:?}");
        }
    }
}

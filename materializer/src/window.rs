//! Which range of event times a run reads.

use std::time::Duration;

use larder_core::{Catalog, Error, FeatureView, Interval, OnDemandFeatureView, Result, Timestamp};

/// How far back an incremental run of a view without ttl looks the first time (Feast 0.67: 52 weeks).
const WITHOUT_TTL: Duration = Duration::from_hours(52 * 7 * 24);

/// The closed interval of a run over an explicit range.
///
/// # Errors
/// `Invalid` when `start` lies after `end`.
pub fn full(start: Timestamp, end: Timestamp) -> Result<Interval> {
    if start > end {
        return Err(Error::invalid("the start of the materialization lies after its end")
            .with_hint("give START, then END"));
    }
    Ok(Interval { start, end })
}

/// The closed interval of an incremental run of one view.
///
/// It starts at the view's latest end, else at `now` less the view's ttl, else at `now` less 52 weeks.
/// Feast 0.67 counts the ttl from now, not from `end`. An `end` before the watermark gives a reversed
/// interval, which reads nothing and is recorded as it is (mat09).
///
/// An on-demand view has no watermark: it starts at `end` less the longest ttl of its sources, else `end` less 52 weeks.
pub fn incremental(
    catalog: &Catalog,
    view: &FeatureView,
    end: Timestamp,
    now: Timestamp,
) -> Interval {
    match catalog.on_demand_feature_views().get(&view.name) {
        Some(computed) => Interval { start: end.minus(longest_ttl(catalog, computed)), end },
        None => since_watermark(view, end, now),
    }
}

fn longest_ttl(catalog: &Catalog, view: &OnDemandFeatureView) -> Duration {
    let sources = view.projections().filter_map(|source| catalog.feature_view(&source.view).ok());
    sources.filter_map(|source| source.effective_ttl()).max().unwrap_or(WITHOUT_TTL)
}

fn since_watermark(view: &FeatureView, end: Timestamp, now: Timestamp) -> Interval {
    let start = view
        .meta
        .most_recent_end_time()
        .unwrap_or_else(|| now.minus(view.effective_ttl().unwrap_or(WITHOUT_TTL)));
    Interval { start, end }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_incremental_run_starts_at_the_watermark_else_at_the_ttl_else_a_year_ago() {
        let now = at(1_000_000_000);
        let end = at(999_999_999);
        let mut view = FeatureView::new("stats");
        let start = |view: &FeatureView| since_watermark(view, end, now).start;
        assert_eq!(start(&view), now.minus(Duration::from_hours(364 * 24)));
        view.ttl = Some(Duration::ZERO);
        assert_eq!(start(&view), now.minus(Duration::from_hours(364 * 24)));
        view.ttl = Some(Duration::from_hours(24));
        assert_eq!(start(&view), now.minus(Duration::from_hours(24)));
        for (start, end) in [(5, 9), (7, 20), (20, 3)] {
            view.meta.materialization_intervals.push(Interval { start: at(start), end: at(end) });
        }
        assert_eq!(start(&view), at(20));
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_refused() {
        assert_eq!(full(at(2), at(1)).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(full(at(1), at(1)).unwrap(), Interval { start: at(1), end: at(1) });
    }
}

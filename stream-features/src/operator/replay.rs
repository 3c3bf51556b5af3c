//! How tests run an operator: events in any order with a watermark that follows, and what is left at the end.

use std::collections::BTreeMap;

use larder_core::Value;
use proptest::prelude::*;

use super::{Change, Event, Operator};
use crate::scalar::Scalar;
use crate::watermark::Watermark;

/// An event of a test: time, key and one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) time: i64,
    pub(super) key: u8,
    pub(super) number: f64,
}

/// Results by key and result, as the last version of each left them.
pub(super) type Results = BTreeMap<(u8, i64), (i64, Vec<Value>)>;

/// Runs the events in this order, `batch` at a time. Returns the results and how many events were too late.
pub(super) fn run(
    operator: &mut dyn Operator,
    events: &[Sample],
    delay: i64,
    batch: usize,
    inputs: impl Fn(&Sample) -> Vec<Scalar<'static>>,
) -> (Results, usize) {
    let mut watermark = Watermark::new(delay, i64::MAX, 1, 0);
    let (mut results, mut late) = (Results::new(), 0);
    for events in events.chunks(batch.max(1)) {
        for event in events {
            let inputs = inputs(event);
            let key = [event.key];
            if operator.add(Event { time: event.time, key: &key, inputs: &inputs }).is_err() {
                late += 1;
            }
        }
        let latest = events.iter().map(|event| event.time).max().unwrap_or(0);
        watermark.heard(0, latest, 0);
        advance(operator, watermark.advance(0), &mut results);
    }
    watermark.ended(0);
    advance(operator, watermark.advance(0), &mut results);
    assert_eq!(operator.keys(), 0, "nothing is kept after the end");
    (results, late)
}

fn advance(operator: &mut dyn Operator, watermark: i64, results: &mut Results) {
    let mut rows = Vec::new();
    operator.advance(watermark, &mut rows);
    for row in rows {
        let at = (row.key[0], row.result);
        match row.change {
            Change::Insert | Change::Replace => {
                results.insert(at, (row.time, row.values));
            }
            Change::Withdraw => {
                assert!(results.remove(&at).is_some(), "only what was told is withdrawn");
            }
        }
    }
}

/// Events in order, and the same ones out of order by at most `disorder`.
pub(super) fn disordered(
    times: std::ops::Range<i64>,
    disorder: i64,
) -> impl Strategy<Value = (Vec<Sample>, Vec<Sample>)> {
    let sample = (times, 0_u8..3, -1e3_f64..1e3).prop_map(|(time, key, number)| Sample {
        time,
        key,
        number,
    });
    let moved = (sample, 0..=disorder);
    prop::collection::vec(moved, 1..80).prop_map(|mut moved| {
        moved.sort_by_key(|(event, late)| event.time + late);
        let arrived: Vec<Sample> = moved.iter().map(|(event, _)| *event).collect();
        let mut sorted = arrived.clone();
        sorted.sort_by_key(|event| event.time);
        (sorted, arrived)
    })
}

//! How tests run an operator: events in any order with a watermark that follows, and what is left at the end.

use std::collections::BTreeMap;

use larder_core::Value;
use proptest::prelude::*;

use super::{Change, Event, Operator, OutputRow};
use crate::aggregate::bytes::Reader;
use crate::checkpoint::Scope;
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
    let mut watermark = Watermark::new(delay, i64::MAX, &[0], 0);
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
    advance(operator, i64::MAX, &mut results);
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

/// What happens between two events of a run that is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// A checkpoint, of all of the state or of what changed.
    Saved(Scope),
    /// A checkpoint of what changed, from which another operator goes on.
    Restored,
}

/// Cuts before some of the first events.
pub(super) fn cuts() -> impl Strategy<Value = BTreeMap<usize, Cut>> {
    let cut = prop_oneof![
        Just(Cut::Saved(Scope::Full)),
        Just(Cut::Saved(Scope::Delta)),
        Just(Cut::Restored),
    ];
    prop::collection::btree_map(0_usize..80, cut, 0..20)
}

/// Every row in the order told, of a run that is cut there. Too late events have no rows.
pub(super) fn told(
    mut operator: Box<dyn Operator>,
    events: &[Sample],
    (delay, batch): (i64, usize),
    inputs: impl Fn(&Sample) -> Vec<Scalar<'static>>,
    cuts: &BTreeMap<usize, Cut>,
) -> Vec<OutputRow> {
    let (mut rows, mut files, mut latest) = (Vec::new(), Vec::new(), i64::MIN);
    for (at, event) in events.iter().enumerate() {
        if let Some(cut) = cuts.get(&at) {
            operator = interrupt(operator, *cut, &mut files);
        }
        let inputs = inputs(event);
        operator.add(Event { time: event.time, key: &[event.key], inputs: &inputs }).ok();
        latest = latest.max(event.time);
        if (at + 1) % batch == 0 {
            operator.advance(latest - delay, &mut rows);
        }
    }
    operator.advance(i64::MAX, &mut rows);
    assert_eq!(operator.keys(), 0, "nothing is kept after the end");
    rows
}

/// Saves, and restores where the cut says so. Bytes that are cut short are refused.
fn interrupt(
    mut operator: Box<dyn Operator>,
    cut: Cut,
    files: &mut Vec<Vec<u8>>,
) -> Box<dyn Operator> {
    let scope = match cut {
        _ if files.is_empty() => Scope::Full,
        Cut::Saved(scope) => scope,
        Cut::Restored => Scope::Delta,
    };
    if scope == Scope::Full {
        files.clear();
    }
    let mut bytes = Vec::new();
    operator.save(scope, &mut bytes);
    let short = operator.fresh().load(&mut Reader::new(&bytes[..bytes.len() - 1]));
    assert_eq!(short.unwrap_err().kind(), larder_core::ErrorKind::Data);
    files.push(bytes);
    if cut != Cut::Restored {
        return operator;
    }
    let mut restored = operator.fresh();
    for bytes in files.iter() {
        let mut reader = Reader::new(bytes);
        restored.load(&mut reader).unwrap();
        reader.finish().unwrap();
    }
    restored.settle();
    assert_eq!(restored.keys(), operator.keys());
    restored
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

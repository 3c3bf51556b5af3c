//! Rules against an evaluator that looks at the whole past of every event.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::operator::replay::{Sample, cuts, disordered, told};

const TTL: i64 = 40;

fn plan() -> RulePlan {
    let rule = |condition, reason: &str| Rule {
        condition,
        reason: reason.to_owned(),
        severity: "HIGH".to_owned(),
        alert_type: "ANOMALY_DETECTION".to_owned(),
    };
    RulePlan {
        rules: vec![
            rule(Condition::SoonAfter { less_than: 2 }, "fast"),
            rule(Condition::AboveMean { times: 2.0, least: 2 }, "large"),
            rule(Condition::Unseen { within: 5 }, "unseen"),
        ],
        ttl: TTL,
    }
}

/// One of four values, so that some are seen again.
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn place(event: &Sample) -> i64 {
    (event.number.abs() as i64) % 4
}

fn inputs(event: &Sample) -> Vec<Scalar<'static>> {
    vec![
        Scalar::Bool(true),
        Scalar::Double(event.number),
        Scalar::Int(place(event)),
        Scalar::Double(event.number),
    ]
}

/// Alerts as time, key and reason, in the order told.
fn alerts(events: &[Sample], delay: i64, batch: usize) -> Vec<(i64, u8, String)> {
    let mut operator = RuleOperator::new(plan());
    let (mut rows, mut latest) = (Vec::new(), i64::MIN);
    for events in events.chunks(batch) {
        for event in events {
            let inputs = inputs(event);
            let event = Event { time: event.time, key: &[event.key], inputs: &inputs };
            operator.add(event).unwrap();
            latest = latest.max(event.time);
        }
        operator.advance(latest - delay, &mut rows);
    }
    operator.advance(i64::MAX, &mut rows);
    assert_eq!(operator.keys(), 0, "nothing is kept after the end");
    let reason = |row: &OutputRow| match &row.values[3] {
        Value::String(reason) => reason.clone(),
        other => panic!("{other:?} is no reason"),
    };
    rows.iter().map(|row| (row.time, row.key[0], reason(row))).collect()
}

/// The same from the definition; events of one time are told apart by nothing, so tests give every event its own.
fn naive(sorted: &[Sample]) -> Vec<(i64, u8, String)> {
    let mut told = Vec::new();
    let mut past: BTreeMap<u8, Vec<Sample>> = BTreeMap::new();
    for event in sorted {
        let past = past.entry(event.key).or_default();
        if past.last().is_some_and(|last| event.time - last.time >= TTL) {
            past.clear();
        }
        let since = past.last().map(|last| event.time - last.time);
        let mean = past.iter().map(|e| e.number).sum::<f64>() / past.len() as f64;
        let speaks = [
            ("fast", since.is_some_and(|since| since < 2)),
            ("large", past.len() >= 2 && event.number > 2.0 * mean),
            (
                "unseen",
                since.is_some_and(|since| since <= 5)
                    && past.iter().all(|e| place(e) != place(event)),
            ),
        ];
        let spoken = speaks.into_iter().filter(|(_, speaks)| *speaks);
        told.extend(spoken.map(|(reason, _)| (event.time, event.key, reason.to_owned())));
        past.push(*event);
    }
    told
}

proptest! {
    #[test]
    fn alerts_of_events_out_of_order_are_those_of_events_in_order(
        (sorted, arrived) in disordered(0..400, 12),
        batch in 1_usize..20,
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let alone: Vec<Sample> = sorted.into_iter().filter(|event| seen.insert(event.time)).collect();
        let arrived: Vec<Sample> = arrived.into_iter().filter(|event| alone.contains(event)).collect();
        let expected = naive(&alone);
        prop_assert_eq!(&alerts(&alone, 12, batch), &expected);
        prop_assert_eq!(&alerts(&arrived, 12, batch), &expected);
    }
}

proptest! {
    #[test]
    fn a_run_that_goes_on_from_checkpoints_tells_the_alerts_of_one_that_was_not_interrupted(
        (_, arrived) in disordered(0..400, 12),
        batch in 1_usize..8,
        cuts in cuts(),
    ) {
        let told = |cuts| {
            told(Box::new(RuleOperator::new(plan())), &arrived, (8, batch), inputs, cuts)
        };
        prop_assert_eq!(told(&cuts), told(&BTreeMap::new()));
    }
}

#[test]
fn an_event_behind_the_watermark_is_too_late() {
    let mut operator = RuleOperator::new(plan());
    operator.advance(10, &mut Vec::new());
    let event = |time| Event { time, key: b"u", inputs: &[] };
    assert_eq!(operator.add(event(9)), Err(TooLate));
    assert_eq!(operator.add(event(10)), Ok(()));
}

#[test]
fn a_rule_says_nothing_where_its_input_is_null() {
    let mut operator = RuleOperator::new(plan());
    let nulls = [Scalar::Null; 4];
    for time in [0, 1] {
        operator.add(Event { time, key: b"u", inputs: &nulls }).unwrap();
    }
    let mut rows = Vec::new();
    operator.advance(i64::MAX, &mut rows);
    assert_eq!(rows, []);
}

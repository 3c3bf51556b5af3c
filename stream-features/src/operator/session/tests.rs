//! Sessions against an evaluator that sorts all events first.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::operator::replay::{Results, Sample, cuts, disordered, run, told};
use crate::scalar::{Scalar, ScalarType};

const GAP: i64 = 7_000;

fn plan(lateness: i64) -> SessionPlan {
    let functions = [Function::Count, Function::Mean, Function::Last];
    let states = functions.map(|function| StateKind::of(function, ScalarType::Double));
    let outputs = functions.into_iter().enumerate().collect();
    SessionPlan { gap: GAP, lateness, states: states.to_vec(), outputs }
}

fn inputs(event: &Sample) -> Vec<Scalar<'static>> {
    vec![Scalar::Double(event.number); 3]
}

fn naive(sorted: &[Sample]) -> Results {
    let mut open: BTreeMap<u8, Vec<Vec<Sample>>> = BTreeMap::new();
    for event in sorted {
        let sessions = open.entry(event.key).or_default();
        match sessions.last_mut() {
            Some(session) if event.time - session.last().unwrap().time <= GAP => {
                session.push(*event);
            }
            _ => sessions.push(vec![*event]),
        }
    }
    let mut results = Results::new();
    for (key, events) in open.iter().flat_map(|(key, all)| all.iter().map(move |s| (*key, s))) {
        let (start, end) = (events[0].time, events.last().unwrap().time);
        let last =
            events.iter().filter(|e| e.time == end).map(|e| e.number).fold(f64::MIN, f64::max);
        let mut sum = State::empty(StateKind::Moments);
        for e in events {
            sum.add(e.time, Scalar::Double(e.number));
        }
        let values = vec![
            Value::Int64(start.div_euclid(1_000)),
            Value::Int64(end.div_euclid(1_000)),
            Value::Int64((end - start).div_euclid(1_000)),
            Value::Int64(i64::try_from(events.len()).unwrap()),
            sum.value(Function::Mean),
            Value::Double(last),
        ];
        results.insert((key, start), (end, values));
    }
    results
}

proptest! {
    #[test]
    fn sessions_of_events_out_of_order_are_those_of_events_in_order(
        (sorted, arrived) in disordered(-60_000..60_000, 12_000),
        delay in 0_i64..=12_000,
        batch in 1_usize..20,
    ) {
        let expected = naive(&sorted);
        for events in [&sorted, &arrived] {
            let mut operator = SessionOperator::new(plan(12_000 - delay));
            let (found, late) = run(&mut operator, events, delay, batch, inputs);
            prop_assert_eq!(late, 0);
            prop_assert_eq!(&found, &expected);
        }
    }
}

proptest! {
    #[test]
    fn a_run_that_goes_on_from_checkpoints_tells_the_rows_of_one_that_was_not_interrupted(
        (_, arrived) in disordered(-60_000..60_000, 12_000),
        lateness in 0_i64..20_000,
        batch in 1_usize..8,
        cuts in cuts(),
    ) {
        let told = |cuts| {
            let operator = Box::new(SessionOperator::new(plan(lateness)));
            told(operator, &arrived, (2_000, batch), inputs, cuts)
        };
        prop_assert_eq!(told(&cuts), told(&BTreeMap::new()));
    }
}

fn at(times: &[i64]) -> Vec<Sample> {
    times.iter().map(|time| Sample { time: *time, key: 0, number: 1.0 }).collect()
}

#[test]
fn a_late_event_joins_two_sessions_that_were_told() {
    let mut operator = SessionOperator::new(plan(100_000));
    let (results, late) = run(&mut operator, &at(&[0, 14_000, 60_000, 7_000]), 0, 1, inputs);
    let starts: Vec<i64> = results.keys().map(|(_, start)| *start).collect();
    assert_eq!((starts, late), (vec![0, 60_000], 0));
    assert_eq!(results[&(0, 0)].0, 14_000);
}

#[test]
fn an_event_after_the_lateness_of_its_session_is_too_late() {
    let mut operator = SessionOperator::new(plan(1_000));
    let (results, late) = run(&mut operator, &at(&[0, 60_000, 1_000]), 0, 1, inputs);
    assert_eq!((results.len(), late), (2, 1));
}

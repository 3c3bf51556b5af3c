//! Windows against an evaluator that looks at all events for every end.

use std::collections::BTreeSet;

use larder_core::Value;
use proptest::prelude::*;

use super::*;
use crate::aggregate::{Function, State, StateKind};
use crate::operator::replay::{Results, Sample, cuts, disordered, run, told};
use crate::scalar::{Scalar, ScalarType};

const FUNCTIONS: [Function; 3] = [Function::Count, Function::Sum, Function::Std];

fn plan(windows: &[Window], emit: Emit, lateness: i64) -> WindowPlan {
    let states: Vec<StateKind> =
        FUNCTIONS.iter().map(|function| StateKind::of(*function, ScalarType::Double)).collect();
    let outputs = (0..windows.len()).flat_map(|window| {
        FUNCTIONS.iter().enumerate().map(move |(state, function)| Output {
            state,
            window,
            function: *function,
        })
    });
    WindowPlan::new(windows.to_vec(), states, outputs.collect(), emit, lateness)
}

fn inputs(event: &Sample) -> Vec<Scalar<'static>> {
    vec![Scalar::Double(event.number); FUNCTIONS.len()]
}

/// Aggregates of the events of a key in `[end - size, end)`, one after the other in a single state.
fn aggregates(events: &[Sample], key: u8, from: i64, to: i64) -> Vec<Value> {
    let of = |function: &Function| {
        let mut state = State::empty(StateKind::of(*function, ScalarType::Double));
        for event in events.iter().filter(|e| e.key == key && (from..to).contains(&e.time)) {
            state.add(event.time, Scalar::Double(event.number));
        }
        state.value(*function)
    };
    FUNCTIONS.iter().map(of).collect()
}

fn naive(events: &[Sample], windows: &[Window]) -> Results {
    let mut results = Results::new();
    let ends: BTreeSet<i64> = events
        .iter()
        .flat_map(|event| event.time..=event.time + windows.iter().map(|w| w.size).max().unwrap())
        .collect();
    for (key, end) in ends.iter().flat_map(|end| (0..3).map(move |key| (key, *end))) {
        let closes = windows.iter().any(|window| {
            let covered = end - window.size..end;
            end.rem_euclid(window.slide) == 0
                && events.iter().any(|event| event.key == key && covered.contains(&event.time))
        });
        if closes {
            let row = windows.iter().flat_map(|window| {
                let complete = end - end.rem_euclid(window.slide);
                aggregates(events, key, complete - window.size, complete)
            });
            results.insert((key, end), (end, row.collect()));
        }
    }
    results
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let window =
        (1_i64..12).prop_flat_map(|slide| (slide..30).prop_map(move |size| Window { size, slide }));
    prop::collection::vec(window, 1..4)
}

proptest! {
    #[test]
    fn events_out_of_order_within_delay_and_lateness_give_the_rows_of_the_definition(
        windows in windows(),
        (sorted, arrived) in disordered(-60..60, 12),
        delay in 0_i64..=12,
        batch in 1_usize..20,
    ) {
        let expected = naive(&sorted, &windows);
        // What the delay does not wait for is corrected.
        let plan = plan(&windows, Emit::WindowClose, 12 - delay);
        for events in [&sorted, &arrived] {
            let mut operator = WindowOperator::new(plan.clone());
            let (found, late) = run(&mut operator, events, delay, batch, inputs);
            prop_assert_eq!(late, 0);
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn the_row_of_each_event_ends_as_if_in_order(
        windows in windows(),
        (sorted, arrived) in disordered(-60..60, 12),
        delay in 0_i64..=12,
        batch in 1_usize..20,
    ) {
        let plan = plan(&windows, Emit::EachEvent, 12 - delay);
        let mut last = Vec::new();
        for events in [&sorted, &arrived] {
            let mut operator = WindowOperator::new(plan.clone());
            let (found, _) = run(&mut operator, events, delay, batch, inputs);
            // Online, the row with the latest event time stays.
            let newest = |key: u8| found.range((key, i64::MIN)..=(key, i64::MAX)).next_back();
            last.push((0..3).map(|key| newest(key).map(|(_, row)| row.clone())).collect::<Vec<_>>());
        }
        prop_assert_eq!(&last[0], &last[1]);
        for (key, row) in (0_u8..3).zip(&last[0]) {
            let latest = sorted.iter().filter(|event| event.key == key).map(|event| event.time).max();
            prop_assert_eq!(row.as_ref().map(|(time, _)| *time), latest);
            if let (Some(latest), Some((_, values))) = (latest, row) {
                let end = plan.tile_end(latest);
                let expected: Vec<Value> = windows
                    .iter()
                    .flat_map(|window| aggregates(&sorted, key, end - window.size, end))
                    .collect();
                prop_assert_eq!(values, &expected);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_run_that_goes_on_from_checkpoints_tells_the_rows_of_one_that_was_not_interrupted(
        windows in windows(),
        (_, arrived) in disordered(-60..60, 20),
        emit in prop_oneof![Just(Emit::WindowClose), Just(Emit::EachEvent)],
        lateness in 0_i64..12,
        batch in 1_usize..8,
        cuts in cuts(),
    ) {
        let plan = plan(&windows, emit, lateness);
        let told = |cuts| {
            told(Box::new(WindowOperator::new(plan.clone())), &arrived, (3, batch), inputs, cuts)
        };
        prop_assert_eq!(told(&cuts), told(&std::collections::BTreeMap::new()));
    }
}

#[test]
fn an_event_of_a_window_that_is_closed_for_good_is_too_late() {
    let windows = [Window { size: 10, slide: 10 }];
    let sample = |time| Sample { time, key: 0, number: 1.0 };
    for (lateness, late) in [(0, 1), (5, 1), (6, 0)] {
        let mut operator = WindowOperator::new(plan(&windows, Emit::WindowClose, lateness));
        let (results, found) =
            run(&mut operator, &[sample(3), sample(15), sample(4)], 0, 1, inputs);
        assert_eq!(found, late, "lateness {lateness}");
        let count = Value::Int64(2 - i64::try_from(late).unwrap());
        assert_eq!(results[&(0, 10)].1[0], count);
    }
}

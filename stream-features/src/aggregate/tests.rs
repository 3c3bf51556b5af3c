//! Every function against its definition, and the laws that all states obey.

use proptest::prelude::*;

use super::*;

const EVERY: [Function; 16] = [
    Function::Count,
    Function::Sum,
    Function::Min,
    Function::Max,
    Function::Mean,
    Function::Std,
    Function::Var,
    Function::First,
    Function::Last,
    Function::LastK(3),
    Function::Any,
    Function::CountDistinct,
    Function::Percentile(0.9),
    Function::TopK(1),
    Function::TopK(3),
    Function::SessionLength,
];

/// Values of one column with their times; few times, so that many tie.
fn events() -> impl Strategy<Value = Vec<(i64, Held)>> {
    let value = prop_oneof![
        prop::collection::vec((0..9_i64, (-1e6_f64..1e6).prop_map(Held::Double)), 0..40),
        prop::collection::vec((0..9_i64, (-50_i64..50).prop_map(Held::Int)), 0..40),
    ];
    value.boxed()
}

fn column(events: &[(i64, Held)]) -> ScalarType {
    match events.first() {
        Some((_, Held::Int(_))) => ScalarType::Int,
        _ => ScalarType::Double,
    }
}

fn state(kind: StateKind, events: &[(i64, Held)]) -> State {
    let mut state = State::empty(kind);
    for (time, held) in events {
        state.add(*time, held.scalar());
    }
    state
}

/// What the function means, computed from all values at once.
fn naive(function: Function, events: &[(i64, Held)]) -> Value {
    let mut sorted = events.to_vec();
    sorted.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.order(b.1.scalar())));
    let numbers: Vec<f64> = sorted.iter().filter_map(|(_, held)| held.scalar().number()).collect();
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let is_int = column(events) == ScalarType::Int;
    #[expect(clippy::cast_possible_truncation, reason = "whole numbers that were integers")]
    let number = |x: f64| if is_int { Value::Int64(x as i64) } else { Value::Double(x) };
    let whole = |n: usize| Value::Int64(i64::try_from(n).unwrap());
    match function {
        Function::Count => whole(numbers.len()),
        Function::Any => Value::Bool(!numbers.is_empty()),
        Function::CountDistinct => {
            let mut bits: Vec<u64> = numbers.iter().map(|x| (x + 0.0).to_bits()).collect();
            bits.sort_unstable();
            bits.dedup();
            whole(bits.len())
        }
        _ if numbers.is_empty() => Value::Null,
        // Without a gap every instant is a session; `spans` has those that last.
        Function::SessionLength => whole(0),
        Function::Sum => number(numbers.iter().sum()),
        Function::Min => number(numbers.iter().copied().fold(f64::INFINITY, f64::min)),
        Function::Max => number(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        Function::Mean => Value::Double(mean),
        Function::Std | Function::Var if numbers.len() < 2 => Value::Null,
        Function::Std => Value::Double(variance.sqrt()),
        Function::Var => Value::Double(variance),
        Function::First => number(numbers[0]),
        Function::Last => number(*numbers.last().unwrap()),
        Function::LastK(k) => {
            let latest: Vec<Value> = numbers.iter().rev().take(k).map(|x| number(*x)).collect();
            Value::List(latest[0].value_type(), latest)
        }
        Function::TopK(k) => {
            let mut counts: Vec<(f64, usize)> = Vec::new();
            for number in numbers {
                match counts.iter_mut().find(|(known, _)| known.total_cmp(&number).is_eq()) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((number, 1)),
                }
            }
            counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
            let best: Vec<Value> = counts.iter().take(k).map(|(x, _)| number(*x)).collect();
            if k == 1 { best[0].clone() } else { Value::List(best[0].value_type(), best) }
        }
        Function::Percentile(share) => {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
            Value::Double(sorted[(share * (count - 1.0)) as usize])
        }
    }
}

/// Equal, or doubles as close as the function promises: plain sums of the judge are rounded on their way.
fn close(function: Function, found: &Value, expected: &Value) -> bool {
    let tolerance = if matches!(function, Function::Percentile(_)) { 0.010_001 } else { 1e-9 };
    match (found, expected) {
        (Value::Double(a), Value::Double(b)) => (a - b).abs() <= tolerance * b.abs().max(1e-3),
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn every_function_is_what_its_name_says(events in events()) {
        for function in EVERY {
            let found = state(StateKind::of(function, column(&events)), &events).value(function);
            let expected = naive(function, &events);
            prop_assert!(close(function, &found, &expected), "{}: {:?}, not {:?}", function, found, expected);
        }
    }

    #[test]
    fn order_and_grouping_change_nothing(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        cuts in (0_usize..40, 0_usize..40),
    ) {
        let (low, high) = (cuts.0.min(cuts.1).min(events.len()), cuts.0.max(cuts.1).min(events.len()));
        for function in EVERY {
            let kind = StateKind::of(function, column(&events));
            let whole = state(kind, &events).value(function);
            prop_assert_eq!(&state(kind, &shuffled).value(function), &whole, "{}", function);
            let parts = [&shuffled[..low], &shuffled[low..high], &shuffled[high..]];
            let mut left = State::empty(kind);
            for part in &parts {
                left.merge(&state(kind, part));
            }
            let mut right = state(kind, parts[2]);
            right.merge(&state(kind, parts[1]));
            right.merge(&state(kind, parts[0]));
            prop_assert_eq!(&left.value(function), &whole, "{}", function);
            prop_assert_eq!(&right.value(function), &whole, "{}", function);
        }
    }

    #[test]
    fn a_state_is_made_again_from_its_bytes(events in events(), more in events()) {
        prop_assume!(column(&events) == column(&more));
        for function in EVERY {
            let kind = StateKind::of(function, column(&events));
            let mut kept = state(kind, &events);
            let bytes = encode_state(&kept);
            let mut restored = decode_state(kind, &bytes).unwrap();
            prop_assert_eq!(&encode_state(&restored), &bytes);
            restored.merge(&state(kind, &more));
            kept.merge(&state(kind, &more));
            prop_assert_eq!(restored.value(function), kept.value(function), "{}", function);
        }
    }

    #[test]
    fn bytes_that_are_cut_are_refused(events in events(), cut in 0_usize..100) {
        for function in EVERY {
            let kind = StateKind::of(function, column(&events));
            let bytes = encode_state(&state(kind, &events));
            let short = &bytes[..cut.min(bytes.len() - 1)];
            prop_assert_eq!(decode_state(kind, short).unwrap_err().kind(), larder_core::ErrorKind::Data);
        }
    }
}

#[test]
fn texts_have_counts_edges_and_distinct_values() {
    let texts = [(3, "b"), (1, "z"), (3, "a"), (2, "b")];
    let events: Vec<_> = texts.iter().map(|(at, text)| (*at, Held::Text((*text).into()))).collect();
    let text = |text: &str| Value::String(text.to_owned());
    for (function, expected) in [
        (Function::First, text("z")),
        (Function::Last, text("b")),
        (
            Function::LastK(2),
            Value::List(larder_core::ValueType::String, vec![text("b"), text("a")]),
        ),
        (Function::CountDistinct, Value::Int64(3)),
        (Function::Count, Value::Int64(4)),
    ] {
        let kind = StateKind::of(function, ScalarType::Text);
        assert_eq!(state(kind, &events).value(function), expected, "{function}");
    }
}

#[test]
fn a_sum_beyond_64_bits_is_null_and_comes_back() {
    let mut sum = State::empty(StateKind::IntSum);
    sum.add(0, Scalar::Int(i64::MAX));
    sum.add(0, Scalar::Int(1));
    assert_eq!(sum.value(Function::Sum), Value::Null);
    sum.add(0, Scalar::Int(-1));
    assert_eq!(sum.value(Function::Sum), Value::Int64(i64::MAX));
}

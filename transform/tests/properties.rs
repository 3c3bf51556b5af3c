//! Laws that hold for any data.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use larder_core::ValueType;
use larder_transform::{Column, Definition, Mode, Program, Source, compile};
use proptest::prelude::*;

fn program(expression: &str, inputs: &[(&str, ValueType)], output: ValueType) -> Program {
    let names: Vec<_> = inputs.iter().map(|(name, _)| *name).collect();
    let columns: Vec<_> = names.iter().map(|name| format!("inputs[\"{name}\"]")).collect();
    let (names, columns) = (names.join(", "), columns.join(", "));
    let text = format!(
        "def f(inputs):\n    return {{\"r\": [{expression} for {names}, in zip({columns})]}}\n"
    );
    compile(&Definition {
        view: "law".to_owned(),
        mode: Mode::Python,
        singleton: false,
        function: "f".to_owned(),
        source: Source { text, file: "law.py".to_owned(), first_line: 1 },
        inputs: inputs.iter().map(|(name, kind)| Column::new(*name, *kind)).collect(),
        outputs: vec![Column::new("r", output)],
    })
    .unwrap()
}

fn run(program: &Program, columns: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    program.evaluate(&batch).unwrap().remove(0)
}

fn ints() -> impl Strategy<Value = Vec<(Option<i64>, Option<i64>)>> {
    let small = -20_i64..20;
    let int = prop::option::weighted(0.9, prop_oneof![small, any::<i64>()]);
    prop::collection::vec((int.clone(), int), 1..50)
}

proptest! {
    #[test]
    fn quotient_and_rest_of_integers_make_the_number_again(rows in ints()) {
        let inputs = [("a", ValueType::Int64), ("b", ValueType::Int64)];
        let quotient = program("a // b", &inputs, ValueType::Int64);
        let rest = program("a % b", &inputs, ValueType::Int64);
        let columns = || -> Vec<(&str, ArrayRef)> {
            let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            vec![("a", Arc::new(Int64Array::from(a)) as _), ("b", Arc::new(Int64Array::from(b)) as _)]
        };
        let (quotients, rests) = (run(&quotient, columns()), run(&rest, columns()));
        let (quotients, rests) = (quotients.as_primitive::<Int64Type>(), rests.as_primitive::<Int64Type>());
        for (row, pair) in rows.iter().enumerate() {
            let (Some(a), Some(b)) = *pair else {
                prop_assert!(quotients.is_null(row) && rests.is_null(row));
                continue;
            };
            prop_assert_eq!(rests.is_null(row), b == 0);
            prop_assert_eq!(quotients.is_null(row), b == 0 || (a == i64::MIN && b == -1));
            if quotients.is_valid(row) {
                let (quotient, rest) = (quotients.value(row), rests.value(row));
                prop_assert_eq!(i128::from(quotient) * i128::from(b) + i128::from(rest), i128::from(a));
                prop_assert!(rest == 0 || (rest < 0) == (b < 0));
            }
        }
    }

    #[test]
    fn a_look_up_finds_what_a_map_finds(
        table in prop::collection::btree_map(("[a-d]{0,2}", 0_i64..6), -100_i64..100, 1..40),
        rows in prop::collection::vec((prop::option::of("[a-e]{0,2}"), prop::option::of(0_i64..8)), 1..60),
    ) {
        let entries: Vec<_> =
            table.iter().map(|((text, int), value)| format!("(\"{text}\", {int}): {value}")).collect();
        let expression = format!("{{{}}}.get((s, a))", entries.join(", "));
        let inputs = [("s", ValueType::String), ("a", ValueType::Int64)];
        let (texts, numbers): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("s", Arc::new(StringArray::from(texts))),
            ("a", Arc::new(Int64Array::from(numbers))),
        ];
        let found = run(&program(&expression, &inputs, ValueType::Int64), columns);
        let found = found.as_primitive::<Int64Type>();
        let table: BTreeMap<_, _> = table.into_iter().collect();
        for (row, (text, int)) in rows.into_iter().enumerate() {
            let expected = text.zip(int).and_then(|key| table.get(&key).copied());
            prop_assert_eq!(found.is_valid(row).then(|| found.value(row)), expected);
        }
    }

    #[test]
    fn a_shared_variable_is_the_expression_written_out(values in prop::collection::vec(prop::option::of(-1e6_f64..1e6), 1..40)) {
        let inputs = [("x", ValueType::Double)];
        let columns = || -> Vec<(&str, ArrayRef)> { vec![("x", Arc::new(Float64Array::from(values.clone())))] };
        let shared = program("(y := (x or 1.0) * 3) + y / (y if y else 2.0)", &inputs, ValueType::Double);
        let written = program(
            "(x or 1.0) * 3 + (x or 1.0) * 3 / ((x or 1.0) * 3 if (x or 1.0) * 3 else 2.0)",
            &inputs,
            ValueType::Double,
        );
        let (shared, written) = (run(&shared, columns()), run(&written, columns()));
        prop_assert_eq!(shared.as_primitive::<Float64Type>(), written.as_primitive::<Float64Type>());
    }
}

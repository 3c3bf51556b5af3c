//! Replays what real Python and pandas answered, row by row (`tests/vectors/transform/generate.py`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use larder_core::ValueType;
use larder_transform::{Column, Definition, Mode, Source, compile};
use serde_json::Value;

const CASES: &str = include_str!("../../tests/vectors/transform/cases.json");
const RANDOM: &str = include_str!("../../tests/vectors/transform/random.json");

fn float(value: &Value) -> Option<f64> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn array(value_type: ValueType, values: &[Value]) -> ArrayRef {
    #[expect(clippy::cast_possible_truncation, reason = "the vectors hold exact values")]
    match value_type {
        ValueType::Int32 => {
            Arc::new(values.iter().map(|v| v.as_i64().map(|v| v as i32)).collect::<Int32Array>())
        }
        ValueType::Int64 => Arc::new(values.iter().map(Value::as_i64).collect::<Int64Array>()),
        ValueType::Double => Arc::new(values.iter().map(float).collect::<Float64Array>()),
        ValueType::Float => {
            Arc::new(values.iter().map(|v| float(v).map(|v| v as f32)).collect::<Float32Array>())
        }
        ValueType::Bool => Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>()),
        ValueType::String => Arc::new(values.iter().map(Value::as_str).collect::<StringArray>()),
        ValueType::StringList => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for list in values {
                lists.append_option(list.as_array().map(|list| list.iter().map(Value::as_str)));
            }
            Arc::new(lists.finish())
        }
        ValueType::FloatList => {
            let mut lists = ListBuilder::new(Float32Builder::new());
            for list in values {
                let list = list.as_array();
                lists.append_option(list.map(|l| l.iter().map(|v| float(v).map(|v| v as f32))));
            }
            Arc::new(lists.finish())
        }
        other => panic!("no vectors of {other:?}"),
    }
}

fn columns(case: &Value, side: &str) -> Vec<(Column, Vec<Value>)> {
    let columns = case[side].as_array().unwrap().iter().map(|column| {
        let value_type = ValueType::from_name(column["type"].as_str().unwrap()).unwrap();
        let name = column["name"].as_str().unwrap();
        (Column::new(name, value_type), column["values"].as_array().unwrap().clone())
    });
    columns.collect()
}

fn definition(case: &Value) -> Definition {
    let names = |side| columns(case, side).into_iter().map(|(column, _)| column).collect();
    Definition {
        view: case["name"].as_str().unwrap().to_owned(),
        mode: if case["mode"] == "pandas" { Mode::Pandas } else { Mode::Python },
        singleton: case["singleton"].as_bool().unwrap(),
        function: case["name"].as_str().unwrap().to_owned(),
        source: Source {
            text: case["text"].as_str().unwrap().to_owned(),
            file: "functions.py".to_owned(),
            first_line: 1,
        },
        inputs: names("inputs"),
        outputs: names("outputs"),
    }
}

fn batch(case: &Value) -> RecordBatch {
    let inputs = columns(case, "inputs");
    RecordBatch::try_from_iter_with_nullable(
        inputs.iter().map(|(c, values)| (&c.name, array(c.value_type, values), true)),
    )
    .unwrap()
}

/// The row of an array as JSON; floats as texts.
fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    if let Some(values) = array.as_primitive_opt::<Int64Type>() {
        return Value::from(values.value(row));
    }
    if let Some(values) = array.as_primitive_opt::<Float64Type>() {
        return Value::from(format!("{:?}", values.value(row)));
    }
    match array.as_boolean_opt() {
        Some(values) => Value::from(values.value(row)),
        None => Value::from(array.as_string::<i32>().value(row)),
    }
}

/// Libraries for `pow` and `log` differ in the last bit.
fn same(value_type: ValueType, expected: &Value, actual: &Value) -> bool {
    match (expected, actual, value_type) {
        (Value::String(a), Value::String(b), ValueType::Double) => {
            let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
            a.total_cmp(&b).is_eq() || (a - b).abs() <= a.abs() * f64::EPSILON
        }
        _ => expected == actual,
    }
}

/// Every row that differs from the recording.
fn differences(case: &Value) -> Vec<String> {
    let name = &case["name"];
    let program = match compile(&definition(case)) {
        Ok(program) => program,
        Err(error) => return vec![format!("{name}: {error} (hint: {:?})", error.hint())],
    };
    let batch = batch(case);
    let arrays = program.evaluate(&batch).unwrap();
    let outputs = columns(case, "outputs");
    let mut wrong = Vec::new();
    for (row, raised) in case["raises"].as_array().unwrap().iter().enumerate() {
        let inputs: Vec<_> = columns(case, "inputs").iter().map(|(_, v)| v[row].clone()).collect();
        let actual: Vec<Value> = arrays.iter().map(|array| cell(array, row)).collect();
        if let Some(error) = raised.as_str() {
            // The whole call raises; at least what was computed from the culprit is null.
            if !actual.contains(&Value::Null) {
                wrong.push(format!("{name} {inputs:?}: {actual:?} instead of {error}"));
            }
            continue;
        }
        let expected: Vec<_> = outputs.iter().map(|(_, values)| values[row].clone()).collect();
        let pairs = outputs.iter().zip(expected.iter().zip(&actual));
        if !pairs.into_iter().all(|((c, _), (e, a))| same(c.value_type, e, a)) {
            wrong.push(format!("{name} {inputs:?}: {actual:?} instead of {expected:?}"));
        }
    }
    wrong
}

fn cases() -> Vec<Value> {
    serde_json::from_str(CASES).unwrap()
}

/// The random functions; all read the inputs that stand with the first.
fn random_cases() -> Vec<Value> {
    let mut cases: Vec<Value> = serde_json::from_str(RANDOM).unwrap();
    let inputs = cases[0]["inputs"].clone();
    for case in &mut cases {
        case["inputs"] = inputs.clone();
    }
    cases
}

#[test]
fn every_recorded_function_compiles_and_answers_as_python_does() {
    let cases = cases();
    assert!(cases.len() >= 25);
    let wrong: Vec<_> = cases.iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn random_functions_answer_as_python_does() {
    let cases = random_cases();
    let compiled: Vec<_> = cases.iter().filter(|case| compile(&definition(case)).is_ok()).collect();
    // The rest raises in every row for some operand, or mixes texts and numbers in one value.
    assert!(compiled.len() * 10 >= cases.len() * 8, "{} of {}", compiled.len(), cases.len());
    let wrong: Vec<_> = compiled.into_iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_row_at_a_time_gives_what_the_whole_batch_gives() {
    for case in cases() {
        let program = compile(&definition(&case)).unwrap();
        let batch = batch(&case);
        let bound = program.bind(batch.schema_ref()).unwrap();
        let whole = bound.evaluate(&batch).unwrap();
        for row in 0..batch.num_rows() {
            let single = bound.evaluate(&batch.slice(row, 1)).unwrap();
            for (whole, single) in whole.iter().zip(&single) {
                assert_eq!(
                    whole.slice(row, 1).as_ref(),
                    single.as_ref(),
                    "{} row {row}",
                    case["name"]
                );
            }
        }
        let none = bound.evaluate(&batch.slice(0, 0)).unwrap();
        assert!(none.iter().all(Array::is_empty), "{}", case["name"]);
    }
}

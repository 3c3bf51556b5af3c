//! The recorded functions (`tests/vectors/transform/generate.py`) as definitions, batches and expected rows.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type, TimestampSecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampSecondArray,
};
use larder_core::ValueType;
use larder_transform::{Column, Definition, Mode, Source};
use serde_json::Value;

/// A recorded function.
pub(crate) struct Case(Value);

impl Case {
    /// The functions of a file.
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let cases: Vec<Value> = serde_json::from_str(text).unwrap();
        cases.into_iter().map(Self).collect()
    }

    /// The random functions; all read the inputs that stand with the first.
    pub(crate) fn random(text: &str) -> Vec<Self> {
        let mut cases = Self::all(text);
        let inputs = cases[0].0["inputs"].clone();
        for case in &mut cases {
            case.0["inputs"] = inputs.clone();
        }
        cases
    }

    pub(crate) fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    /// Whether Feast gave the same for all rows at once.
    pub(crate) fn same_in_a_batch(&self) -> bool {
        self.0["batch"] != Value::Bool(false)
    }

    /// Per row, whether the function raised.
    pub(crate) fn raises(&self) -> Vec<bool> {
        self.0["raises"].as_array().unwrap().iter().map(Value::is_string).collect()
    }

    pub(crate) fn definition(&self) -> Definition {
        let names = |side| self.columns(side).into_iter().map(|(column, _)| column).collect();
        Definition {
            view: self.name().to_owned(),
            mode: if self.0["mode"] == "pandas" { Mode::Pandas } else { Mode::Python },
            singleton: self.0["singleton"].as_bool().unwrap(),
            function: self.name().to_owned(),
            source: Source {
                text: self.0["text"].as_str().unwrap().to_owned(),
                file: "functions.py".to_owned(),
                first_line: 1,
            },
            inputs: names("inputs"),
            outputs: names("outputs"),
        }
    }

    pub(crate) fn batch(&self) -> RecordBatch {
        let inputs = self.columns("inputs");
        RecordBatch::try_from_iter_with_nullable(
            inputs.iter().map(|(c, values)| (&c.name, array(c.value_type, values), true)),
        )
        .unwrap()
    }

    /// Every row of the outputs that differs from the recording.
    pub(crate) fn differences(&self, arrays: &[ArrayRef]) -> Vec<String> {
        let (inputs, outputs) = (self.columns("inputs"), self.columns("outputs"));
        let mut wrong = Vec::new();
        for (row, raises) in self.raises().into_iter().enumerate() {
            let given: Vec<_> = inputs.iter().map(|(_, values)| values[row].to_string()).collect();
            let actual: Vec<Value> = arrays.iter().map(|array| cell(array, row)).collect();
            let expected: Vec<_> = outputs.iter().map(|(_, values)| &values[row]).collect();
            // Where the whole call raises, at least what was computed from the culprit is null.
            let fits = if raises {
                actual.contains(&Value::Null)
            } else {
                let pairs = expected.iter().zip(&actual);
                pairs.zip(&outputs).all(|((e, a), (c, _))| same(c.value_type, e, a))
            };
            if !fits {
                let raised = self.0["raises"][row].as_str();
                let expected = raised.map_or_else(|| format!("{expected:?}"), str::to_owned);
                let given = given.join(", ");
                wrong.push(format!("{} ({given}): {actual:?} instead of {expected}", self.name()));
            }
        }
        wrong
    }

    fn columns(&self, side: &str) -> Vec<(Column, Vec<Value>)> {
        let columns = self.0[side].as_array().unwrap().iter().map(|column| {
            let value_type = ValueType::from_name(column["type"].as_str().unwrap()).unwrap();
            let name = column["name"].as_str().unwrap();
            (Column::new(name, value_type), column["values"].as_array().unwrap().clone())
        });
        columns.collect()
    }
}

fn float(value: &Value) -> Option<f64> {
    value.as_str().map(|text| text.parse().unwrap())
}

#[expect(clippy::cast_possible_truncation, reason = "the vectors hold exact values")]
fn single(value: &Value) -> Option<f32> {
    float(value).map(|value| value as f32)
}

#[expect(clippy::cast_possible_truncation, reason = "the vectors hold exact values")]
fn array(value_type: ValueType, values: &[Value]) -> ArrayRef {
    match value_type {
        ValueType::Int32 => {
            Arc::new(values.iter().map(|v| v.as_i64().map(|v| v as i32)).collect::<Int32Array>())
        }
        ValueType::Int64 => Arc::new(values.iter().map(Value::as_i64).collect::<Int64Array>()),
        ValueType::Double => Arc::new(values.iter().map(float).collect::<Float64Array>()),
        ValueType::Float => Arc::new(values.iter().map(single).collect::<Float32Array>()),
        ValueType::Bool => Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>()),
        ValueType::String => Arc::new(values.iter().map(Value::as_str).collect::<StringArray>()),
        ValueType::UnixTimestamp => {
            let seconds = values.iter().map(Value::as_i64).collect::<TimestampSecondArray>();
            Arc::new(seconds.with_timezone("UTC"))
        }
        ValueType::StringList => lists(StringBuilder::new(), values, |builder, value| {
            builder.append_option(value.as_str());
        }),
        ValueType::FloatList => lists(Float32Builder::new(), values, |builder, value| {
            builder.append_option(single(value));
        }),
        ValueType::DoubleList => lists(Float64Builder::new(), values, |builder, value| {
            builder.append_option(float(value));
        }),
        ValueType::Int64List => lists(Int64Builder::new(), values, |builder, value| {
            builder.append_option(value.as_i64());
        }),
        other => panic!("no vectors of {other:?}"),
    }
}

fn lists<B: ArrayBuilder>(
    elements: B,
    values: &[Value],
    append: impl Fn(&mut B, &Value),
) -> ArrayRef {
    let mut lists = ListBuilder::new(elements);
    for list in values {
        for value in list.as_array().into_iter().flatten() {
            append(lists.values(), value);
        }
        lists.append(list.is_array());
    }
    Arc::new(lists.finish())
}

/// The row of an array as JSON; floats as texts.
fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    if let Some(values) = array.as_primitive_opt::<Int64Type>() {
        return Value::from(values.value(row));
    }
    if let Some(values) = array.as_primitive_opt::<Int32Type>() {
        return Value::from(values.value(row));
    }
    if let Some(values) = array.as_primitive_opt::<TimestampSecondType>() {
        return Value::from(values.value(row));
    }
    if let Some(values) = array.as_primitive_opt::<Float64Type>() {
        return Value::from(format!("{:?}", values.value(row)));
    }
    if let Some(values) = array.as_primitive_opt::<Float32Type>() {
        return Value::from(format!("{:?}", f64::from(values.value(row))));
    }
    if let Some(values) = array.as_list_opt::<i32>() {
        let list = values.value(row);
        return (0..list.len()).map(|row| cell(&list, row)).collect();
    }
    match array.as_boolean_opt() {
        Some(values) => Value::from(values.value(row)),
        None => Value::from(array.as_string::<i32>().value(row)),
    }
}

/// Libraries for `pow`, `log` and the like differ in the last bit.
fn same(value_type: ValueType, expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Array(a), Value::Array(b)) => {
            let element = value_type.list_element().unwrap_or(value_type);
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(element, a, b))
        }
        (Value::String(a), Value::String(b))
            if matches!(value_type, ValueType::Double | ValueType::Float) =>
        {
            let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
            a.total_cmp(&b).is_eq() || (a - b).abs() <= a.abs() * f64::EPSILON
        }
        _ => expected == actual,
    }
}

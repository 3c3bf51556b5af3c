//! SQL expressions, row by row.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use larder_core::{ErrorKind, ValueType};
use larder_transform::{Column, Definition, Mode, Source, compile};

fn definition(expression: &str, output: ValueType) -> Definition {
    let text = serde_json::json!({ "r": expression }).to_string();
    Definition {
        view: "v".to_owned(),
        mode: Mode::Sql,
        singleton: false,
        function: String::new(),
        source: Source { text, file: "views.yaml".to_owned(), first_line: 7 },
        inputs: vec![
            Column::new("price", ValueType::Double),
            Column::new("Stock", ValueType::Int64),
            Column::new("category", ValueType::String),
            Column::new("products__price", ValueType::Double),
        ],
        outputs: vec![Column::new("r", output)],
    }
}

fn batch() -> RecordBatch {
    let prices: ArrayRef =
        Arc::new(Float64Array::from(vec![Some(10.0), Some(0.0), None, Some(2.5)]));
    let stock: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), Some(0), Some(7), None]));
    let category: ArrayRef =
        Arc::new(StringArray::from(vec![Some("Books"), Some("12"), None, Some("x")]));
    RecordBatch::try_from_iter_with_nullable([
        ("category", category, true),
        ("Stock", stock, true),
        ("price", Arc::clone(&prices), true),
        ("products__price", prices, true),
    ])
    .unwrap()
}

fn evaluate(expression: &str, output: ValueType) -> Vec<String> {
    let program = compile(&definition(expression, output)).unwrap();
    let arrays = program.evaluate(&batch()).unwrap();
    assert_eq!(*arrays[0].data_type(), output.arrow_type());
    let options = FormatOptions::default().with_null("null");
    let text = ArrayFormatter::try_new(&arrays[0], &options).unwrap();
    (0..arrays[0].len()).map(|row| text.value(row).to_string()).collect()
}

#[test]
fn expressions_answer_every_row_and_fail_in_none() {
    use ValueType::{Bool, Double, Float, Int32, Int64, String, UnixTimestamp};
    let cases = [
        ("price * 2 + Stock", Double, ["23.0", "0.0", "null", "null"]),
        ("price > 1 and category is not null", Bool, ["true", "false", "false", "true"]),
        ("10 / Stock", Int64, ["3", "null", "1", "null"]),
        ("10 % \"Stock\"", Int64, ["1", "null", "3", "null"]),
        (
            "case when Stock = 0 then 'none' else lower(category) end",
            String,
            ["books", "none", "null", "x"],
        ),
        ("cast(category as bigint)", Int64, ["null", "12", "null", "null"]),
        ("coalesce(products__price, 1) / nullif(price, 0)", Float, ["1.0", "null", "null", "1.0"]),
        ("Stock", Int32, ["3", "0", "7", "null"]),
        ("category in ('Books', 'x')", Bool, ["true", "false", "null", "true"]),
        (
            "to_timestamp(case when Stock = 3 then '2024-01-01T00:00:00Z' else category end)",
            UnixTimestamp,
            ["2024-01-01T00:00:00Z", "null", "null", "null"],
        ),
        ("7", Double, ["7.0", "7.0", "7.0", "7.0"]),
    ];
    for (expression, output, expected) in cases {
        assert_eq!(evaluate(expression, output), expected, "{expression}");
    }
}

#[test]
fn only_the_columns_an_expression_reads_are_inputs() {
    let program = compile(&definition("price + 1", ValueType::Double)).unwrap();
    assert_eq!(program.inputs(), [Column::new("price", ValueType::Double)]);
}

#[test]
fn expressions_that_are_wrong_or_not_of_the_row_are_refused() {
    let cases = [
        ("price +", ErrorKind::Invalid),
        ("nope + 1", ErrorKind::Invalid),
        ("nope(price)", ErrorKind::Invalid),
        ("stock + 1", ErrorKind::Invalid),
        ("sum(price)", ErrorKind::Unsupported),
        ("random()", ErrorKind::Unsupported),
        ("now()", ErrorKind::Unsupported),
        ("row_number() over ()", ErrorKind::Unsupported),
    ];
    for (expression, kind) in cases {
        let error = compile(&definition(expression, ValueType::Double)).expect_err(expression);
        assert_eq!(error.kind(), kind, "{expression}: {error}");
        assert_eq!(error.location().map(|place| place.line), Some(7));
    }
}

#[test]
fn a_feature_without_expression_is_refused() {
    let mut definition = definition("price", ValueType::Double);
    definition.outputs.push(Column::new("q", ValueType::Double));
    assert_eq!(compile(&definition).unwrap_err().kind(), ErrorKind::Invalid);
    definition.source.text = "price".to_owned();
    assert_eq!(compile(&definition).unwrap_err().kind(), ErrorKind::Invalid);
}

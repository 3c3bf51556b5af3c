//! Values, types and refusals of expressions.

use larder_core::{Error, ErrorKind, Result};

use super::*;
use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};

/// One row: `n` 7, `x` 2.5, `s` "ab", `t` " 12 ", `b` true, `none` a null number, `items` with prices 4, null and 1.5 and
/// names a, b and c, `nothing` a null list.
struct Row;

const NAMES: [(&str, ScalarType); 6] = [
    ("n", ScalarType::Int),
    ("x", ScalarType::Double),
    ("s", ScalarType::Text),
    ("t", ScalarType::Text),
    ("b", ScalarType::Bool),
    ("none", ScalarType::Int),
];

impl Columns for Row {
    fn column(&mut self, path: &[&str]) -> Result<(Expression, ScalarType)> {
        let at = NAMES.iter().position(|(name, _)| [*name] == *path);
        let at = at.ok_or_else(|| Error::invalid("no such column"))?;
        Ok((Expression::Column(at), NAMES[at].1))
    }

    fn list(&mut self, path: &[&str]) -> Result<usize> {
        match path {
            ["items"] => Ok(0),
            ["nothing"] => Ok(1),
            _ => Err(Error::invalid("no such list")),
        }
    }

    fn items(&mut self, path: &[&str]) -> Result<(usize, usize, ScalarType)> {
        let list = self.list(&path[..1])?;
        match path[1..] {
            ["price"] => Ok((list, 0, ScalarType::Double)),
            ["name"] => Ok((list, 1, ScalarType::Text)),
            _ => Err(Error::invalid("no such field of an element")),
        }
    }
}

fn row(batch: &EventBatch) -> super::Row<'_> {
    super::Row { batch, at: 0, element: 0 }
}

fn batch() -> EventBatch {
    let items = || EventBatch::new([ScalarType::Double, ScalarType::Text]);
    let mut batch =
        EventBatch::new(NAMES.map(|(_, value_type)| value_type)).with_lists([items(), items()]);
    batch.begin_row();
    let elements = batch.begin_list(0);
    for (price, name) in
        [(Scalar::Double(4.0), "a"), (Scalar::Null, "b"), (Scalar::Double(1.5), "c")]
    {
        elements.begin_row();
        elements.set(0, price);
        elements.set(1, Scalar::Text(name));
    }
    batch.end_list(0);
    batch.set(0, Scalar::Int(7));
    batch.set(1, Scalar::Double(2.5));
    batch.set(2, Scalar::Text("ab"));
    batch.set(3, Scalar::Text(" 12 "));
    batch.set(4, Scalar::Bool(true));
    batch
}

#[test]
fn expressions_have_the_values_of_sql() {
    let batch = batch();
    for (text, expected) in [
        ("n + 1", Scalar::Int(8)),
        ("-n / 2", Scalar::Int(-3)),
        ("n * x", Scalar::Double(17.5)),
        ("n % 4 = 3 and not s = 'b'", Scalar::Bool(true)),
        ("s < 'b'", Scalar::Bool(true)),
        ("n > 6.5", Scalar::Bool(true)),
        ("n between 7 and 8", Scalar::Bool(true)),
        ("n not between 7 and 8", Scalar::Bool(false)),
        ("s in ('x', 'ab')", Scalar::Bool(true)),
        ("s not in ('x', 'ab')", Scalar::Bool(false)),
        ("none is null", Scalar::Bool(true)),
        ("none is not null", Scalar::Bool(false)),
        ("none > 1", Scalar::Null),
        ("none > 1 and b", Scalar::Null),
        ("none > 1 or b", Scalar::Bool(true)),
        ("none > 1 and n = 0", Scalar::Bool(false)),
        ("none + n", Scalar::Null),
        ("coalesce(none, n)", Scalar::Int(7)),
        ("cast(t as double)", Scalar::Double(12.0)),
        ("cast(t as bigint) + n", Scalar::Int(19)),
        ("cast(x as int)", Scalar::Int(2)),
        ("cast('true' as boolean)", Scalar::Bool(true)),
        ("array_length(items) + 1", Scalar::Int(4)),
        ("array_length(nothing)", Scalar::Null),
        ("array_contains(items.name, 'b')", Scalar::Bool(true)),
        ("ARRAY_CONTAINS(items.price, 4)", Scalar::Bool(true)),
        ("array_contains(items.price, 5)", Scalar::Bool(false)),
        ("array_contains(nothing.name, 'b')", Scalar::Null),
        ("array_sum(items.price)", Scalar::Double(5.5)),
        ("array_min(items.price)", Scalar::Double(1.5)),
        ("array_max(items.price)", Scalar::Double(4.0)),
        ("array_sum(nothing.price)", Scalar::Null),
        ("case_free is null", Scalar::Null),
    ] {
        let compiled = compile(text, &mut Row);
        if text.starts_with("case_free") {
            assert_eq!(compiled.unwrap_err().kind(), ErrorKind::Invalid);
            continue;
        }
        let (expression, _) = compiled.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expression.value(row(&batch)).unwrap(), expected, "{text}");
    }
}

#[test]
fn an_expression_without_a_value_says_why() {
    let batch = batch();
    for (text, expected) in [
        ("n / 0", Failure::DivisionByZero),
        ("x / 0", Failure::DivisionByZero),
        ("n * 9223372036854775807", Failure::Overflow),
        ("cast(s as double)", Failure::Cast(ScalarType::Double)),
        ("cast(1e30 as bigint)", Failure::Cast(ScalarType::Int)),
    ] {
        let (expression, _) = compile(text, &mut Row).unwrap();
        assert_eq!(expression.value(row(&batch)).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let deep = format!("{}n{}", "(".repeat(200), ")".repeat(200));
    for (text, kind) in [
        ("n +", ErrorKind::Invalid),
        ("n = 1 n", ErrorKind::Invalid),
        ("nope = 1", ErrorKind::Invalid),
        ("n = 'x'", ErrorKind::Invalid),
        ("s + 1", ErrorKind::Invalid),
        ("n and b", ErrorKind::Invalid),
        ("null", ErrorKind::Invalid),
        ("cast(b as double)", ErrorKind::Invalid),
        ("upper(s) = 'A'", ErrorKind::Unsupported),
        ("array_length(s)", ErrorKind::Invalid),
        ("array_length(items, 1)", ErrorKind::Invalid),
        ("array_length(n + 1)", ErrorKind::Invalid),
        ("array_sum(items.name)", ErrorKind::Invalid),
        ("array_sum(items.nope)", ErrorKind::Invalid),
        ("array_contains(items.name)", ErrorKind::Invalid),
        ("array_contains(items.name, 1)", ErrorKind::Invalid),
        ("array_contains(items.name, null)", ErrorKind::Invalid),
        ("array_product(items.price)", ErrorKind::Unsupported),
        ("(select 1) = n", ErrorKind::Unsupported),
        (&deep, ErrorKind::Invalid),
    ] {
        assert_eq!(compile(text, &mut Row).unwrap_err().kind(), kind, "{text}");
    }
}

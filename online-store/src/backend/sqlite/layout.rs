//! Feast's SQLite layout: one table per view, one row per (entity key, feature).

use larder_core::{Error, Result, ValueType};
use larder_proto::wire::{json, value};
use rusqlite::types::ValueRef;

use crate::ViewTable;

const MICROS: i64 = 1_000_000;

/// The statements on one view's table.
#[derive(Debug)]
pub(super) struct Statements {
    table: String,
    index: String,
    value_num: bool,
}

impl Statements {
    /// # Errors
    /// `Invalid` when the names of the table cannot stand in SQL.
    pub(super) fn new(table: &ViewTable, value_num: bool) -> Result<Self> {
        let name = table_name(table);
        if name.contains('\0') {
            return Err(Error::invalid(format!("the names of {table} contain a NUL character")));
        }
        let index = identifier(&format!("{name}_ek"));
        Ok(Self { table: identifier(&name), index, value_num })
    }

    /// Makes the table; the text is the one Feast 0.67 (`SqliteTable.update`) leaves in `sqlite_master`.
    pub(super) fn create(&self) -> String {
        let Self { table, .. } = self;
        let line = "\n                ";
        let value_num = if self.value_num { "value_num REAL," } else { "" };
        format!(
            "CREATE TABLE IF NOT EXISTS {table} ({line}entity_key BLOB,{line}feature_name TEXT,\
             {line}value BLOB,{line}value_text TEXT,{line}{value_num}{line}vector_value BLOB,\
             {line}event_ts timestamp,{line}created_ts timestamp,\
             {line}PRIMARY KEY(entity_key, feature_name)\n            )"
        )
    }

    /// Makes the index that Feast makes.
    pub(super) fn create_index(&self) -> String {
        format!("CREATE INDEX IF NOT EXISTS {} ON {} (entity_key)", self.index, self.table)
    }

    /// Adds the column that older versions of Feast did not make; fails when it exists.
    pub(super) fn add_value_text(&self) -> String {
        format!("ALTER TABLE {} ADD COLUMN value_text TEXT", self.table)
    }

    /// Adds the numeric column if the store has it; fails when it exists.
    pub(super) fn add_value_num(&self) -> Option<String> {
        self.value_num.then(|| format!("ALTER TABLE {} ADD COLUMN value_num REAL", self.table))
    }

    /// Removes the table.
    pub(super) fn drop(&self) -> String {
        format!("DROP TABLE IF EXISTS {}", self.table)
    }

    /// key -> feature name, value, event timestamp, in the order of the names.
    pub(super) fn read(&self) -> String {
        format!(
            "SELECT feature_name, value, event_ts FROM {} WHERE entity_key = ?1 ORDER BY feature_name",
            self.table
        )
    }

    /// key -> event and created timestamp of its newest feature; one row, of nulls when there is none.
    pub(super) fn newest(&self) -> String {
        format!("SELECT max(event_ts), created_ts FROM {} WHERE entity_key = ?1", self.table)
    }

    /// key, name, value, text, event, created and, if the store has it, number -> nothing.
    pub(super) fn upsert(&self) -> String {
        let Self { table, .. } = self;
        let (column, value, update) = if self.value_num {
            (", value_num", ", ?7", ", value_num = excluded.value_num")
        } else {
            ("", "", "")
        };
        format!(
            "INSERT INTO {table} (entity_key, feature_name, value, value_text, event_ts, created_ts{column}) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6{value}) ON CONFLICT(entity_key, feature_name) DO UPDATE \
             SET value = excluded.value, value_text = excluded.value_text, \
             event_ts = excluded.event_ts, created_ts = excluded.created_ts{update}"
        )
    }

    /// Parameters of [`upsert`](Self::upsert).
    pub(super) fn upsert_width(&self) -> usize {
        if self.value_num { 7 } else { 6 }
    }

    /// key, event, created -> nothing: brings features that a row left out to its time.
    pub(super) fn carry(&self) -> String {
        format!(
            "UPDATE {} SET event_ts = ?2, created_ts = ?3 WHERE entity_key = ?1 \
             AND (event_ts IS NOT ?2 OR created_ts IS NOT ?3)",
            self.table
        )
    }
}

/// Feast's table name: project and storage name of the view.
///
/// Feast 0.67 lets project `a_b` with view `c` share a table with project `a` and view `b_c`; so do we.
fn table_name(table: &ViewTable) -> String {
    format!("{}_{}", table.project(), table.view())
}

/// A name as it stands in SQL: bare when it can be, as Feast writes it, else quoted.
fn identifier(name: &str) -> String {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let plain = first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // The only words of SQLite's grammar with the underscore that every table name has.
    let word = ["current_date", "current_time", "current_timestamp"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    if plain && !word { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whole seconds, as Feast stores times; fractions are cut off towards 1970.
pub(super) fn seconds(micros: i64) -> i64 {
    micros / MICROS
}

/// Whole seconds in microseconds.
pub(super) fn micros(seconds: i64) -> i64 {
    seconds.saturating_mul(MICROS)
}

/// A stored time in UTC microseconds; `None` for SQL's null.
///
/// # Errors
/// `Data` for a text that is not a whole number: Feast 0.67 cannot read it either.
pub(super) fn stored_micros(cell: ValueRef<'_>) -> Result<Option<i64>> {
    let seconds = match cell {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(seconds) => Some(seconds),
        ValueRef::Text(text) => str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
        ValueRef::Real(_) | ValueRef::Blob(_) => None,
    };
    seconds.map(|seconds| Some(micros(seconds))).ok_or_else(|| {
        Error::data("a row of the SQLite online store has a timestamp that is no whole number")
            .with_hint("it was not written by Feast 0.67: materialize the view again")
    })
}

/// The columns `value_text` and `value_num` of a value: text as it is, numbers and booleans as Python prints them.
pub(super) fn text_and_number(encoded: &[u8]) -> Result<(Option<String>, Option<f64>)> {
    Ok(match value::value_case(encoded)? {
        Some(ValueType::String) => (value::read_str(encoded)?.map(str::to_owned), None),
        Some(ValueType::Int32 | ValueType::Int64) => {
            let number = value::read_i64(encoded)?;
            (number.map(|number| number.to_string()), number.map(|number| number as f64))
        }
        Some(ValueType::Float | ValueType::Double) => {
            let number = value::read_f64(encoded)?;
            (number.map(python_float), number)
        }
        Some(ValueType::Bool) => {
            let truth = value::read_bool(encoded)?;
            (truth.map(python_bool), truth.map(|truth| f64::from(u8::from(truth))))
        }
        _ => (None, None),
    })
}

fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let mut text = Vec::new();
    json::write_float(number, &mut text);
    String::from_utf8(text).expect("digits are ASCII")
}

fn python_bool(truth: bool) -> String {
    if truth { "True" } else { "False" }.to_owned()
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn text_and_number_are_those_of_feast() {
        // Feast 0.67: extract_text_and_num(Value.FromString(bytes), True).
        let cases = [
            ("", None, None),
            ("120178", Some("x"), None),
            ("1200", Some(""), None),
            ("18fbffffffffffffffff01", Some("-5"), Some(-5.0)),
            ("20ffffffffffffffffff01", Some("-1"), Some(-1.0)),
            ("3801", Some("True"), Some(1.0)),
            ("3800", Some("False"), Some(0.0)),
            ("29000000000000f03f", Some("1.0"), Some(1.0)),
            ("290000000000000080", Some("-0.0"), Some(-0.0)),
            ("290080e03779c34143", Some("1e+16"), Some(1e16)),
            ("29f168e388b5f8e43e", Some("1e-05"), Some(1e-5)),
            ("35cdcccc3d", Some("0.10000000149011612"), Some(0.100_000_001_490_116_12)),
            ("35ec78ad60", Some("1.0000000200408773e+20"), Some(1.000_000_020_040_877_3e20)),
            ("350000804b", Some("16777216.0"), Some(16_777_216.0)),
            ("35000080ff", Some("-inf"), Some(f64::NEG_INFINITY)),
            ("4005", None, None),
            ("8202027b7d", None, None),
        ];
        for (bytes, text, number) in cases {
            let found = text_and_number(&hex::decode(bytes).unwrap()).unwrap();
            assert_eq!((found.0.as_deref(), found.1), (text, number), "{bytes}");
        }
        let nan = text_and_number(&hex::decode("29000000000000f87f").unwrap()).unwrap();
        assert_eq!(nan.0.as_deref(), Some("nan"));
    }

    #[test]
    fn names_stand_bare_when_they_can() {
        for (name, expected) in [
            ("shop_users", "shop_users"),
            ("shop_users_v2", "shop_users_v2"),
            ("my-shop_users", "\"my-shop_users\""),
            ("1shop_users", "\"1shop_users\""),
            ("a\"b_c", "\"a\"\"b_c\""),
            ("größe_v", "\"größe_v\""),
            ("CURRENT_DATE", "\"CURRENT_DATE\""),
            ("", "\"\""),
        ] {
            assert_eq!(identifier(name), expected);
        }
    }

    #[test]
    fn a_name_with_nul_is_refused() {
        let table = ViewTable::new("p", "v\0", ["f"]).unwrap();
        assert_eq!(Statements::new(&table, false).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn times_are_whole_seconds() {
        // Feast 0.67: int(datetime.timestamp()).
        for (written, stored) in [(1_999_999, 1), (-1_999_999, -1), (-1, 0), (0, 0)] {
            assert_eq!(seconds(written), stored);
        }
        assert_eq!(stored_micros(ValueRef::Integer(7)).unwrap(), Some(7_000_000));
        assert_eq!(stored_micros(ValueRef::Text(b"7")).unwrap(), Some(7_000_000));
        assert_eq!(stored_micros(ValueRef::Null).unwrap(), None);
        for odd in [ValueRef::Text(b"2024-01-01"), ValueRef::Real(1.5), ValueRef::Blob(b"7")] {
            assert_eq!(stored_micros(odd).unwrap_err().kind(), ErrorKind::Data);
        }
    }
}

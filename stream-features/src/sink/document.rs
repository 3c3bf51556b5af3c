//! Rows as JSON.

use chrono::{DateTime, SecondsFormat};
use larder_core::{Error, Result, Value};
use serde_json::{Map, Value as Json};

use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow, decode_key};

/// How rows are written as objects: the columns of the key, `event_timestamp` for rows of windows, the values, each in the
/// order of the definition.
///
/// A later version of a row says so: `"change": "replace"`, or `"withdraw"` with nothing but what names the row.
#[derive(Debug, Clone)]
pub struct RowDocument(RowSchema);

impl RowDocument {
    /// For rows of this shape.
    pub fn new(row: &RowSchema) -> Self {
        Self(row.clone())
    }

    /// The object of a row.
    ///
    /// # Errors
    /// `Data` when its key cannot be read back.
    pub fn object(&self, row: &OutputRow) -> Result<Map<String, Json>> {
        let mut object = Map::new();
        for (field, value) in self.0.key.iter().zip(decode_key(&row.key)?) {
            object.insert(field.name.clone(), json(&value)?);
        }
        if self.0.is_timed {
            object.insert(self.0.result.to_owned(), Json::String(iso(row.time)));
        } else if row.change == Change::Withdraw {
            let millis = row.result.div_euclid(1_000);
            object.insert(self.0.result.to_owned(), Json::Number(millis.into()));
        }
        for (field, value) in self.0.values.iter().zip(&row.values) {
            object.insert(field.name.clone(), json(value)?);
        }
        let change = match row.change {
            Change::Insert => return Ok(object),
            Change::Replace => "replace",
            Change::Withdraw => "withdraw",
        };
        object.insert("change".to_owned(), Json::String(change.to_owned()));
        Ok(object)
    }
}

/// Milliseconds in UTC, or microseconds where there are any.
fn iso(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || micros.to_string(),
        |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

fn json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int64(number) => Json::Number((*number).into()),
        // JSON has neither infinities nor NaN.
        Value::Double(number) => Json::from(*number),
        Value::String(text) => Json::String(text.clone()),
        Value::List(_, items) => Json::Array(items.iter().map(json).collect::<Result<_>>()?),
        other => return Err(Error::internal(format!("no aggregate has the value {other:?}"))),
    })
}

//! A request for online features, apart from any wire format.

use std::fmt::Display;

use larder_core::{Error, Result, Selection, Timestamp, Value, ValueType};
use larder_proto::convert;

/// What to read for which entity rows.
#[derive(Debug, Clone)]
pub struct OnlineRequest {
    /// Features or a feature service.
    pub selection: Selection,
    /// Names columns `view__feature`.
    pub full_feature_names: bool,
    /// Entity columns and request data, in request order; all of one length.
    pub columns: Vec<RequestColumn>,
    /// Adds view versions to the answer.
    pub include_view_versions: bool,
}

/// One column of a request, named by join key, entity or request field.
#[derive(Debug, Clone)]
pub struct RequestColumn {
    /// Name.
    pub name: String,
    /// One value per row.
    pub values: RequestValues,
}

/// Values as they came over the wire; typed once the plan tells the declared type.
#[derive(Debug, Clone)]
pub enum RequestValues {
    /// From an HTTP body.
    Json(Vec<serde_json::Value>),
    /// From a gRPC message.
    Typed(Vec<Value>),
}

impl RequestValues {
    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(values) => values.len(),
            Self::Typed(values) => values.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as `value_type`, cast as Feast casts them (`"1001"` and `1001.0` to 1001).
    ///
    /// # Errors
    /// `Invalid` naming the column and the row that cannot be cast.
    pub fn typed(&self, column: &str, value_type: ValueType) -> Result<Vec<Value>> {
        let at =
            |row: usize, error: Error| error.context(format!("column \"{column}\", row {row}"));
        match self {
            Self::Json(values) => values
                .iter()
                .enumerate()
                .map(|(row, value)| {
                    convert::value_from_json(value, value_type).map_err(|error| at(row, error))
                })
                .collect(),
            Self::Typed(values) => values
                .iter()
                .enumerate()
                .map(|(row, value)| {
                    convert::cast_value(value.clone(), value_type).map_err(|error| at(row, error))
                })
                .collect(),
        }
    }
}

impl RequestColumn {
    /// The values as instants: ISO 8601 texts (without zone: UTC), whole numbers of nanoseconds in JSON, as pandas reads
    /// them, and unix timestamps. Value types would cut them to seconds. Null is no instant.
    ///
    /// # Errors
    /// `Invalid` naming the column and the row of anything else.
    pub(crate) fn instants(&self) -> Result<Vec<Option<Timestamp>>> {
        match &self.values {
            RequestValues::Json(values) => each(values, |row, value| match value {
                serde_json::Value::Null => Ok(None),
                serde_json::Value::String(text) => self.instant(row, text).map(Some),
                serde_json::Value::Number(number) => number
                    .as_i64()
                    .map(|nanos| Some(Timestamp::from_micros(nanos.div_euclid(1000))))
                    .ok_or_else(|| self.no_instant(row, number)),
                other => Err(self.no_instant(row, other)),
            }),
            RequestValues::Typed(values) => each(values, |row, value| match value {
                Value::Null => Ok(None),
                Value::UnixTimestamp(seconds) => Ok(Some(Timestamp::from_seconds(*seconds))),
                Value::String(text) => self.instant(row, text).map(Some),
                other => Err(self.no_instant(row, format_args!("{:?}", other.value_type()))),
            }),
        }
    }

    fn instant(&self, row: usize, text: &str) -> Result<Timestamp> {
        convert::parse_timestamp(text).map_err(|_| self.no_instant(row, format_args!("\"{text}\"")))
    }

    fn no_instant(&self, row: usize, value: impl Display) -> Error {
        Error::invalid(format!("column \"{}\", row {row}: {value} is not a timestamp", self.name))
            .with_hint("write it in ISO 8601, for instance 2026-01-31T12:00:00Z")
    }
}

fn each<V, T>(values: &[V], read: impl Fn(usize, &V) -> Result<T>) -> Result<Vec<T>> {
    values.iter().enumerate().map(|(row, value)| read(row, value)).collect()
}

impl OnlineRequest {
    /// The number of entity rows.
    ///
    /// # Errors
    /// `Invalid` when the columns differ in length.
    pub fn rows(&self) -> Result<usize> {
        let Some(first) = self.columns.first() else { return Ok(0) };
        let rows = first.values.len();
        match self.columns.iter().find(|column| column.values.len() != rows) {
            None => Ok(rows),
            Some(other) => Err(Error::invalid(format!(
                "column \"{}\" has {rows} rows, column \"{}\" has {}",
                first.name,
                other.name,
                other.values.len()
            ))
            .with_hint("all entity columns must have the same length")),
        }
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use serde_json::json;

    use super::*;

    fn instants(values: RequestValues) -> Result<Vec<Option<i64>>> {
        let column = RequestColumn { name: "ts".to_owned(), values };
        let instants = column.instants()?;
        Ok(instants.into_iter().map(|time| time.map(Timestamp::micros)).collect())
    }

    #[test]
    fn texts_and_numbers_are_instants() {
        let json = vec![
            json!("1970-01-01T00:00:01.5Z"),
            json!("1970-01-01 02:00:01+02:00"),
            json!(1_500),
            json!(-1),
            json!(null),
        ];
        let expected = [Some(1_500_000), Some(1_000_000), Some(1), Some(-1), None];
        assert_eq!(instants(RequestValues::Json(json)).unwrap(), expected);
        let typed = vec![Value::UnixTimestamp(2), Value::from("1970-01-01T00:00:01"), Value::Null];
        let expected = [Some(2_000_000), Some(1_000_000), None];
        assert_eq!(instants(RequestValues::Typed(typed)).unwrap(), expected);
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [json!("soon"), json!(1.5), json!(true), json!([1])] {
            let error = instants(RequestValues::Json(vec![value.clone()])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
        }
        let error = instants(RequestValues::Typed(vec![Value::Bool(true)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

//! A request for online features, apart from any wire format.

use larder_core::{Error, Result, Selection, Value, ValueType};
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

//! Entity rows given as JSON on the command line.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use larder_core::{Error, Result};
use larder_offline_store::EntityRows;
use serde_json::{Map, Value};

/// A JSON list of objects as rows; keys that an object lacks are null in its row.
///
/// A column is of integers, floats, booleans or text, whatever fits all its values. Times stay text, which
/// the offline store reads as ISO 8601.
///
/// # Errors
/// `Invalid` for anything but a list of flat objects.
pub(super) fn parse(json: &str) -> Result<EntityRows> {
    let shape = || {
        Error::invalid("--dataframe is not a JSON list of objects").with_hint(
            "for instance [{\"driver_id\": 1001, \"event_timestamp\": \"2026-01-31T12:00:00\"}]",
        )
    };
    let rows: Vec<Map<String, Value>> =
        serde_json::from_str(json).map_err(|error| shape().with_source(error))?;
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(shape());
    }
    let columns = names
        .into_iter()
        .map(|name| {
            let values: Vec<&Value> =
                rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null)).collect();
            Ok((name.clone(), column(name, &values)?, true))
        })
        .collect::<Result<Vec<_>>>()?;
    let batch = RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Error::internal("entity columns do not fit").with_source(error))?;
    Ok(EntityRows::from(batch))
}

fn column(name: &str, values: &[&Value]) -> Result<ArrayRef> {
    let all = |fits: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || fits(value));
    Ok(if all(Value::is_i64) {
        Arc::new(values.iter().map(|value| value.as_i64()).collect::<Int64Array>())
    } else if all(Value::is_number) {
        Arc::new(values.iter().map(|value| value.as_f64()).collect::<Float64Array>())
    } else if all(Value::is_boolean) {
        Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>())
    } else if all(Value::is_string) {
        Arc::new(values.iter().map(|value| value.as_str()).collect::<StringArray>())
    } else {
        return Err(Error::invalid(format!(
            "--dataframe: the values of \"{name}\" are of several types"
        )));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::ErrorKind;

    fn batch(json: &str) -> RecordBatch {
        match parse(json).unwrap() {
            EntityRows::Batches { mut batches, .. } => batches.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_take_the_type_of_their_values() {
        let rows = batch(r#"[{"a": 1, "t": "2026-01-01"}, {"b": 0.5, "c": true, "a": null}]"#);
        let types: Vec<String> =
            rows.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
        assert_eq!(types, ["Int64", "Utf8", "Float64", "Boolean"]);
        assert_eq!(rows.column(0).null_count(), 1);
    }

    #[test]
    fn anything_but_flat_objects_is_refused() {
        for json in ["", "{}", "[]", "[1]", "[{}]", r#"[{"a": [1]}]"#, r#"[{"a": 1}, {"a": "x"}]"#]
        {
            assert_eq!(parse(json).unwrap_err().kind(), ErrorKind::Invalid, "{json}");
        }
    }
}

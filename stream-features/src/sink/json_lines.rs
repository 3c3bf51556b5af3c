//! Rows as JSON lines.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat};
use larder_core::{Error, Result, Value};
use serde_json::{Map, Value as Json};

use super::{Sink, failed};
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow, decode_key};

/// A file with an object per row: key, values, and for rows of windows `event_timestamp`.
///
/// A later version of a row says so: `"change": "replace"`, or `"withdraw"` with nothing but what names the row.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    writer: BufWriter<File>,
    row: RowSchema,
}

impl JsonLines {
    /// Begins the file anew, with the folders above it.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub fn create(path: &Path, row: &RowSchema) -> Result<Self> {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let file = made.and_then(|()| File::create(path)).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), writer: BufWriter::new(file), row: row.clone() })
    }

    fn object(&self, row: &OutputRow) -> Result<Map<String, Json>> {
        let mut object = Map::new();
        for (field, value) in self.row.key.iter().zip(decode_key(&row.key)?) {
            object.insert(field.name.clone(), json(&value)?);
        }
        if self.row.is_timed {
            object.insert(self.row.result.to_owned(), Json::String(iso(row.time)));
        } else if row.change == Change::Withdraw {
            let millis = row.result.div_euclid(1_000);
            object.insert(self.row.result.to_owned(), Json::Number(millis.into()));
        }
        for (field, value) in self.row.values.iter().zip(&row.values) {
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

#[async_trait]
impl Sink for JsonLines {
    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        for row in rows {
            let object = self.object(row)?;
            serde_json::to_writer(&mut self.writer, &object)
                .map_err(std::io::Error::from)
                .and_then(|()| self.writer.write_all(b"\n"))
                .map_err(|error| failed(&self.path, error))?;
        }
        self.writer.flush().map_err(|error| failed(&self.path, error))
    }

    async fn finish(&mut self) -> Result<()> {
        let flushed = self.writer.flush().and_then(|()| self.writer.get_ref().sync_all());
        flushed.map_err(|error| failed(&self.path, error))
    }
}

//! What is said to a worker, and what its answers mean.

use std::io::Cursor;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use larder_core::{Error, Result};
use larder_transform::{Column, Function, Mode, Phase, Raised};
use serde_json::{Value, json};

use crate::message::Message;

/// A call as bytes: everything about the function comes along, so that any worker can answer, also a fresh one.
///
/// # Errors
/// `Internal` when Arrow refuses to write the batch.
pub(crate) fn call(
    function: &Function,
    inputs: &RecordBatch,
    timeout: Duration,
) -> Result<Vec<u8>> {
    let header = json!({
        "text": function.source().text,
        "name": function.name(),
        "mode": if function.mode() == Mode::Pandas { "pandas" } else { "python" },
        "singleton": function.singleton(),
        "inputs": columns(function.inputs()),
        "outputs": columns(function.outputs()),
        "seconds": timeout.as_secs_f64(),
    });
    let mut body = Vec::new();
    StreamWriter::try_new(&mut body, inputs.schema_ref())
        .and_then(|mut writer| {
            writer.write(inputs)?;
            writer.finish()
        })
        .map_err(|error| {
            Error::internal("the inputs of a function cannot be written").with_source(error)
        })?;
    Ok(Message::encode(&header, &body))
}

/// A message that any healthy worker answers.
pub(crate) fn greeting() -> Vec<u8> {
    Message::encode(&json!({}), &[])
}

fn columns(columns: &[Column]) -> Value {
    columns.iter().map(|column| json!([column.name, column.value_type.name()])).collect()
}

/// The columns of an answer.
///
/// # Errors
/// [`Function::raised`] for an exception, `Internal` for what is no answer.
pub(crate) fn answer(function: &Function, message: Message) -> Result<Vec<ArrayRef>> {
    if let Some(error) = message.header.get("error") {
        return Err(function.raised(&raised(error)));
    }
    let unreadable = |error| {
        Error::internal(format!(
            "on demand feature view \"{}\": unreadable answer",
            function.view()
        ))
        .with_source(error)
    };
    let mut batches = StreamReader::try_new(Cursor::new(message.body), None).map_err(unreadable)?;
    match batches.next() {
        Some(batch) => Ok(batch.map_err(unreadable)?.columns().to_vec()),
        None => Ok(Vec::new()),
    }
}

fn raised(error: &Value) -> Raised {
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    Raised {
        phase: match error["phase"].as_str() {
            Some("load") => Phase::Load,
            Some("call") => Phase::Call,
            _ => Phase::Result,
        },
        exception: text("exception"),
        message: text("message"),
        line: error["line"].as_u64().and_then(|line| u32::try_from(line).ok()).unwrap_or(0),
    }
}

//! Tables on their way in: of limited size, and never waited for without end.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use arrow_flight::decode::{DecodedFlightData, DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::{FlightData, FlightDescriptor};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use larder_core::{Error, ErrorKind};
use tonic::Status;

use super::OfflineConfig;
use super::part;
use super::status::flight_status;
use super::table::Table;

/// What a message costs besides its bytes.
const OVERHEAD: usize = 1024;

/// A command with the table that came along.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) descriptor: FlightDescriptor,
    pub(super) table: Table,
    /// Bytes that the table holds, about.
    pub(super) bytes: usize,
}

type Messages = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

impl Upload {
    /// Reads a stream to its end. Nothing is answered before: a client that still sends does not listen.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a stream without command or schema, one that cannot be decoded, and a table beyond the
    /// limits; `DEADLINE_EXCEEDED` when the next message does not come in time; what the connection answers.
    pub(super) async fn receive(
        messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
        config: &OfflineConfig,
    ) -> Result<Self, Status> {
        let mut messages: Messages = Box::pin(in_time(messages, config.upload_timeout));
        let Some(mut first) = messages.next().await.transpose()? else {
            return Err(refused("the call ended before its command"));
        };
        let descriptor = first.flight_descriptor.take();
        let descriptor = descriptor.ok_or_else(|| refused("the first message has no command"))?;
        let all = stream::once(async { Ok(first) }).chain(messages);
        // A message without a header carries no part of the table.
        let parts = all.filter(|part| {
            let is_part = part.as_ref().map_or(true, |part| !part.data_header.is_empty());
            std::future::ready(is_part)
        });
        let checked = parts.map(|part| match part {
            Ok(part) if !part::is_whole(&part) => {
                Err(refused("the uploaded table cannot be read: a part of it is cut off").into())
            }
            part => part.map_err(FlightError::from),
        });
        let decoder = FlightDataDecoder::new(checked);
        let (table, bytes) = collect(decoder, config).await?;
        Ok(Self { descriptor, table, bytes })
    }
}

/// The messages, each within its time.
fn in_time(
    messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    limit: Duration,
) -> impl Stream<Item = Result<FlightData, Status>> + Send + 'static {
    stream::unfold(Some(Box::pin(messages)), move |messages| async move {
        let mut messages = messages?;
        if let Ok(next) = tokio::time::timeout(limit, messages.next()).await {
            return next.map(|next| (next, Some(messages)));
        }
        let message = format!("the next part of the table did not arrive within {limit:?}");
        Some((Err(flight_status(&Error::new(ErrorKind::Deadline, message))), None))
    })
}

async fn collect(
    mut decoder: FlightDataDecoder,
    config: &OfflineConfig,
) -> Result<(Table, usize), Status> {
    let mut table: Option<Table> = None;
    let mut bytes: usize = 0;
    while let Some(decoded) = next(&mut decoder).await? {
        let size = decoded.inner.data_header.len() + decoded.inner.data_body.len() + OVERHEAD;
        bytes = bytes.saturating_add(size);
        if bytes > config.max_upload_bytes {
            return Err(refused(&format!(
                "the table has more than {} bytes; hint: raise serving.offline.upload_bytes",
                config.max_upload_bytes
            )));
        }
        match (decoded.payload, &mut table) {
            (DecodedPayload::None, _) => {}
            (DecodedPayload::Schema(schema), None) => {
                if schema.fields().len() > config.max_columns {
                    return Err(refused(&format!(
                        "the table has {} columns, at most {} are read",
                        schema.fields().len(),
                        config.max_columns
                    )));
                }
                table = Some(Table { schema, batches: Vec::new() });
            }
            (DecodedPayload::Schema(_), Some(_)) => {
                return Err(refused("the table has two schemas"));
            }
            (DecodedPayload::RecordBatch(batch), Some(table)) => table.batches.push(batch),
            (DecodedPayload::RecordBatch(_), None) => {
                return Err(refused("rows came before their schema"));
            }
        }
    }
    table.map(|table| (table, bytes)).ok_or_else(|| refused("no table came with the command"))
}

/// The next part. The decoder panics over some of what the format forbids; the call alone ends then.
async fn next(decoder: &mut FlightDataDecoder) -> Result<Option<DecodedFlightData>, Status> {
    let decoded = AssertUnwindSafe(decoder.next()).catch_unwind().await;
    let decoded = decoded.map_err(|_| refused("the uploaded table cannot be read"))?;
    decoded.transpose().map_err(undecoded)
}

fn undecoded(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => refused(&format!("the uploaded table cannot be read: {other}")),
    }
}

fn refused(message: &str) -> Status {
    flight_status(&Error::invalid(message))
}

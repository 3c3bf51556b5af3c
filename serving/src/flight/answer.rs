//! Answers on their way out.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use larder_offline_store::BatchStream;
use tonic::Status;

use super::status::flight_status;
use crate::metrics::{Direction, Metrics};

/// Messages of a stream.
pub(super) type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Rows as Flight messages, the schema first, also without any row. Batches are read as the client takes them.
pub(super) fn messages(
    rows: BatchStream,
    api: &'static str,
    metrics: Option<Arc<Metrics>>,
) -> Messages<FlightData> {
    let schema = rows.schema();
    let batches = rows.map(move |batch| match batch {
        Ok(batch) => {
            if let Some(metrics) = &metrics {
                metrics.offline_rows(api, Direction::Out, batch.num_rows() as u64);
            }
            Ok(batch)
        }
        Err(error) => Err(FlightError::from(flight_status(&error))),
    });
    let encoded = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Box::pin(encoded.map_err(Status::from))
}

/// A stream of messages at hand.
pub(super) fn at_hand<T: Send + 'static>(messages: Vec<T>) -> Messages<T> {
    Box::pin(futures::stream::iter(messages.into_iter().map(Ok)))
}

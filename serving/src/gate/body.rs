//! Request bodies, read before anything works on them: of limited size, in limited time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::sync::OwnedSemaphorePermit;

use super::{BUFFER_UNIT, Gate, units};

/// How long the rest of a body that is too large is still read, so that its client hears why.
const FAREWELL: Duration = Duration::from_secs(2);

/// A body that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyRefusal {
    TooLarge,
    TooSlow,
    /// The client went away in the middle, or broke the protocol.
    Broken,
}

/// A body with the memory that it holds.
#[derive(Debug)]
pub(super) struct ReadBody {
    pub(super) bytes: Bytes,
    _memory: OwnedSemaphorePermit,
}

impl Gate {
    /// Reads a whole body, waiting for memory if others hold it.
    pub(super) async fn read_body(
        &self,
        headers: &HeaderMap,
        mut body: Incoming,
    ) -> Result<ReadBody, BodyRefusal> {
        let reading = self.read_within_limit(&mut body);
        let read = tokio::time::timeout(self.config.body_timeout, reading).await;
        let read = read.unwrap_or(Err(BodyRefusal::TooSlow));
        // A client that asked whether it may send has not sent anything.
        if read.as_ref().err() == Some(&BodyRefusal::TooLarge)
            && !headers.contains_key(header::EXPECT)
        {
            discard(body).await;
        }
        read
    }

    async fn read_within_limit(&self, body: &mut Incoming) -> Result<ReadBody, BodyRefusal> {
        let limit = self.config.max_body_bytes;
        let declared =
            body.size_hint().upper().map_or(limit, |size| size.try_into().unwrap_or(usize::MAX));
        if declared > limit {
            return Err(BodyRefusal::TooLarge);
        }
        let wanted = u32::try_from(units(declared.max(BUFFER_UNIT))).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.buffers).acquire_many_owned(wanted).await;
        let memory = memory.map_err(|_| BodyRefusal::Broken)?;
        match Limited::new(body, limit).collect().await {
            Ok(collected) => Ok(ReadBody { bytes: collected.to_bytes(), _memory: memory }),
            Err(error) if error.is::<LengthLimitError>() => Err(BodyRefusal::TooLarge),
            Err(_) => Err(BodyRefusal::Broken),
        }
    }
}

/// Reads and forgets: an answer to a client that still sends would be lost.
async fn discard(mut body: Incoming) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // What comes later is answered by the closed connection.
    drop(tokio::time::timeout(FAREWELL, rest).await);
}

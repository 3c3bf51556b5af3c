//! Whether somebody listens at a scheduler's address.

use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);

/// Connects once, so that an address at which nobody listens is told in few words.
///
/// # Errors
/// `Unavailable`.
pub(crate) async fn reach(scheduler: &str) -> Result<()> {
    let connected = timeout(ATTEMPT, TcpStream::connect(scheduler)).await;
    let connected = connected.unwrap_or_else(|late| Err(late.into()));
    connected.map(drop).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("no Ballista scheduler answers at {scheduler}"))
            .with_source(error)
            .with_hint("is it running (fs cluster scheduler), and is this its address?")
    })
}

/// Connects again and again for so long.
///
/// # Errors
/// That of the last attempt.
pub(crate) async fn reach_within(scheduler: &str, patience: Duration) -> Result<()> {
    let reached = async {
        while reach(scheduler).await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
    };
    match timeout(patience, reached).await {
        Ok(()) => Ok(()),
        Err(_) => reach(scheduler).await,
    }
}

//! Waiting for a store that does not answer.

use std::time::Duration;

use larder_core::{ErrorKind, Result};

use super::RunOptions;

/// First pause; every further one is twice as long.
const FIRST: Duration = Duration::from_millis(50);

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// Does something again and again, with growing pauses, while it fails in a way that may pass. Answers whether it had to
/// wait.
///
/// # Errors
/// What the attempt answers, when it will not pass or when the run is to end.
pub(super) async fn until_done<T>(
    job: &str,
    options: &RunOptions,
    mut attempt: impl AsyncFnMut() -> Result<T>,
) -> Result<(T, bool)> {
    let mut pause = FIRST;
    let mut waited = false;
    loop {
        match attempt().await {
            Ok(done) => {
                if waited {
                    options.observer.went_on(job);
                }
                return Ok((done, waited));
            }
            // What belongs to another reader now does not come back by waiting.
            Err(error) if error.kind() == ErrorKind::Conflict => return Err(error),
            Err(error) if error.kind().is_retryable() && !options.stop.is_requested() => {
                options.observer.held_back(job, &error, pause);
                options.stop.within(pause).await;
                (pause, waited) = ((pause * 2).min(LONGEST), true);
            }
            Err(error) => return Err(error),
        }
    }
}

//! A walk over the keys of one project, on every server that holds keys.

use std::collections::VecDeque;
use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use redis::Value;

use super::client::{Client, Primary, parse};
use super::cluster::Assignment;
use super::error::Fault;
use super::layout::{entity_key_of, scan_pattern};

/// Keys that one step looks at.
const STEP: usize = 1_000;

/// How often all keys are looked at while slots of a cluster move.
const PASSES: usize = 10;

/// Between two of these.
const PAUSE: Duration = Duration::from_secs(1);

/// Every key that is there from beginning to end is seen, some of them twice.
///
/// A key that moves from a node that is still to be looked at to one that was is seen by neither. So a walk over a cluster
/// whose slots moved meanwhile begins again.
pub(super) struct Scan<'a> {
    client: &'a Client,
    project: &'a str,
    pattern: Vec<u8>,
    /// Servers of this pass that are not done, with the place to go on at.
    rest: VecDeque<(Primary, Vec<u8>)>,
    /// The slots when the pass began.
    before: Option<Assignment>,
    pass: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(client: &'a Client, project: &'a str) -> Self {
        let pattern = scan_pattern(project);
        Self { client, project, pattern, rest: VecDeque::new(), before: None, pass: 0 }
    }

    /// How often the walk has begun.
    pub(super) fn pass(&self) -> usize {
        self.pass
    }

    /// The next keys, which may be none; `None` when all were seen.
    ///
    /// # Errors
    /// `Conflict` when slots never stayed where they were.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>> {
        if self.rest.is_empty() && !self.begin().await? {
            return Ok(None);
        }
        let step = self.step().await;
        step.map(Some).map_err(|fault| self.client.error(&fault))
    }

    /// Begins another pass if there has to be one.
    async fn begin(&mut self) -> Result<bool> {
        let fault = |fault: Fault| self.client.error(&fault);
        let primaries = self.client.primaries().await.map_err(fault)?;
        let now = self.client.assignment(&primaries).await.map_err(fault)?;
        if let Some(before) = &self.before {
            if now.stayed(before) {
                return Ok(false);
            }
            if self.pass == PASSES {
                return Err(restless());
            }
            tokio::time::sleep(PAUSE).await;
            tracing::info!(
                pass = self.pass,
                "slots of the cluster moved: its keys are looked at again"
            );
        }
        self.pass += 1;
        self.before = Some(now);
        self.rest = primaries.into_iter().map(|primary| (primary, b"0".to_vec())).collect();
        Ok(true)
    }

    async fn step(&mut self) -> Result<Vec<Vec<u8>>, Fault> {
        let Some((primary, cursor)) = self.rest.front_mut() else { return Ok(Vec::new()) };
        let mut command = redis::cmd("SCAN");
        command.arg(&*cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(STEP);
        command.arg("TYPE").arg("hash");
        let answer: Value = self.client.ask(primary, command).await?;
        let (next, mut keys): (Vec<u8>, Vec<Vec<u8>>) =
            redis::from_redis_value(answer).map_err(parse)?;
        if next == b"0" {
            self.rest.pop_front();
        } else {
            *cursor = next;
        }
        keys.retain(|key| entity_key_of(key, self.project).is_some());
        Ok(keys)
    }
}

fn restless() -> Error {
    let message = format!(
        "slots of the cluster moved each of the {PASSES} times that its keys were looked at"
    );
    Error::new(ErrorKind::Conflict, message).with_hint(
        "run the same command again when slots have stopped moving: keys may have been overlooked",
    )
}

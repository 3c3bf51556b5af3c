//! How jobs run.

use std::sync::Arc;
use std::time::Duration;

use larder_core::Timestamp;
use tokio::sync::watch;

use super::observer::{RunObserver, Silent};

/// How jobs run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Only events from this time on.
    pub start: Option<Timestamp>,
    /// Only events before this time.
    pub end: Option<Timestamp>,
    /// Whether nothing is told before the last event was seen, so that no event is too late whatever the order: for a
    /// backfill. State then covers the whole time.
    pub hold_watermark: bool,
    /// Time between commits while there is something to commit.
    pub commit_interval: Duration,
    /// When the run ends by itself.
    pub until: Until,
    /// Ends the run from outside, after a last commit.
    pub stop: Stop,
    /// Whether the events are dead letters: positions stay as they are, and those that still cannot be used take the
    /// place of all letters so far.
    pub is_replay: bool,
    /// Is told what happens.
    pub observer: Arc<dyn RunObserver>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            start: None,
            end: None,
            hold_watermark: false,
            commit_interval: Duration::from_millis(250),
            until: Until::End,
            stop: Stop::default(),
            is_replay: false,
            observer: Arc::new(Silent),
        }
    }
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// With the last event that the source has now: everything that is open is told then.
    #[default]
    End,
    /// Never: when the source has ended, nothing more is told.
    Stopped,
}

/// A request to end, which may come at any time. By default none ever comes.
#[derive(Debug, Clone, Default)]
pub struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    /// A request that is made by sending `true`.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(Some(receiver)))
    }

    /// Whether it was made.
    pub fn is_requested(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow())
    }

    /// Waits until it is made or this time has passed.
    pub async fn within(&self, time: Duration) {
        let Some(receiver) = &self.0 else { return tokio::time::sleep(time).await };
        let mut receiver = receiver.clone();
        let requested = receiver.wait_for(|requested| *requested);
        if let Ok(Err(_)) = tokio::time::timeout(time, requested).await {
            // Nobody is left who could ask.
            tokio::time::sleep(time).await;
        }
    }
}

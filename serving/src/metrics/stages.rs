//! Where the time of a request for online features goes.

use std::time::Instant;

use tracing::Span;

use super::Metrics;
use crate::traces;

/// A part of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Plan looked up, request columns typed.
    Plan,
    /// Stored rows read.
    Store,
    /// On-demand views computed.
    Transform,
    /// Answer written in the protocol's format.
    Encode,
}

impl Stage {
    pub(super) const ALL: [Self; 4] = [Self::Plan, Self::Store, Self::Transform, Self::Encode];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Store => "store",
            Self::Transform => "transform",
            Self::Encode => "encode",
        }
    }
}

/// A stopwatch that goes from stage to stage, with a span for each; it does not even look at the clock without metrics.
///
/// A stage that fails has a span and is not counted.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    stage: Stage,
    since: Option<(&'a Metrics, Instant)>,
    _span: Span,
}

impl<'a> Stages<'a> {
    /// Starts the first stage.
    pub(crate) fn start(metrics: Option<&'a Metrics>, stage: Stage) -> Self {
        let since = metrics.map(|metrics| (metrics, Instant::now()));
        Self { stage, since, _span: traces::stage(stage.name()) }
    }

    /// Ends the stage and starts the next.
    pub(crate) fn then(self, next: Stage) -> Self {
        let since = self.observe();
        Self { stage: next, since, _span: traces::stage(next.name()) }
    }

    /// Ends the last stage.
    pub(crate) fn end(self) {
        self.observe();
    }

    fn observe(&self) -> Option<(&'a Metrics, Instant)> {
        let (metrics, since) = self.since?;
        let now = Instant::now();
        metrics.stage(self.stage, now - since);
        Some((metrics, now))
    }
}

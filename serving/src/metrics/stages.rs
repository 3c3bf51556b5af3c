//! Where the time of a request for online features goes.

use std::time::Instant;

use super::Metrics;

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

/// A stopwatch that goes from stage to stage; it does not even look at the clock without metrics.
#[derive(Debug)]
pub(crate) struct Stages<'a>(Option<(&'a Metrics, Instant)>);

impl<'a> Stages<'a> {
    /// Starts the first stage.
    pub(crate) fn start(metrics: Option<&'a Metrics>) -> Self {
        Self(metrics.map(|metrics| (metrics, Instant::now())))
    }

    /// Ends this stage, which starts the next.
    pub(crate) fn end(&mut self, stage: Stage) {
        if let Some((metrics, since)) = &mut self.0 {
            let now = Instant::now();
            metrics.stage(stage, now - *since);
            *since = now;
        }
    }
}

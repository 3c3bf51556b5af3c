//! Where finished intervals go.

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::{FeatureView, Interval, Result};

/// Records what was materialized; implemented over the registry by the composition root.
#[async_trait]
pub trait IntervalRecorder: Debug + Send + Sync {
    /// Appends an interval to the view's record and marks the view as available online.
    ///
    /// Called once per view, only after every row of the interval is durable in the online store.
    ///
    /// # Errors
    /// `NotFound` when the view was deleted meanwhile; whatever the registry answers.
    async fn record(&self, view: &FeatureView, interval: Interval) -> Result<()>;
}

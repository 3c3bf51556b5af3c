//! What is to be done for one view.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{FeatureView, Interval, Timestamp};

use crate::on_demand::OnDemandRows;
use crate::precomputed::PrecomputedService;

/// One view and the closed interval to materialize.
#[derive(Debug, Clone)]
pub struct ViewTask {
    /// The view.
    pub view: Arc<FeatureView>,
    /// Name of its online table, see [`ViewTask::new`].
    pub table: String,
    /// Event times to read and to record, both ends included.
    pub interval: Interval,
    /// From where on rows are read: the start of the interval, or before it for rows that came late.
    pub read_from: Timestamp,
    /// Whether the start depends on when the run begins; a run that was cut off is then gone on with from its own start.
    pub start_moves: bool,
    /// What computes the rows of an on-demand view; `None` for a view whose rows stand in its batch source.
    pub computation: Option<Arc<dyn OnDemandRows>>,
    /// Services whose vectors hold features of the view; they are made anew for every entity written.
    pub services: Vec<Arc<PrecomputedService>>,
}

impl ViewTask {
    /// A task for the view's current version; with `online_versioning` its table carries the version number.
    pub fn new(view: Arc<FeatureView>, online_versioning: bool, interval: Interval) -> Self {
        let table = view.table_name(online_versioning);
        Self {
            table,
            view,
            interval,
            read_from: interval.start,
            start_moves: false,
            computation: None,
            services: Vec::new(),
        }
    }

    /// The task of an [incremental](crate::incremental) run. Where an earlier run left off, rows that came late by at most
    /// `overlap` are read too; the interval that is recorded stays as it is. Nothing comes late for a view that was never
    /// materialized, nor for one that is computed.
    #[must_use]
    pub fn incremental(mut self, overlap: Duration) -> Self {
        let left_off = self.view.meta.most_recent_end_time() == Some(self.interval.start);
        if left_off {
            self.read_from = self.interval.start.minus(overlap);
        }
        self.start_moves = !left_off;
        self
    }

    /// The task of an on-demand view (in the form of [`OnDemandFeatureView::stored`](larder_core::OnDemandFeatureView::stored)).
    pub fn computed(self, computation: Arc<dyn OnDemandRows>) -> Self {
        Self { computation: Some(computation), ..self }
    }

    /// The task with those of a catalog's services that hold features of the view.
    pub fn with_services(self, all: &[Arc<PrecomputedService>]) -> Self {
        let own = all.iter().filter(|service| service.has(&self.view.name));
        Self { services: own.cloned().collect(), ..self }
    }
}

//! Labels that come from the catalog: they start at zero with it, and go with it.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use larder_core::{Catalog, SourceKind, Timestamp};

use super::Metrics;
use crate::push::PushTarget;

/// Names that metrics have series for.
#[derive(Debug, Default)]
pub(super) struct CatalogLabels {
    stored: BTreeSet<String>,
    computed: BTreeSet<String>,
    push_sources: BTreeSet<String>,
}

impl CatalogLabels {
    fn of(catalog: &Catalog) -> Self {
        Self {
            stored: catalog.feature_views().keys().cloned().collect(),
            computed: catalog.on_demand_feature_views().keys().cloned().collect(),
            push_sources: catalog
                .feature_views()
                .values()
                .filter_map(|view| view.stream_source.as_ref())
                .filter(|source| matches!(source.kind, SourceKind::Push))
                .map(|source| source.name.clone())
                .collect(),
        }
    }
}

const STATUSES: [&str; 5] = ["INVALID", "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"];

impl Metrics {
    /// Makes the series of a catalog and removes those of what it no longer has.
    pub(crate) fn follow(&self, catalog: &Catalog) {
        let new = CatalogLabels::of(catalog);
        let mut known = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let all = |labels: &CatalogLabels| &labels.stored | &labels.computed;
        for gone in &all(&known) - &all(&new) {
            self.forget_view(&gone);
        }
        for source in &known.push_sources - &new.push_sources {
            for to in PushTarget::ALL {
                // It is gone, or it was never there.
                drop(self.feast_pushes.remove_label_values(&[&source, to.name()]));
            }
        }
        for view in &new.stored {
            for status in ["present", "not_found"] {
                self.feast_statuses.with_label_values(&[view, status]);
            }
            self.row_age.with_label_values(&[view]);
        }
        for source in &new.push_sources {
            for to in PushTarget::ALL {
                self.feast_pushes.with_label_values(&[source, to.name()]);
            }
        }
        *known = new;
    }

    fn forget_view(&self, view: &str) {
        for status in STATUSES {
            drop(self.values.remove_label_values(&[view, status]));
        }
        for status in ["present", "not_found"] {
            drop(self.feast_statuses.remove_label_values(&[view, status]));
        }
        drop(self.row_age.remove_label_values(&[view]));
    }

    /// Freshness as it is now; views that were never materialized have none.
    pub(super) fn freshen(&self, catalog: &Catalog, now: Timestamp) {
        self.feast_freshness.reset();
        for view in catalog.feature_views().values() {
            if let Some(end) = view.meta.most_recent_end_time() {
                let age = now.micros().saturating_sub(end.micros()) as f64 / 1e6;
                let labels = [view.name.as_str(), catalog.project().name.as_str()];
                self.feast_freshness.with_label_values(&labels).set(age);
            }
        }
    }
}

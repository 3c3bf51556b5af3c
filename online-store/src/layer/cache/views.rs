//! Which selections of a view's features are cached, and how often the view was changed.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::{FeatureColumn, ViewTable};

/// A row of the cache: the selection's number and the entity key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct CacheKey {
    selection: u64,
    key: Box<[u8]>,
}

impl CacheKey {
    pub(super) fn new(selection: u64, key: &[u8]) -> Self {
        Self { selection, key: key.into() }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.len()
    }
}

/// Project and view.
type Address = (Arc<str>, Arc<str>);

/// All views that were read or written so far.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: RwLock<HashMap<Address, Arc<View>>>,
    next_selection: AtomicU64,
}

#[derive(Debug, Default)]
struct View(RwLock<ViewState>);

#[derive(Debug, Default)]
struct ViewState {
    /// Counts changes. A read may keep its rows only if it saw none.
    changes: u64,
    selections: HashMap<Features, u64>,
}

/// Features in an order, compared by name and hashed by their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Features(Arc<[FeatureColumn]>);

impl Hash for Features {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|feature| feature.hash.hash(state));
    }
}

/// One selection of a view as a read found it.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    view: Arc<View>,
    pub(super) number: u64,
    changes: u64,
}

impl Selection {
    /// Runs `keep` unless the view has changed since; a change waits until it is done.
    pub(super) fn unless_changed(&self, keep: impl FnOnce()) {
        let state = self.view.0.read().unwrap_or_else(PoisonError::into_inner);
        if state.changes == self.changes {
            keep();
        }
    }
}

impl Views {
    /// The table's selection, with a number of its own if it is new.
    pub(super) fn selection(&self, table: &ViewTable) -> Selection {
        let view = self.view(table);
        let features = Features(table.shared_features());
        let state = view.0.read().unwrap_or_else(PoisonError::into_inner);
        let (known, changes) = (state.selections.get(&features).copied(), state.changes);
        drop(state);
        if let Some(number) = known {
            return Selection { view, number, changes };
        }
        let mut state = view.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = || self.next_selection.fetch_add(1, Ordering::Relaxed);
        let number = *state.selections.entry(features).or_insert_with(new);
        let changes = state.changes;
        drop(state);
        Selection { view, number, changes }
    }

    /// Counts a change and has `forget` forget what it touched, in every selection.
    pub(super) fn changed(&self, table: &ViewTable, forget: impl FnOnce(&[u64])) {
        let view = self.view(table);
        let mut state = view.0.write().unwrap_or_else(PoisonError::into_inner);
        state.changes += 1;
        let selections: Vec<u64> = state.selections.values().copied().collect();
        forget(&selections);
    }

    /// Counts a change that touches every row: numbers are given anew, so that nothing is found again.
    pub(super) fn removed(&self, table: &ViewTable) {
        let view = self.view(table);
        let mut state = view.0.write().unwrap_or_else(PoisonError::into_inner);
        state.changes += 1;
        state.selections.clear();
    }

    fn view(&self, table: &ViewTable) -> Arc<View> {
        let name = table.address();
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        let known = views.get(&name).map(Arc::clone);
        drop(views);
        known.unwrap_or_else(|| {
            let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(views.entry(name).or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(features: &[&'static str]) -> ViewTable {
        ViewTable::new("shop", "users", features.iter().copied()).unwrap()
    }

    #[test]
    fn selections_differ_by_features_and_their_order() {
        let views = Views::default();
        let number = |features| views.selection(&table(features)).number;
        assert_eq!(number(&["a", "b"]), number(&["a", "b"]));
        assert_ne!(number(&["a", "b"]), number(&["b", "a"]));
        assert_ne!(number(&["a"]), number(&["a", "b"]));
        let before = number(&["a"]);
        views.removed(&table(&["c"]));
        assert_ne!(number(&["a"]), before);
    }

    #[test]
    fn a_read_that_saw_a_change_keeps_nothing() {
        let views = Views::default();
        let selection = views.selection(&table(&["a"]));
        let mut kept = 0;
        selection.unless_changed(|| kept += 1);
        views.changed(&table(&["b"]), |selections| assert_eq!(selections, [selection.number]));
        selection.unless_changed(|| kept += 1);
        assert_eq!(kept, 1);
    }
}

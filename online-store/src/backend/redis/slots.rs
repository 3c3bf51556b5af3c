//! Places for several connections to one server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{self, Handle, RuntimeFlavor};

use super::slot::{SharedAttempts, Slot};

/// Connections to one server.
pub(super) struct Slots<C> {
    all: Vec<Slot<C>>,
    next: AtomicUsize,
    /// The place of every runtime of one thread that asked.
    own: Mutex<HashMap<runtime::Id, usize>>,
}

impl<C: Clone> Slots<C> {
    pub(super) fn new(count: usize, attempts: &SharedAttempts) -> Self {
        let all = (0..count.max(1)).map(|_| Slot::new(attempts)).collect();
        Self { all, next: AtomicUsize::new(0), own: Mutex::default() }
    }

    /// How many connections there are.
    pub(super) fn live(&self) -> usize {
        self.all.iter().filter(|slot| slot.is_live()).count()
    }

    /// How many there may be.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()
    }

    /// One after the other.
    pub(super) fn next(&self) -> &Slot<C> {
        &self.all[self.turn()]
    }

    /// Always the same for a runtime of one thread, which drives that connection itself: no look-up waits for another
    /// thread, and what the runtime asks at about the same time leaves together.
    pub(super) fn own(&self) -> &Slot<C> {
        match Handle::try_current() {
            Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::CurrentThread => {
                let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                &self.all[*own.entry(handle.id()).or_insert_with(|| self.turn())]
            }
            _ => self.next(),
        }
    }
}

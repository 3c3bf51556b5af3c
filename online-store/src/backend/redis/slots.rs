//! Places for several connections to one server.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{self, Handle, RuntimeFlavor};

use super::slot::{SharedAttempts, Slot};

/// Runtimes whose places are remembered; more than one process has at a time.
const OWNERS: usize = 128;

/// Connections to one server.
pub(super) struct Slots<C> {
    all: Vec<Slot<C>>,
    next: AtomicUsize,
    /// The places of runtimes of one thread that asked, those that came first in front.
    own: Mutex<VecDeque<(runtime::Id, usize)>>,
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
                &self.all[self.own_place(handle.id())]
            }
            _ => self.next(),
        }
    }

    /// The place of a runtime, a new one when it has none: runtimes come and go, and the oldest are forgotten.
    fn own_place(&self, id: runtime::Id) -> usize {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = own.iter().find(|(owner, _)| *owner == id) {
            return *place;
        }
        if own.len() == OWNERS {
            own.pop_front();
        }
        let place = self.turn();
        own.push_back((id, place));
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_of_one_thread_keeps_its_place_and_those_that_went_are_forgotten() {
        let slots: Slots<u32> = Slots::new(3, &SharedAttempts::default());
        let runtime = || runtime::Builder::new_current_thread().build().unwrap();
        let place = |runtime: &runtime::Runtime| {
            runtime.block_on(async {
                let own = slots.own();
                slots.all.iter().position(|slot| std::ptr::eq(slot, own)).unwrap()
            })
        };
        let lanes = [(); 3].map(|()| runtime());
        let places = lanes.each_ref().map(place);
        assert_eq!(places, [0, 1, 2]);
        assert_eq!(lanes.each_ref().map(place), places);
        for _ in 0..2 * OWNERS {
            place(&runtime());
        }
        assert_eq!(slots.own.lock().unwrap().len(), OWNERS);
    }
}

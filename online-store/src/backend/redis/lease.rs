//! Connections that belong to one caller at a time: what Redis watches for a client, it watches for a connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::slot::{SharedAttempts, Slot};

/// Connections to one server that are lent.
pub(super) struct Leases<C> {
    places: Vec<(Mutex<()>, Slot<C>)>,
    next: AtomicUsize,
}

/// A place that nobody else uses until it is dropped.
pub(super) struct Lease<'l, C> {
    pub(super) slot: &'l Slot<C>,
    _taken: MutexGuard<'l, ()>,
}

impl<C: Clone> Leases<C> {
    pub(super) fn new(count: usize, attempts: &SharedAttempts) -> Self {
        let place = |_| (Mutex::default(), Slot::new(attempts));
        Self { places: (0..count.max(1)).map(place).collect(), next: AtomicUsize::new(0) }
    }

    /// How many connections there are.
    pub(super) fn live(&self) -> usize {
        self.each().filter(|(_, slot)| slot.is_live()).count()
    }

    fn each(&self) -> impl Iterator<Item = (&Mutex<()>, &Slot<C>)> {
        self.places.iter().map(|(taken, slot)| (taken, slot))
    }

    /// A place that is free, or the next in turn once it is.
    pub(super) async fn take(&self) -> Lease<'_, C> {
        let free = |(taken, slot)| Some((Mutex::try_lock(taken).ok()?, slot));
        let (taken, slot) = if let Some(free) = self.each().find_map(free) {
            free
        } else {
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.places.len();
            let (taken, slot) = &self.places[turn];
            (taken.lock().await, slot)
        };
        Lease { slot, _taken: taken }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_place_is_lent_to_one_at_a_time() {
        let leases = Leases::<()>::new(2, &SharedAttempts::default());
        let (one, other) = (leases.take().await, leases.take().await);
        assert!(!std::ptr::eq(one.slot, other.slot));
        let mut third = Box::pin(leases.take());
        assert!(third.as_mut().now_or_never().is_none());
        drop((one, other));
        third.await;
    }
}

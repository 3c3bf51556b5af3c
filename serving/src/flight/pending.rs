//! Commands of older clients, put with `DoPut` and waiting for their `DoGet`: few, and not for ever.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_flight::FlightDescriptor;
use tokio::sync::watch;

use super::OfflineConfig;
use super::command::Read;
use super::table::Table;
use super::ticket;
use crate::running::stopped;

/// A read whose table is here already.
#[derive(Debug, Clone)]
pub(super) struct PendingRead {
    pub(super) descriptor: FlightDescriptor,
    pub(super) read: Read,
    pub(super) table: Table,
    pub(super) bytes: usize,
}

/// The reads that wait.
#[derive(Debug)]
pub(super) struct Pending {
    max: usize,
    max_bytes: usize,
    ttl: Duration,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    ticket: String,
    since: Instant,
    read: PendingRead,
}

/// There is no room for one more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Pending {
    pub(super) fn new(config: &OfflineConfig) -> Self {
        Self {
            max: config.max_pending,
            max_bytes: config.max_pending_bytes,
            ttl: config.pending_ttl,
            entries: Mutex::default(),
        }
    }

    /// Keeps a read, in the place of an earlier one with the same command.
    ///
    /// # Errors
    /// [`Full`] when too many or too large ones wait.
    pub(super) fn put(&self, read: PendingRead) -> Result<(), Full> {
        let ticket = ticket::of_command(&read.descriptor.cmd);
        let mut entries = self.present();
        entries.retain(|entry| entry.ticket != ticket);
        let held: usize = entries.iter().map(|entry| entry.read.bytes).sum();
        if entries.len() >= self.max || held.saturating_add(read.bytes) > self.max_bytes {
            return Err(Full);
        }
        entries.push(Entry { ticket, since: Instant::now(), read });
        Ok(())
    }

    /// The ticket of a command that waits.
    pub(super) fn ticket(&self, descriptor: &FlightDescriptor) -> Option<String> {
        let ticket = ticket::of_command(&descriptor.cmd);
        self.present().iter().any(|entry| entry.ticket == ticket).then_some(ticket)
    }

    /// Commands that wait, with their tickets.
    pub(super) fn all(&self) -> Vec<(FlightDescriptor, String)> {
        let entry = |entry: &Entry| (entry.read.descriptor.clone(), entry.ticket.clone());
        self.present().iter().map(entry).collect()
    }

    /// The read of a ticket, which stays until it is answered.
    pub(super) fn get(&self, ticket: &[u8]) -> Option<PendingRead> {
        let entries = self.present();
        let found = entries.iter().find(|entry| entry.ticket.as_bytes() == ticket);
        found.map(|entry| entry.read.clone())
    }

    /// Forgets a read.
    pub(super) fn remove(&self, ticket: &[u8]) {
        self.present().retain(|entry| entry.ticket.as_bytes() != ticket);
    }

    /// The entries that are not too old.
    fn present(&self) -> MutexGuard<'_, Vec<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.since.elapsed() < self.ttl);
        entries
    }

    /// Lets go of what is too old, also while nobody calls, until `stop` is set.
    pub(super) async fn sweep(&self, mut stop: watch::Receiver<bool>) {
        const SHORTEST: Duration = Duration::from_millis(10);
        let mut ticks = tokio::time::interval((self.ttl / 2).max(SHORTEST));
        loop {
            tokio::select! {
                _ = ticks.tick() => drop(self.present()),
                () = stopped(&mut stop) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow_schema::Schema;

    fn read(command: &'static str, bytes: usize) -> PendingRead {
        PendingRead {
            descriptor: FlightDescriptor::new_cmd(command),
            read: Read::ColumnNamesAndTypes(String::new()),
            table: Table { schema: Arc::new(Schema::empty()), batches: Vec::new() },
            bytes,
        }
    }

    fn pending(ttl: Duration) -> Pending {
        let config = OfflineConfig {
            max_pending: 2,
            max_pending_bytes: 100,
            pending_ttl: ttl,
            ..OfflineConfig::new("")
        };
        Pending::new(&config)
    }

    #[test]
    fn a_command_waits_until_it_is_removed() {
        let pending = pending(Duration::from_mins(1));
        pending.put(read("a", 1)).unwrap();
        let ticket = pending.ticket(&FlightDescriptor::new_cmd("a")).unwrap();
        assert_eq!(pending.ticket(&FlightDescriptor::new_cmd("b")), None);
        assert!(pending.get(ticket.as_bytes()).is_some() && pending.get(b"b").is_none());
        pending.remove(ticket.as_bytes());
        assert!(pending.get(ticket.as_bytes()).is_none() && pending.all().is_empty());
    }

    #[test]
    fn neither_many_nor_large_ones_are_kept() {
        let pending = pending(Duration::from_mins(1));
        assert_eq!(pending.put(read("huge", 101)), Err(Full));
        for bytes in [60, 90] {
            pending.put(read("a", bytes)).expect("it takes the place of the one before");
        }
        assert_eq!(pending.put(read("b", 20)), Err(Full));
        pending.put(read("b", 10)).unwrap();
        assert_eq!(pending.put(read("c", 0)), Err(Full));
        assert_eq!(pending.all().len(), 2);
    }

    #[test]
    fn old_ones_make_room() {
        let pending = pending(Duration::ZERO);
        for command in ["a", "b", "c"] {
            pending.put(read(command, 100)).unwrap();
            assert!(pending.all().is_empty());
        }
    }
}

//! Reads that are on their way: whoever wants a key that is being read waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use larder_core::{Error, ErrorKind};
use tokio::sync::watch;

use super::row::CachedRow;
use super::views::CacheKey;

/// How a read ended, for everybody who waits for it.
pub(super) type Landed = Result<Vec<Arc<CachedRow>>, SharedError>;

/// Keys that are being read.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<CacheKey, Seat>>);

/// One key's place in a read.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    flight: watch::Receiver<Option<Arc<Landed>>>,
    at: usize,
}

/// A read with the keys that it leads; nobody waits for a read that was given up.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    sender: watch::Sender<Option<Arc<Landed>>>,
    keys: Vec<CacheKey>,
}

/// A failure that several requests share: the kind and the words, without the cause.
#[derive(Debug, Clone)]
pub(super) struct SharedError {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl From<&Error> for SharedError {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        }
    }
}

impl From<&SharedError> for Error {
    fn from(shared: &SharedError) -> Self {
        let error = Self::new(shared.kind, &shared.message);
        match &shared.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

impl Flights {
    /// A read without keys yet.
    pub(super) fn begin(&self) -> Flight<'_> {
        Flight { flights: self, sender: watch::Sender::new(None), keys: Vec::new() }
    }

    /// Lets whoever asks for this key from now on read it anew; those who wait already still get the read's answer.
    pub(super) fn detach(&self, key: &CacheKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CacheKey, Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// The seat of a key in another read, or `None` when this one takes it along.
    pub(super) fn join_or_lead(&mut self, key: CacheKey) -> Option<Seat> {
        let mut seats = self.flights.lock();
        if let Some(seat) = seats.get(&key) {
            return Some(seat.clone());
        }
        let seat = Seat { flight: self.sender.subscribe(), at: self.keys.len() };
        seats.insert(key.clone(), seat);
        self.keys.push(key);
        None
    }

    /// The keys that this read leads, in the order in which they were taken.
    pub(super) fn keys(&self) -> &[CacheKey] {
        &self.keys
    }

    /// Tells everybody who waits.
    pub(super) fn land(self, landed: Landed) {
        self.sender.send_replace(Some(Arc::new(landed)));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut seats = self.flights.lock();
        for key in &self.keys {
            // A later read may sit there by now.
            if seats.get(key).is_some_and(|seat| self.owns(seat)) {
                seats.remove(key);
            }
        }
    }
}

impl Flight<'_> {
    fn owns(&self, seat: &Seat) -> bool {
        self.sender.subscribe().same_channel(&seat.flight)
    }
}

impl Seat {
    /// The row, the failure, or `None` when the read was given up.
    pub(super) async fn wait(mut self) -> Option<Result<Arc<CachedRow>, Error>> {
        let landed = self.flight.wait_for(Option::is_some).await.ok()?.clone()?;
        Some(match &*landed {
            Ok(rows) => Ok(Arc::clone(&rows[self.at])),
            Err(shared) => Err(shared.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadRows;

    fn key(number: u8) -> CacheKey {
        CacheKey::new(0, &[number])
    }

    fn absent() -> Arc<CachedRow> {
        let mut rows = ReadRows::with_capacity(1, 0);
        rows.begin_row(None);
        Arc::new(CachedRow::of(&rows, 0))
    }

    #[tokio::test]
    async fn a_key_that_is_being_read_is_waited_for() {
        let flights = Flights::default();
        let (mut one, mut other) = (flights.begin(), flights.begin());
        assert!(one.join_or_lead(key(1)).is_none());
        let seat = other.join_or_lead(key(1)).unwrap();
        assert!(other.join_or_lead(key(2)).is_none());
        one.land(Ok(vec![absent()]));
        assert_eq!(seat.wait().await.unwrap().unwrap(), absent());
        // It has landed: the next one reads anew.
        assert!(flights.begin().join_or_lead(key(1)).is_none());
    }

    #[tokio::test]
    async fn a_failure_is_shared_and_a_read_that_is_given_up_is_not_waited_for() {
        let flights = Flights::default();
        let (mut one, mut other) = (flights.begin(), flights.begin());
        one.join_or_lead(key(1));
        let seat = other.join_or_lead(key(1)).unwrap();
        let down = Error::new(ErrorKind::Unavailable, "down").with_hint("wait");
        one.land(Err(SharedError::from(&down)));
        let error = seat.wait().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.hint()), (ErrorKind::Unavailable, Some("wait")));
        let mut given_up = flights.begin();
        given_up.join_or_lead(key(1));
        let seat = other.join_or_lead(key(1)).unwrap();
        drop(given_up);
        assert!(seat.wait().await.is_none());
    }

    #[test]
    fn a_detached_key_is_read_anew_and_the_old_read_does_not_disturb_the_new_one() {
        let flights = Flights::default();
        let (mut old, mut new, mut third) = (flights.begin(), flights.begin(), flights.begin());
        old.join_or_lead(key(1));
        flights.detach(&key(1));
        assert!(new.join_or_lead(key(1)).is_none());
        drop(old);
        assert!(third.join_or_lead(key(1)).is_some());
    }
}

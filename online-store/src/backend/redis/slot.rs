//! A place for one connection, which is made when it is needed and made again when it is lost.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::RedisResult;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use super::dial::Dial;
use super::error::Fault;

/// Between two attempts to connect; doubled after each that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Answers in a row that may fail to come before a connection is taken for dead: its peer may have vanished.
const SILENT_ANSWERS: u32 = 3;

/// A connection and what tells it from those before it.
#[derive(Debug, Clone)]
pub(super) struct Live<C> {
    pub(super) connection: C,
    number: u64,
}

/// A place for one connection.
pub(super) struct Slot<C> {
    live: Mutex<Option<Live<C>>>,
    made: AtomicU64,
    silent: AtomicU32,
    attempts: SharedAttempts,
}

/// Attempts to connect to one server, one at a time, of all slots for it: what one finds out holds for the others.
pub(super) type SharedAttempts = Arc<tokio::sync::Mutex<Attempts>>;

/// Failed attempts.
#[derive(Default)]
pub(super) struct Attempts {
    pause: Duration,
    last: Option<(Instant, Fault)>,
}

impl<C: Clone> Slot<C> {
    pub(super) fn new(attempts: &SharedAttempts) -> Self {
        Self {
            live: Mutex::default(),
            made: AtomicU64::new(0),
            silent: AtomicU32::new(0),
            attempts: Arc::clone(attempts),
        }
    }

    /// The connection, made if there is none.
    ///
    /// While the server is away one caller at a time tries, with pauses in between; the others get its fault at once.
    pub(super) async fn get(
        &self,
        dial: &(impl Dial<Connection = C> + ?Sized),
        patience: Duration,
    ) -> Result<Live<C>, Fault> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        if let Some((at, fault)) = &attempts.last
            && at.elapsed() < attempts.pause
        {
            return Err(fault.clone());
        }
        let fault = match timeout(patience, dial.dial()).await {
            Ok(Ok(connection)) => {
                *attempts = Attempts::default();
                return Ok(self.put(connection));
            }
            Ok(Err(cause)) => Fault::Redis(cause),
            Err(_) => Fault::ConnectTimeout(patience),
        };
        attempts.pause = (attempts.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        attempts.last = Some((Instant::now(), fault.clone()));
        Err(fault)
    }

    /// What became of a call that was given so much time; notes how the connection is doing.
    pub(super) fn judge<T>(
        &self,
        live: &Live<C>,
        answer: Result<RedisResult<T>, Elapsed>,
        patience: Duration,
    ) -> Result<T, Fault> {
        match answer {
            Ok(Ok(answer)) => {
                self.heard();
                Ok(answer)
            }
            Ok(Err(cause)) if !cause.is_timeout() => {
                if cause.is_unrecoverable_error() {
                    self.discard(live);
                }
                Err(cause.into())
            }
            Ok(Err(_)) | Err(_) => {
                self.silent(live);
                Err(Fault::ResponseTimeout(patience))
            }
        }
    }

    /// Says that an answer came.
    fn heard(&self) {
        self.silent.store(0, Ordering::Relaxed);
    }

    /// Says that an answer did not come in time.
    fn silent(&self, live: &Live<C>) {
        if self.silent.fetch_add(1, Ordering::Relaxed) + 1 >= SILENT_ANSWERS {
            self.discard(live);
        }
    }

    /// Lets go of a connection, unless it was replaced already.
    pub(super) fn discard(&self, live: &Live<C>) {
        let mut current = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.number == live.number) {
            *current = None;
        }
    }

    /// Whether there is a connection.
    pub(super) fn is_live(&self) -> bool {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn live(&self) -> Option<Live<C>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, connection: C) -> Live<C> {
        let live = Live { connection, number: self.made.fetch_add(1, Ordering::Relaxed) };
        self.silent.store(0, Ordering::Relaxed);
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        live
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    fn slot() -> Slot<u32> {
        Slot::new(&SharedAttempts::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_made_elsewhere_ends_the_pause() {
        let (attempts, dial) = (SharedAttempts::default(), Counting::default());
        let [one, other] = [(); 2].map(|()| Slot::new(&attempts));
        assert!(one.get(&dial, PATIENCE).await.is_err());
        dial.up.store(true, Ordering::Relaxed);
        assert!(other.get(&dial, PATIENCE).await.is_err());
        tokio::time::sleep(FIRST_PAUSE).await;
        assert!(one.get(&dial, PATIENCE).await.is_ok());
        assert!(other.get(&dial, PATIENCE).await.is_ok());
    }

    /// Fails until it is allowed to succeed; counts.
    #[derive(Default)]
    struct Counting {
        calls: AtomicU32,
        up: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl Dial for Counting {
        type Connection = u32;

        async fn dial(&self) -> RedisResult<u32> {
            let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.up.load(Ordering::Relaxed) {
                return Ok(call);
            }
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_make_one_connection() {
        let (slot, dial) = (Arc::new(slot()), Arc::new(Counting::default()));
        dial.up.store(true, Ordering::Relaxed);
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let (slot, dial) = (Arc::clone(&slot), Arc::clone(&dial));
                tokio::spawn(async move { slot.get(dial.as_ref(), PATIENCE).await.unwrap() })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap().connection, 1);
        }
        assert_eq!(dial.calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_server_is_away_attempts_are_few_and_callers_do_not_wait() {
        let (slot, dial) = (slot(), Counting::default());
        let start = Instant::now();
        let mut calls = 0_u32;
        while start.elapsed() < Duration::from_secs(10) {
            assert!(slot.get(&dial, PATIENCE).await.is_err());
            calls += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let attempts = dial.calls.load(Ordering::Relaxed);
        assert!((20..30).contains(&attempts), "{attempts} attempts for {calls} calls");
        assert!(calls > 5_000, "{calls}");
        // Back: noticed within the longest pause.
        dial.up.store(true, Ordering::Relaxed);
        tokio::time::sleep(LONGEST_PAUSE).await;
        assert!(slot.get(&dial, PATIENCE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_replaced_and_only_that_one() {
        let (slot, dial) = (slot(), Counting::default());
        dial.up.store(true, Ordering::Relaxed);
        let first = slot.get(&dial, PATIENCE).await.unwrap();
        slot.silent(&first);
        slot.silent(&first);
        slot.heard();
        slot.silent(&first);
        slot.silent(&first);
        assert_eq!(slot.get(&dial, PATIENCE).await.unwrap().number, first.number);
        slot.silent(&first);
        let second = slot.get(&dial, PATIENCE).await.unwrap();
        assert_ne!(second.number, first.number);
        slot.discard(&first);
        assert_eq!(slot.get(&dial, PATIENCE).await.unwrap().number, second.number);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_no_connection_is_given_up() {
        struct Hanging;
        #[async_trait]
        impl Dial for Hanging {
            type Connection = ();

            async fn dial(&self) -> RedisResult<()> {
                std::future::pending().await
            }
        }
        let fault =
            Slot::new(&SharedAttempts::default()).get(&Hanging, PATIENCE).await.unwrap_err();
        assert!(matches!(fault, Fault::ConnectTimeout(PATIENCE)));
    }
}

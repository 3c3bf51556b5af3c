//! One request: what is cached, what is being read, and one read for all the rest.

use std::sync::Arc;

use larder_core::{Error, Result};

use super::Shared;
use super::flights::{Flight, Seat, SharedError};
use super::row::CachedRow;
use super::views::{CacheKey, Selection};
use crate::layer::observer::CacheUse;
use crate::{ReadRows, ViewRead};

/// Answers requests from a cache and the store behind it.
pub(super) struct Lookup<'a> {
    shared: &'a Shared,
}

/// How far one view of the request is.
struct Progress<'r> {
    read: ViewRead<'r>,
    rows: Vec<Option<Arc<CachedRow>>>,
    failure: Option<Error>,
}

/// What one view of the request needs from the store.
struct Missing<'a> {
    /// Which view of the request.
    view: usize,
    selection: Selection,
    flight: Flight<'a>,
    /// Positions that the read answers, in its order.
    led: Vec<usize>,
    /// Positions that another read answers.
    waiting: Vec<(usize, Seat)>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// An answer per view, in their order.
    pub(super) async fn answer(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let mut views: Vec<Progress<'_>> = reads.iter().map(Progress::new).collect();
        // A read that another request leads may be given up with that request: then this one looks again.
        while views.iter().any(Progress::is_open) {
            let missing: Vec<Missing<'_>> = views
                .iter_mut()
                .enumerate()
                .filter(|(_, progress)| progress.is_open())
                .map(|(view, progress)| self.take(view, progress))
                .collect();
            let waiting = self.lead(missing, &mut views).await;
            // Only now: reads of two requests may wait for each other's keys.
            for (view, at, seat) in waiting {
                match seat.wait().await {
                    Some(Ok(row)) => views[view].rows[at] = Some(row),
                    Some(Err(error)) => views[view].failure = Some(error),
                    None => {}
                }
            }
        }
        views.into_iter().map(Progress::finish).collect()
    }

    /// Fills in what is cached and sorts out who reads the rest.
    fn take(&self, view: usize, progress: &mut Progress<'_>) -> Missing<'a> {
        let selection = self.shared.views.selection(progress.read.table);
        let mut flight = self.shared.flights.begin();
        let (mut led, mut waiting, mut hits) = (Vec::new(), Vec::new(), 0);
        for (at, key) in progress.read.keys.iter().enumerate() {
            if progress.rows[at].is_some() {
                continue;
            }
            let key = CacheKey::new(selection.number, key);
            if let Some(row) = self.shared.rows.get(&key) {
                progress.rows[at] = Some(row);
                hits += 1;
            } else {
                match flight.join_or_lead(key) {
                    None => led.push(at),
                    Some(seat) => waiting.push((at, seat)),
                }
            }
        }
        if let Some(observer) = &self.shared.observer {
            observer.cached(CacheUse { hits, misses: led.len(), shared: waiting.len() });
        }
        Missing { view, selection, flight, led, waiting }
    }

    /// Reads what this request leads, all views in one call; answers what others read.
    async fn lead(
        &self,
        missing: Vec<Missing<'a>>,
        views: &mut [Progress<'_>],
    ) -> Vec<(usize, usize, Seat)> {
        let keys: Vec<Vec<&[u8]>> = missing
            .iter()
            .map(|missing| {
                missing.led.iter().map(|&at| views[missing.view].read.keys[at]).collect()
            })
            .collect();
        let reads: Vec<ViewRead<'_>> = missing
            .iter()
            .zip(&keys)
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(missing, keys)| ViewRead { table: views[missing.view].read.table, keys })
            .collect();
        let mut answers = match reads.as_slice() {
            [] => Vec::new(),
            [only] => vec![self.shared.store.read(only.table, only.keys).await],
            several => self.shared.store.read_views(several).await,
        }
        .into_iter();
        let mut waiting = Vec::new();
        for missing in missing {
            let view = missing.view;
            waiting.extend(missing.waiting.into_iter().map(|(at, seat)| (view, at, seat)));
            if !missing.led.is_empty() {
                let no_answer = || Err(Error::internal("a view of a request has no answer"));
                let answer = answers.next().unwrap_or_else(no_answer);
                let landing = Landing { selection: missing.selection, flight: missing.flight };
                self.land(landing, &missing.led, answer, &mut views[view]);
            }
        }
        waiting
    }

    /// Takes the rows over, keeps them unless the view has changed meanwhile, and tells those who wait.
    fn land(
        &self,
        landing: Landing<'a>,
        led: &[usize],
        answer: Result<ReadRows>,
        progress: &mut Progress<'_>,
    ) {
        let Landing { selection, flight } = landing;
        let short =
            || Error::internal("the online store answered fewer rows than it was asked for");
        match answer.and_then(|rows| if rows.len() == led.len() { Ok(rows) } else { Err(short()) })
        {
            Ok(answer) => {
                let rows: Vec<Arc<CachedRow>> =
                    (0..answer.len()).map(|row| Arc::new(CachedRow::of(&answer, row))).collect();
                for (&at, row) in led.iter().zip(&rows) {
                    progress.rows[at] = Some(Arc::clone(row));
                }
                selection.unless_changed(|| {
                    for (key, row) in flight.keys().iter().zip(&rows) {
                        self.shared.rows.insert(key.clone(), Arc::clone(row));
                    }
                });
                flight.land(Ok(rows));
            }
            Err(error) => {
                flight.land(Err(SharedError::from(&error)));
                progress.failure = Some(error);
            }
        }
    }
}

/// A read that came back.
struct Landing<'a> {
    selection: Selection,
    flight: Flight<'a>,
}

impl<'r> Progress<'r> {
    fn new(read: &ViewRead<'r>) -> Self {
        Self { read: *read, rows: vec![None; read.keys.len()], failure: None }
    }

    fn is_open(&self) -> bool {
        self.failure.is_none() && self.rows.iter().any(Option::is_none)
    }

    fn finish(self) -> Result<ReadRows> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut answer = ReadRows::with_capacity(self.rows.len(), self.read.table.features().len());
        for row in self.rows.iter().flatten() {
            row.append_to(&mut answer)?;
        }
        Ok(answer)
    }
}

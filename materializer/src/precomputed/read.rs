//! Rows of views from the vectors of their entities.

use std::collections::HashMap;

use larder_core::{ErrorKind, Result};
use larder_online_store::{Cell, OnlineStore, ReadRows, ViewRead};
use larder_proto::wire::precomputed_vector::PrecomputedVector;

use super::PrecomputedService;

/// Entity keys, and the views of a service (by position) that are read by them.
#[derive(Debug)]
pub struct VectorKeys<'a> {
    /// Encoded keys.
    pub keys: &'a [&'a [u8]],
    /// The views.
    pub views: Vec<usize>,
}

/// The rows of one view as Feast 0.67 answers them from vectors.
#[derive(Debug)]
pub struct FeastRows {
    /// Values, all at the time of the computation.
    pub rows: ReadRows,
    /// Event times of the rows behind them, in microseconds; `None` where a vector does not tell.
    pub events: Vec<Option<i64>>,
}

impl PrecomputedService {
    /// The rows of every view of the service, in the order of its projections, from one read of the vectors; `None` when
    /// a key has no vector, or one that lacks a feature of the views that are read by it.
    ///
    /// # Errors
    /// Whatever the store answers, but for a table of vectors that was never made.
    pub async fn read(
        &self,
        store: &dyn OnlineStore,
        lists: &[VectorKeys<'_>],
    ) -> Result<Option<Vec<ReadRows>>> {
        let mut views: Vec<ReadRows> = self
            .views
            .iter()
            .map(|view| ReadRows::with_capacity(0, view.table.features().len()))
            .collect();
        let keys: Vec<&[&[u8]]> = lists.iter().map(|list| list.keys).collect();
        let Some(stored) = self.stored(store, &keys).await? else { return Ok(None) };
        for (list, stored) in lists.iter().zip(&stored) {
            let mut places = Places::default();
            for cell in stored.column(0) {
                let Some(vector) = self.decoded(cell) else { return Ok(None) };
                let Some(places) = places.of(&vector, self.names_of(&list.views)) else {
                    return Ok(None);
                };
                self.append(&vector, places, &list.views, &mut views)?;
            }
        }
        Ok(Some(views))
    }

    /// As Feast 0.67 reads the service: by the keys of its first view alone, in which the features of views with other keys
    /// are null. `None` when a key has no vector of exactly the features that the service has.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_as_feast(
        &self,
        store: &dyn OnlineStore,
        keys: &[&[u8]],
    ) -> Result<Option<Vec<FeastRows>>> {
        let mut views: Vec<FeastRows> = self
            .views
            .iter()
            .map(|view| FeastRows {
                rows: ReadRows::with_capacity(keys.len(), view.table.features().len()),
                events: Vec::with_capacity(keys.len()),
            })
            .collect();
        let Some(stored) = self.stored(store, &[keys]).await? else { return Ok(None) };
        let all: Vec<usize> = (0..self.views.len()).collect();
        let mut places = Places::default();
        for cell in stored.iter().flat_map(|stored| stored.column(0)) {
            let Some(vector) = self.decoded(cell) else { return Ok(None) };
            let is_whole = vector.names.len() == self.names.len();
            let Some(places) = places.of(&vector, self.names_of(&all)).filter(|_| is_whole) else {
                return Ok(None);
            };
            self.append_as_feast(&vector, places, &mut views)?;
        }
        Ok(Some(views))
    }

    /// The vectors under these lists of keys; `None` when no vector was ever stored.
    async fn stored(
        &self,
        store: &dyn OnlineStore,
        lists: &[&[&[u8]]],
    ) -> Result<Option<Vec<ReadRows>>> {
        let read = |keys| ViewRead { table: &self.table, keys };
        let reads: Vec<ViewRead<'_>> = lists.iter().copied().map(read).collect();
        let rows: Result<Vec<ReadRows>> = store.read_views(&reads).await.into_iter().collect();
        match rows {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            rows => rows.map(Some),
        }
    }

    fn decoded<'a>(&self, cell: Cell<'a>) -> Option<PrecomputedVector<'a>> {
        let vector = PrecomputedVector::decode_value(cell.bytes().unwrap_or_default());
        let warn = |error| {
            tracing::warn!(table = %self.table, %error, "a precomputed vector is damaged");
        };
        let vector = vector.map_err(warn).ok()??;
        (vector.names.len() == vector.values.len()).then_some(vector)
    }

    fn names_of<'a>(&'a self, views: &'a [usize]) -> impl Iterator<Item = &'a str> + Clone {
        let features = views.iter().flat_map(|&view| self.views[view].features.clone());
        features.map(|feature| self.names[feature].as_str())
    }

    /// Adds a row to each of these views. `places` are those of their features, one view after the other.
    fn append(
        &self,
        vector: &PrecomputedVector<'_>,
        places: &[usize],
        of: &[usize],
        views: &mut [ReadRows],
    ) -> Result<()> {
        let mut places = places.iter();
        for &at in of {
            let (view, rows) = (&self.views[at], &mut views[at]);
            // Feast 0.67, redis: an entity without row has the epoch here.
            let event = event(vector, &view.name).filter(|micros| *micros != 0);
            rows.begin_row(event);
            for (feature, &place) in places.by_ref().take(view.features.len()).enumerate() {
                if event.is_some() {
                    rows.set(feature, vector.values[place])?;
                }
            }
        }
        Ok(())
    }

    fn append_as_feast(
        &self,
        vector: &PrecomputedVector<'_>,
        places: &[usize],
        views: &mut [FeastRows],
    ) -> Result<()> {
        let mut places = places.iter();
        for (view, into) in self.views.iter().zip(views) {
            into.events.push(event(vector, &view.name));
            into.rows.begin_row(Some(vector.precomputed_at.micros()));
            for (feature, &place) in places.by_ref().take(view.features.len()).enumerate() {
                into.rows.set(feature, vector.values[place])?;
            }
        }
        Ok(())
    }
}

fn event(vector: &PrecomputedVector<'_>, view: &str) -> Option<i64> {
    let event = vector.event_timestamps.iter().find(|(name, _)| *name == view);
    event.map(|(_, at)| at.micros())
}

/// Where features are in a vector; found once for vectors of the same names.
#[derive(Default)]
struct Places<'a> {
    names: Vec<&'a str>,
    places: Vec<usize>,
}

impl<'a> Places<'a> {
    /// The places of the wanted features; `None` when the vector lacks one.
    fn of<'b>(
        &mut self,
        vector: &PrecomputedVector<'a>,
        wanted: impl Iterator<Item = &'b str>,
    ) -> Option<&[usize]> {
        if self.names.is_empty() || self.names != vector.names {
            let known: HashMap<&str, usize> =
                vector.names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
            self.places = wanted.map(|name| known.get(name).copied()).collect::<Option<_>>()?;
            self.names.clone_from(&vector.names);
        }
        Some(&self.places)
    }
}

//! Vectors made of the rows that are stored.

use larder_core::{Clock, Result, Timestamp};
use larder_online_store::{Cell, OnlineStore, ReadRows, ViewRead, WriteGuard, WriteRowsBuilder};
use larder_proto::wire::precomputed_vector::PrecomputedVector;

use super::{PrecomputedService, PrecomputedView};
use crate::write::write_rows;

/// The views of one sort of entity, with the rows of the entities whose vectors are made.
struct Sort<'a> {
    views: Vec<(&'a PrecomputedView, ReadRows)>,
    /// The service's first sort, whose vectors name the features of all.
    is_first: bool,
    /// The event time of a view that has no row, if it has one.
    missing: Option<i64>,
}

impl PrecomputedService {
    /// Makes the vectors of these keys of a view anew from what is stored; to be called after rows of it were written.
    ///
    /// Of two that do so at once the one that read later wins, because a vector's event time is taken before its views
    /// are read: a row that was written before that time is in it.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn refresh(
        &self,
        view: &str,
        keys: &[&[u8]],
        store: &dyn OnlineStore,
        clock: &dyn Clock,
        guard: WriteGuard,
    ) -> Result<()> {
        let Some(written) = self.views.iter().find(|own| own.view == view) else { return Ok(()) };
        if keys.is_empty() {
            return Ok(());
        }
        let now = clock.now();
        let sort = self.sort(&written.join_keys, keys, store).await?;
        let mut vectors = WriteRowsBuilder::with_capacity(&self.table, keys.len());
        let mut value = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            value.clear();
            self.vector(&sort, row, now).encode_value(&mut value);
            vectors.begin_row(key, now.micros(), None)?;
            vectors.set(0, &value)?;
        }
        write_rows(store, &self.table, &vectors.finish(), guard).await.map(drop)
    }

    async fn sort(
        &self,
        join_keys: &[String],
        keys: &[&[u8]],
        store: &dyn OnlineStore,
    ) -> Result<Sort<'_>> {
        let views = self.of_sort(join_keys);
        let reads: Vec<ViewRead<'_>> =
            views.clone().map(|view| ViewRead { table: &view.table, keys }).collect();
        let rows = store.read_views(&reads).await.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Sort {
            views: views.zip(rows).collect(),
            is_first: self.views.first().is_some_and(|first| first.join_keys == join_keys),
            // Feast 0.67, redis: a view without row was last written at the epoch.
            missing: (store.name() == "redis").then_some(0),
        })
    }

    fn vector<'a>(
        &'a self,
        sort: &'a Sort<'_>,
        row: usize,
        now: Timestamp,
    ) -> PrecomputedVector<'a> {
        let mut vector = PrecomputedVector { precomputed_at: now, ..PrecomputedVector::default() };
        let mut own = sort.views.iter().peekable();
        for view in &self.views {
            let rows = own.next_if(|(known, _)| std::ptr::eq(*known, view)).map(|(_, rows)| rows);
            if rows.is_none() && !sort.is_first {
                continue;
            }
            for (feature, name) in self.names[view.features.clone()].iter().enumerate() {
                let cell = rows.map_or(Cell::Missing, |rows| rows.cell(row, feature));
                vector.names.push(name);
                vector.values.push(cell.bytes().unwrap_or_default());
            }
            let event = rows.and_then(|rows| rows.event_timestamp(row)).or(sort.missing);
            let event = event.map(|micros| (view.name.as_str(), Timestamp::from_micros(micros)));
            vector.event_timestamps.extend(event);
        }
        vector
    }
}

//! The rows of a request from the vectors of a precomputed service.

use larder_core::{Compat, Error, Result, RowState, Timestamp};
use larder_materializer::{FeastRows, PrecomputedService, VectorKeys};
use larder_online_store::{OnlineStore, ReadRows};

use super::prepared::PreparedPlan;
use super::read::{ReadAt, UniqueKeys, ViewRows};
use crate::feast_words::FeastWords;

/// What is read, and by which keys.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) plan: &'a PreparedPlan,
    pub(super) keys: &'a [UniqueKeys],
    /// The bytes of the keys.
    pub(super) slices: &'a [Vec<&'a [u8]>],
}

/// What the vectors hold.
pub(super) enum Vectors {
    /// Not all that is asked for: the views have to be read.
    None,
    /// Rows of every view.
    Rows(Vec<ReadRows>),
    /// The answer of Feast, which never reads the views.
    AsFeast(Vec<ViewRows>),
}

/// Reads the vectors of a service that has them; partial results are those of its views.
///
/// # Errors
/// Whatever the store answers; under `compat: feast` `Invalid` with Feast's words where a vector is missing.
pub(super) async fn read(store: &dyn OnlineStore, asked: Asked<'_>, at: ReadAt) -> Result<Vectors> {
    let Some(service) = &asked.plan.vectors else { return Ok(Vectors::None) };
    if at.budget.is_partial() {
        return Ok(Vectors::None);
    }
    if at.compat == Compat::Feast {
        let rows = read_as_feast(store, service, asked, at.now).await?;
        return rows.map(Vectors::AsFeast).ok_or_else(|| no_vectors(service.name()));
    }
    let lists: Vec<VectorKeys<'_>> = asked
        .slices
        .iter()
        .enumerate()
        .map(|(list, keys)| VectorKeys { keys, views: asked.views_of(list) })
        .collect();
    Ok(service.read(store, &lists).await?.map_or(Vectors::None, Vectors::Rows))
}

impl Asked<'_> {
    /// The views that are read by one list of keys.
    fn views_of(&self, list: usize) -> Vec<usize> {
        let views = self.plan.views.iter().enumerate();
        views.filter(|(_, view)| view.keys == list).map(|(at, _)| at).collect()
    }
}

/// Feast 0.67 looks up the keys of the first view, and compares the names in a vector, which are always full, with those of
/// the answer.
async fn read_as_feast(
    store: &dyn OnlineStore,
    service: &PrecomputedService,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<Option<Vec<ViewRows>>> {
    let Some(first) = asked.plan.views.first().filter(|_| asked.plan.has_full_names) else {
        return Ok(None);
    };
    let rows = service.read_as_feast(store, &asked.slices[first.keys]).await?;
    let views = asked.plan.views.iter().zip(&asked.plan.plan.views);
    let answer = |rows: Vec<FeastRows>| {
        let answer = views.zip(rows).map(|((view, plan), FeastRows { rows, events })| {
            // Feast takes what stands before the first two underscores for the name of the view.
            let ttl = view.ttl.filter(|_| !plan.name.contains("__")).map(|ttl| ttl.as_secs());
            let states = events.into_iter().map(|event| state(event, ttl, now)).collect();
            ViewRows::keeping_expired(rows, states, &asked.keys[first.keys])
        });
        answer.collect()
    };
    Ok(rows.map(answer))
}

/// A row of unknown age is fresh.
fn state(event: Option<i64>, ttl: Option<u64>, now: Timestamp) -> RowState {
    let (Some(event), Some(ttl)) = (event, ttl) else { return RowState::Fresh };
    let age = i128::from(now.micros()) - i128::from(event);
    if age > i128::from(ttl) * 1_000_000 { RowState::Expired } else { RowState::Fresh }
}

fn no_vectors(service: &str) -> Error {
    let words = format!(
        "FeatureService '{service}' has precompute_online=True but pre-computed vectors could not be read. Run \
         `feast precompute {service}` or materialize to populate vectors."
    );
    Error::invalid(format!("feature service \"{service}\" lacks precomputed rows"))
        .with_hint("ask for full feature names, or materialize its views")
        .with_source(FeastWords::bare(words))
}

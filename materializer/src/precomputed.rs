//! Feature services with `precompute_online`: one stored value per entity holds every feature of the service.

use std::collections::HashMap;
use std::sync::Arc;

use larder_core::{
    Catalog, Clock, ErrorKind, FeatureService, Plane, Result, RetrievalPlan, Selection, Timestamp,
    ViewPlan,
};
use larder_online_store::{
    OnlineStore, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder,
};
use larder_proto::wire::precomputed_vector::{FEATURE, PrecomputedVector, view_name};

use crate::write::write_rows;

/// How the vectors of one service are made and read.
#[derive(Debug)]
pub struct PrecomputedService {
    name: String,
    table: ViewTable,
    views: Vec<PrecomputedView>,
    /// `view__feature` of every feature of every view, in the order of the views.
    names: Vec<String>,
}

/// One view of a service.
#[derive(Debug)]
struct PrecomputedView {
    /// Name of the view, without alias.
    view: String,
    /// Its name in the service.
    name: String,
    table: ViewTable,
}

impl PrecomputedService {
    /// The vectors of a service; `None` for one that has none.
    ///
    /// Only services whose views are all stored and read by the same columns of a request can have vectors: a vector
    /// belongs to one entity. (Feast 0.67 makes them of any views and looks all of them up by the keys of the first, so
    /// that features of other entities are null.) A table that carries a version number has none either, because a vector
    /// does not tell the version that it was made of.
    ///
    /// # Errors
    /// As [`RetrievalPlan::resolve`].
    pub fn of(catalog: &Catalog, service: &FeatureService) -> Result<Option<Self>> {
        if !service.precompute_online {
            return Ok(None);
        }
        let selection = Selection::Service(service.name.clone());
        let plan = RetrievalPlan::resolve(catalog, &selection, true, Plane::Online)?;
        let versioned = |view: &ViewPlan| view.table != view.view.name;
        let one_entity = plan.views.windows(2).all(|two| two[0].join_keys == two[1].join_keys);
        if !plan.on_demand.is_empty() || !one_entity || plan.views.iter().any(versioned) {
            return Ok(None);
        }
        let project = plan.project.as_str();
        let views = plan.views.iter().map(|plan| PrecomputedView::of(project, plan));
        Ok(Some(Self {
            name: service.name.clone(),
            table: ViewTable::new(project, view_name(&service.name), [FEATURE])?,
            views: views.collect::<Result<_>>()?,
            names: plan.views.iter().flat_map(names_of).collect(),
        }))
    }

    /// Every service of a catalog that has vectors. One that cannot be resolved has none; asking for it tells why.
    pub fn all(catalog: &Catalog) -> Vec<Arc<Self>> {
        let services = catalog.feature_services().values();
        services.filter_map(|service| Self::of(catalog, service).ok()?.map(Arc::new)).collect()
    }

    /// Name of the service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the vectors are.
    pub fn table(&self) -> &ViewTable {
        &self.table
    }

    /// Whether the vectors hold features of this view.
    pub fn has(&self, view: &str) -> bool {
        self.views.iter().any(|own| own.view == view)
    }

    /// Makes the vectors of these keys anew from what is stored; to be called after rows of a view were written.
    ///
    /// Of two that do so at once the one that read later wins, because a vector's event time is taken before its views
    /// are read: a row that was written before that time is in it.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn refresh(
        &self,
        store: &dyn OnlineStore,
        keys: &[&[u8]],
        clock: &dyn Clock,
        guard: WriteGuard,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let now = clock.now();
        let reads: Vec<ViewRead<'_>> =
            self.views.iter().map(|view| ViewRead { table: &view.table, keys }).collect();
        let rows = store.read_views(&reads).await.into_iter().collect::<Result<Vec<_>>>()?;
        let vectors = self.vectors(keys, &rows, now)?;
        write_rows(store, &self.table, &vectors, guard).await.map(drop)
    }

    fn vectors(&self, keys: &[&[u8]], rows: &[ReadRows], now: Timestamp) -> Result<WriteRows> {
        let mut vectors = WriteRowsBuilder::with_capacity(&self.table, keys.len());
        let mut value = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            value.clear();
            self.vector(row, rows, now).encode_value(&mut value);
            vectors.begin_row(key, now.micros(), None)?;
            vectors.set(0, &value)?;
        }
        Ok(vectors.finish())
    }

    fn vector<'a>(
        &'a self,
        row: usize,
        rows: &'a [ReadRows],
        now: Timestamp,
    ) -> PrecomputedVector<'a> {
        let cells = |rows: &'a ReadRows| {
            (0..rows.features()).map(move |at| rows.cell(row, at).bytes().unwrap_or_default())
        };
        let event = |(view, rows): (&'a PrecomputedView, &ReadRows)| {
            let at = rows.event_timestamp(row)?;
            Some((view.name.as_str(), Timestamp::from_micros(at)))
        };
        PrecomputedVector {
            names: self.names.iter().map(String::as_str).collect(),
            values: rows.iter().flat_map(cells).collect(),
            event_timestamps: self.views.iter().zip(rows).filter_map(event).collect(),
            precomputed_at: now,
        }
    }

    /// The rows of every view of the service, in the order of its projections, from one read of the vectors; `None` when
    /// a key has no vector of exactly the features that the service has now.
    ///
    /// # Errors
    /// Whatever the store answers, but for a table of vectors that was never made.
    pub async fn read(
        &self,
        store: &dyn OnlineStore,
        keys: &[&[u8]],
    ) -> Result<Option<Vec<ReadRows>>> {
        let stored = match store.read(&self.table, keys).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            stored => stored?,
        };
        let mut views: Vec<ReadRows> = self
            .views
            .iter()
            .map(|view| ReadRows::with_capacity(keys.len(), view.table.features().len()))
            .collect();
        for cell in stored.column(0) {
            let vector = match PrecomputedVector::decode_value(cell.bytes().unwrap_or_default()) {
                Ok(Some(vector)) => vector,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::warn!(table = %self.table, %error, "a precomputed vector is damaged");
                    return Ok(None);
                }
            };
            let Some(order) = self.order(&vector) else { return Ok(None) };
            self.append(&vector, &order, &mut views)?;
        }
        Ok(Some(views))
    }

    /// Where the values of this service's features are in a vector; `None` when it holds others.
    fn order(&self, vector: &PrecomputedVector<'_>) -> Option<Vec<usize>> {
        if vector.names.len() != self.names.len() || vector.values.len() != self.names.len() {
            return None;
        }
        if self.names.iter().zip(&vector.names).all(|(own, stored)| own == stored) {
            return Some((0..self.names.len()).collect());
        }
        let places: HashMap<&str, usize> =
            vector.names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        self.names.iter().map(|name| places.get(name.as_str()).copied()).collect()
    }

    fn append(
        &self,
        vector: &PrecomputedVector<'_>,
        order: &[usize],
        views: &mut [ReadRows],
    ) -> Result<()> {
        let mut places = order.iter();
        for (view, rows) in self.views.iter().zip(views) {
            let event = vector.event_timestamps.iter().find(|(name, _)| *name == view.name);
            // Feast 0.67, redis: an entity without row has the epoch here.
            let event = event.map(|(_, at)| at.micros()).filter(|micros| *micros != 0);
            rows.begin_row(event);
            for (feature, &place) in places.by_ref().take(view.table.features().len()).enumerate() {
                if event.is_some() {
                    rows.set(feature, vector.values[place])?;
                }
            }
        }
        Ok(())
    }
}

impl PrecomputedView {
    fn of(project: &str, plan: &ViewPlan) -> Result<Self> {
        let table = ViewTable::of_view(project, plan.table.as_str(), &plan.view, &plan.features)?;
        Ok(Self { view: plan.view.name.clone(), name: plan.name.clone(), table })
    }
}

fn names_of(plan: &ViewPlan) -> impl Iterator<Item = String> {
    plan.features.iter().map(|feature| format!("{}__{}", plan.name, feature.name))
}

//! Rows written straight to the online store of one view.

use larder_core::{Error, ErrorKind, FeatureView, ObjectKind, Result, Subject};
use larder_materializer::write_rows;
use larder_online_store::WriteRows;
use larder_proto::wire::entity_key::EntityKeyVersion;

use crate::online::{RequestColumn, RequestValues};
use crate::online_rows::{online_rows, row_count};
use crate::{FeatureServer, Snapshot};

/// Rows for one view.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Feature view.
    pub view: String,
    /// Join keys, features, timestamps; columns that the view does not know are ignored.
    pub columns: Vec<RequestColumn>,
    /// Whether an on-demand view is computed from the columns; else they hold its features.
    pub transform_on_write: bool,
}

impl FeatureServer {
    /// Writes rows to the online store; an on-demand view with `write_to_online_store` is computed first.
    ///
    /// No row, and rows of which every feature is null, write nothing (Feast 0.67 warns and goes on).
    ///
    /// # Errors
    /// - `NotFound`: no feature view has that name;
    /// - `Unsupported`: it is an on-demand view that is computed when it is asked for;
    /// - `Invalid`: ragged or missing columns, a value of another type, a missing or unreadable event
    ///   timestamp, more rows than allowed;
    /// - whatever the store answers.
    pub async fn write_to_online_store(&self, request: WriteRequest) -> Result<()> {
        let snapshot = self.online().catalog().load();
        let catalog = snapshot.catalog();
        let config = self.online().config();
        let Some(view) = catalog.feature_views().get(&request.view) else {
            return self.compute_and_write(&snapshot, &request).await;
        };
        let rows = row_count(&request.columns, config.max_push_rows)?;
        if rows == 0 || has_no_value(view, &request.columns) {
            warn_of_nothing(&view.name);
            return Ok(());
        }
        let (table, rows) = online_rows(view, catalog, &request.columns, rows, config)?;
        self.online().store().write(&table, &rows, config.guard).await?;
        self.refresh_vectors(&snapshot, &view.name, &rows).await
    }

    async fn compute_and_write(&self, snapshot: &Snapshot, request: &WriteRequest) -> Result<()> {
        let Some(computed) =
            snapshot.computed_on_write(&request.view, self.online().functions())?
        else {
            let is_on_demand =
                snapshot.catalog().on_demand_feature_views().contains_key(&request.view);
            return Err(not_writable(is_on_demand, &request.view));
        };
        let (columns, config) = (request.columns.as_slice(), self.online().config());
        let rows = row_count(columns, config.max_push_rows)?;
        let features = match rows {
            0 => Vec::new(),
            _ => computed.features(columns, rows, request.transform_on_write).await?,
        };
        if features.iter().all(|column| column.iter().all(<[u8]>::is_empty)) {
            warn_of_nothing(&request.view);
            return Ok(());
        }
        let version = EntityKeyVersion::from_number(config.entity_key_version);
        let rows = computed.rows(columns, features, rows, version, self.online().now())?;
        let store = self.online().store().as_ref();
        write_rows(store, computed.table(), &rows, config.guard).await?;
        self.refresh_vectors(snapshot, &computed.view().name, &rows).await
    }

    /// Makes the vectors of precomputed services anew that hold features of the rows just written.
    pub(crate) async fn refresh_vectors(
        &self,
        snapshot: &Snapshot,
        view: &str,
        written: &WriteRows,
    ) -> Result<()> {
        for service in snapshot.precomputed_of(view) {
            let keys: Vec<&[u8]> = (0..written.len()).map(|row| written.key(row)).collect();
            let (store, guard) = (self.online().store().as_ref(), self.online().config().guard);
            let clock = self.online().clock().as_ref();
            service.refresh(view, &keys, store, clock, guard).await?;
        }
        Ok(())
    }
}

fn warn_of_nothing(view: &str) {
    tracing::warn!(view, "a write without any value was ignored");
}

fn not_writable(is_on_demand: bool, view: &str) -> Error {
    if is_on_demand {
        return Error::unsupported(format!(
            "on demand feature view \"{view}\" is computed when it is asked for, not stored"
        ))
        .with_hint("write to the views that it reads, or give it write_to_online_store=True");
    }
    // Feast 0.67's own words; its clients rebuild the exception from the class.
    let message = format!("Can't recognize feast object with a name {view}");
    Error::new(ErrorKind::NotFound, message).with_subject(Subject {
        kind: ObjectKind::Feature,
        name: view.to_owned(),
        project: String::new(),
    })
}

/// Whether features came, but no value of any of them.
fn has_no_value(view: &FeatureView, columns: &[RequestColumn]) -> bool {
    let is_feature = |name: &str| view.features.iter().any(|field| field.name == name);
    let mut features = columns.iter().filter(|column| is_feature(&column.name)).peekable();
    features.peek().is_some() && features.all(|column| column.values.are_null())
}

impl RequestValues {
    /// Whether no row has a value.
    fn are_null(&self) -> bool {
        match self {
            Self::Json(values) => values.iter().all(serde_json::Value::is_null),
            Self::Typed(values) => values.iter().all(larder_core::Value::is_null),
        }
    }
}

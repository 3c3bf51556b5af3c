//! Rows written straight to the online store of one view.

use larder_core::{Error, ErrorKind, FeatureView, ObjectKind, Result, Subject};

use crate::FeatureServer;
use crate::online::{RequestColumn, RequestValues};
use crate::online_rows::{online_rows, row_count};

/// Rows for one view.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Feature view.
    pub view: String,
    /// Join keys, features, timestamps; columns that the view does not know are ignored.
    pub columns: Vec<RequestColumn>,
}

impl FeatureServer {
    /// Writes rows to the online store.
    ///
    /// No row, and rows of which every feature is null, write nothing (Feast 0.67 warns and goes on).
    ///
    /// # Errors
    /// - `NotFound`: no feature view has that name;
    /// - `Unsupported`: it is an on-demand view;
    /// - `Invalid`: ragged or missing columns, a value of another type, a missing or unreadable event
    ///   timestamp, more rows than allowed;
    /// - whatever the store answers.
    pub async fn write_to_online_store(&self, request: WriteRequest) -> Result<()> {
        let snapshot = self.online().catalog().load();
        let catalog = snapshot.catalog();
        let Some(view) = catalog.feature_views().get(&request.view) else {
            return Err(not_writable(
                catalog.on_demand_feature_views().contains_key(&request.view),
                &request.view,
            ));
        };
        let config = self.online().config();
        let rows = row_count(&request.columns, config.max_push_rows)?;
        if rows == 0 || has_no_value(view, &request.columns) {
            tracing::warn!(view = view.name, "a write without any value was ignored");
            return Ok(());
        }
        let (table, rows) =
            online_rows(view, catalog, &request.columns, rows, config.entity_key_version)?;
        self.online().store().write(&table, &rows, config.guard).await?;
        Ok(())
    }
}

fn not_writable(is_on_demand: bool, view: &str) -> Error {
    if is_on_demand {
        return Error::unsupported(format!(
            "on demand feature view \"{view}\" is computed when it is asked for, not stored"
        ))
        .with_hint("write to the views that it reads");
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

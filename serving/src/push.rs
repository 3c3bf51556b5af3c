//! Rows pushed by applications: to the online store, the offline store, or both.

use std::str::FromStr;
use std::sync::Arc;

use larder_core::{Error, FeatureView, Result, Timestamp};
use larder_online_store::{ViewTable, WriteGuard, WriteRows, WriteRowsBuilder};
use larder_proto::convert::encode_value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion, KeyValue};

use crate::FeatureServer;
use crate::offline_rows::offline_batch;
use crate::online::RequestColumn;

/// Rows for every view whose stream source is the named push source.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// Push source name.
    pub source: String,
    /// Where the rows go.
    pub to: PushTarget,
    /// Join keys, features, timestamps; columns that no view knows are ignored.
    pub columns: Vec<RequestColumn>,
}

/// Where pushed rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushTarget {
    /// Online store.
    Online,
    /// Batch source.
    Offline,
    /// Online store, then batch source.
    OnlineAndOffline,
}

impl PushTarget {
    /// Every target.
    pub(crate) const ALL: [Self; 3] = [Self::Online, Self::Offline, Self::OnlineAndOffline];

    /// Feast's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::OnlineAndOffline => "online_and_offline",
        }
    }
}

impl FromStr for PushTarget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|target| target.name() == text).ok_or_else(|| {
            Error::invalid(format!("\"{text}\" is not a push target"))
                .with_hint("use online, offline or online_and_offline")
        })
    }
}

impl FeatureServer {
    /// Writes pushed rows. Every view is checked before the first is written.
    ///
    /// # Errors
    /// - `NotFound`: no view has that push source;
    /// - `Invalid`: ragged or missing columns, a value of another type, a missing or unreadable event
    ///   timestamp, more rows than allowed;
    /// - whatever the stores answer; rows of views written before stay written (writing again is safe).
    pub async fn push(&self, request: PushRequest) -> Result<()> {
        let snapshot = self.online().catalog().load();
        let rows = row_count(&request.columns, self.online().config().max_push_rows)?;
        let targets: Vec<Arc<FeatureView>> =
            snapshot.catalog().push_targets(&request.source)?.into_iter().map(Arc::clone).collect();
        let project = &snapshot.catalog().project().name;
        if request.to != PushTarget::Offline {
            let version = self.online().config().entity_key_version;
            let writes = targets
                .iter()
                .map(|view| online_rows(view, project, &request.columns, rows, version))
                .collect::<Result<Vec<_>>>()?;
            for (table, rows) in &writes {
                self.online().store().write(table, rows, WriteGuard::EventTime).await?;
            }
        }
        if request.to != PushTarget::Online {
            self.push_offline(&targets, &request.columns, rows).await?;
        }
        if let Some(metrics) = self.online().metrics() {
            metrics.pushed(&request.source, request.to);
        }
        Ok(())
    }

    async fn push_offline(
        &self,
        targets: &[Arc<FeatureView>],
        columns: &[RequestColumn],
        rows: usize,
    ) -> Result<()> {
        let mut written: Vec<&str> = Vec::new();
        for view in targets {
            let Some(source) = view.batch_source.as_ref() else {
                return Err(Error::invalid(format!(
                    "feature view \"{}\" has no batch source to write to",
                    view.name
                )));
            };
            // Views may share a batch source: its rows are written once.
            if written.contains(&source.name.as_str()) {
                continue;
            }
            let schema = self.offline().source_schema(source).await?;
            let batch = offline_batch(&schema, columns, rows)?;
            self.offline().write(source, vec![batch]).await?;
            written.push(&source.name);
        }
        Ok(())
    }
}

fn row_count(columns: &[RequestColumn], limit: usize) -> Result<usize> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    if let Some(other) = columns.iter().find(|column| column.values.len() != rows) {
        return Err(Error::invalid(format!(
            "column \"{}\" has {} rows, not {rows}",
            other.name,
            other.values.len()
        ))
        .with_hint("all columns of df must have the same length"));
    }
    if rows > limit {
        return Err(Error::invalid(format!("{rows} rows are more than the limit of {limit}"))
            .with_hint("push in smaller batches, or raise serving.max_push_rows"));
    }
    Ok(rows)
}

/// The rows of one view as the online store takes them.
fn online_rows(
    view: &FeatureView,
    project: &str,
    columns: &[RequestColumn],
    rows: usize,
    key_version: u32,
) -> Result<(ViewTable, WriteRows)> {
    let table = ViewTable::new(
        project,
        view.name.as_str(),
        view.features.iter().map(|field| field.name.as_str()),
    )?
    .with_ttl(view.effective_ttl());
    let names: Vec<&str> = view.entity_columns.iter().map(|column| column.name.as_str()).collect();
    let layout = EntityKeyLayout::new(EntityKeyVersion::from_number(key_version), &names)?;
    let keys = typed_columns(view, columns, &view.entity_columns, rows)?;
    let features = typed_columns(view, columns, &view.features, rows)?;
    let times = event_timestamps(view, columns)?;
    let created = created_timestamps(view, columns)?;
    let mut write = WriteRowsBuilder::with_capacity(&table, rows);
    let (mut key, mut value) = (Vec::new(), Vec::new());
    for row in 0..rows {
        key.clear();
        layout
            .encode_with(|index| KeyValue::new(&keys[index][row]), &mut key)
            .map_err(|error| error.context(format_args!("row {row}")))?;
        let created = created.as_ref().and_then(|column| column[row]).map(Timestamp::micros);
        write.begin_row(&key, times[row].micros(), created)?;
        for (feature, column) in features.iter().enumerate() {
            value.clear();
            encode_value(&column[row], &mut value)?;
            write.set(feature, &value)?;
        }
    }
    Ok((table, write.finish()))
}

fn typed_columns(
    view: &FeatureView,
    columns: &[RequestColumn],
    fields: &[larder_core::Field],
    rows: usize,
) -> Result<Vec<Vec<larder_core::Value>>> {
    fields
        .iter()
        .map(|field| match column(columns, view, &field.name) {
            Some(column) => column.values.typed(&field.name, field.value_type),
            // Writes to an entityless view are looked up under the dummy key, whatever came with them.
            None if field.name == larder_core::DUMMY_JOIN_KEY => {
                Ok(vec![larder_core::Value::from(""); rows])
            }
            None => Err(Error::invalid(format!(
                "column \"{}\" of feature view \"{}\" is missing",
                field.name, view.name
            ))
            .with_hint("df needs every join key, every feature and the event timestamp")),
        })
        .collect()
}

/// The column of this name, under its name in the view or in the source.
fn column<'a>(
    columns: &'a [RequestColumn],
    view: &FeatureView,
    name: &str,
) -> Option<&'a RequestColumn> {
    let by_name = |wanted: &str| columns.iter().find(|column| column.name == wanted);
    by_name(name).or_else(|| {
        let mapping = &view.batch_source.as_ref()?.field_mapping;
        mapping.iter().find(|(_, feature)| *feature == name).and_then(|(source, _)| by_name(source))
    })
}

fn event_timestamps(view: &FeatureView, columns: &[RequestColumn]) -> Result<Vec<Timestamp>> {
    let name = view
        .batch_source
        .as_ref()
        .map_or("event_timestamp", |source| source.timestamp_field.as_str());
    let found = column(columns, view, name).ok_or_else(|| {
        Error::invalid(format!(
            "event timestamp column \"{name}\" of feature view \"{}\" is missing",
            view.name
        ))
    })?;
    found
        .instants()?
        .into_iter()
        .enumerate()
        .map(|(row, time)| {
            time.ok_or_else(|| {
                Error::invalid(format!("column \"{name}\", row {row}: no event timestamp"))
            })
        })
        .collect()
}

fn created_timestamps(
    view: &FeatureView,
    columns: &[RequestColumn],
) -> Result<Option<Vec<Option<Timestamp>>>> {
    let name =
        view.batch_source.as_ref().map_or("", |source| source.created_timestamp_column.as_str());
    column(columns, view, name).map(RequestColumn::instants).transpose()
}

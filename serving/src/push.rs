//! Rows pushed by applications: to the online store, the offline store, or both.

use std::str::FromStr;
use std::sync::Arc;

use larder_core::{Error, FeatureView, Result};

use crate::FeatureServer;
use crate::feast_words::FeastWords;
use crate::offline_rows::offline_batch;
use crate::online::RequestColumn;
use crate::online_rows::{online_rows, row_count};

/// Rows for every view whose stream source is the named push source.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// Push source name.
    pub source: String,
    /// Where the rows go.
    pub to: PushTarget,
    /// Join keys, features, timestamps; columns that no view knows are ignored.
    pub columns: Vec<RequestColumn>,
    /// Whether rows for batch sources may wait for others, where the server batches them. Feast 0.67 does so over HTTP alone.
    pub may_wait: bool,
}

/// What became of pushed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// They are written.
    Written,
    /// Those for batch sources are taken, and will be written.
    Accepted,
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
            let words = format!(
                "{text} is not a supported push format. Please specify one of these \
                 ['online', 'offline', 'online_and_offline']."
            );
            Error::invalid(format!("\"{text}\" is not a push target"))
                .with_hint("use online, offline or online_and_offline")
                .with_source(FeastWords::bare(words))
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
    pub async fn push(&self, request: PushRequest) -> Result<Pushed> {
        let snapshot = self.online().catalog().load();
        let rows = row_count(&request.columns, self.online().config().max_push_rows)?;
        let targets: Vec<Arc<FeatureView>> =
            snapshot.catalog().push_targets(&request.source)?.into_iter().map(Arc::clone).collect();
        if request.to != PushTarget::Offline {
            let config = self.online().config();
            let writes = targets
                .iter()
                .map(|view| online_rows(view, snapshot.catalog(), &request.columns, rows, config))
                .collect::<Result<Vec<_>>>()?;
            for (view, (table, rows)) in targets.iter().zip(&writes) {
                self.online().store().write(table, rows, config.guard).await?;
                self.refresh_vectors(&snapshot, &view.name, rows).await?;
            }
        }
        let pushed = match request.to {
            PushTarget::Online => Pushed::Written,
            _ => self.push_offline(&targets, &request, rows).await?,
        };
        if let Some(metrics) = self.online().metrics() {
            metrics.pushed(&request.source, request.to);
        }
        Ok(pushed)
    }

    async fn push_offline(
        &self,
        targets: &[Arc<FeatureView>],
        request: &PushRequest,
        rows: usize,
    ) -> Result<Pushed> {
        let batches = self.offline_batches().filter(|_| request.may_wait);
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
            let batch = offline_batch(&schema, &request.columns, rows)?;
            let to_write = match batches {
                Some(batches) => batches.take(source, batch)?,
                None => Some(batch),
            };
            if let Some(batch) = to_write {
                self.offline().write(source, vec![batch]).await?;
            }
            written.push(&source.name);
        }
        Ok(if batches.is_some() { Pushed::Accepted } else { Pushed::Written })
    }
}

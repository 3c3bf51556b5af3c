//! Writing: rows become commands, commands pipelines.

mod features;
mod packed;
mod transaction;
mod waves;

use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use larder_core::Result;

use self::waves::Waves;
use super::client::Client;
use super::config::{RedisConfig, RedisGuard, RedisLayout};
use super::schemas::Schemas;
use crate::{ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Bytes of one pipeline, unless a single row has more.
const BYTES_PER_PIPELINE: usize = 1 << 20;

/// Rows of one pipeline.
const ROWS_PER_PIPELINE: usize = 1024;

/// Writes rows in order.
pub(super) async fn write(
    (client, schemas): (&Client, &Schemas),
    config: &RedisConfig,
    table: &ViewTable,
    rows: &WriteRows,
    guard: WriteGuard,
) -> Result<WriteSummary> {
    let guard = if config.guard == RedisGuard::Off { WriteGuard::LastWriteWins } else { guard };
    let expiry = config.key_ttl_seconds.unwrap_or(0);
    let call = Call { client, schemas, table, rows, guard, expiry };
    match config.layout {
        RedisLayout::Feast => call.write_features(config.guard == RedisGuard::Feast).await,
        RedisLayout::Packed => call.write_packed().await,
    }
}

/// One call of `write`.
struct Call<'a> {
    client: &'a Client,
    /// Those of packed rows.
    schemas: &'a Schemas,
    table: &'a ViewTable,
    rows: &'a WriteRows,
    guard: WriteGuard,
    /// Seconds that a key lives after an accepted write; 0 for ever.
    expiry: u32,
}

impl Call<'_> {
    /// Rows in the order in which they may be sent; those that an earlier row of the call keeps out are left out.
    fn waves(&self) -> Waves {
        Waves::new(self.rows, self.guard)
    }

    /// Splits rows into pipelines of bounded size.
    fn pipelines<'w>(&self, rows: &'w [usize]) -> impl Iterator<Item = &'w [usize]> {
        let mean = self.rows.bytes() / self.rows.len().max(1);
        rows.chunks((BYTES_PER_PIPELINE / mean.max(1)).clamp(1, ROWS_PER_PIPELINE))
    }

    /// Sends pipelines, a few at a time, and adds up what became of their rows.
    async fn all(
        &self,
        pipelines: Vec<BoxFuture<'_, Result<WriteSummary>>>,
    ) -> Result<WriteSummary> {
        self.all_of(pipelines, self.client.calls_at_once()).await
    }

    async fn all_of(
        &self,
        parts: Vec<BoxFuture<'_, Result<WriteSummary>>>,
        at_once: usize,
    ) -> Result<WriteSummary> {
        let mut summaries = stream::iter(parts).buffered(at_once);
        let mut sum = WriteSummary::default();
        while let Some(summary) = summaries.next().await {
            sum += summary?;
        }
        Ok(sum)
    }
}

//! The schemas of packed rows: what was ever written of a view, under one small key.
//!
//! ```text
//! "larder:schemas:<project>:<view>" -> HASH { digest -> schema }      see row::schema
//! ```
//!
//! A writer stores the schema of its rows before the first of them. A reader needs only those of rows that are not as it
//! would write them itself, and keeps what it has seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use larder_core::Result;
use redis::Value;
use tokio::time::Instant;

use super::client::{Client, parse};
use super::error::Fault;
use super::layout::schema_key;
use super::row::{Digest, RowSchema};
use crate::ViewTable;

/// How long a schema that was stored is taken to be there: somebody may have removed the view meanwhile.
const STORED: Duration = Duration::from_mins(1);

/// How long a schema that was not there is not looked for again.
const ABSENT: Duration = Duration::from_secs(1);

/// Digests that were not there which are remembered per view.
const MOST_ABSENT: usize = 256;

/// What one process knows.
#[derive(Debug, Default)]
pub(super) struct Schemas(Mutex<HashMap<View, Known>>);

type View = (Arc<str>, Arc<str>);

/// What is known of one view.
#[derive(Debug, Default)]
struct Known {
    schemas: HashMap<Digest, RowSchema>,
    stored: HashMap<Digest, Instant>,
    absent: HashMap<Digest, Instant>,
}

impl Schemas {
    /// Lets rows of this schema be written: whoever reads them will find it.
    pub(super) async fn store(
        &self,
        client: &Client,
        table: &ViewTable,
        schema: &RowSchema,
    ) -> Result<()> {
        let digest = schema.digest();
        let is_stored = |known: &mut Known| {
            known.stored.get(&digest).is_some_and(|stored| stored.elapsed() < STORED)
        };
        if self.of(table, is_stored) {
            return Ok(());
        }
        let key = schema_key(table.project(), table.view());
        let mut put = redis::cmd("HSET");
        put.arg(&key).arg(&digest[..]).arg(schema.to_bytes());
        let now = Instant::now();
        self.one(client, put).await?;
        self.load(client, table).await?;
        self.of(table, |known| known.stored.insert(digest, now));
        Ok(())
    }

    /// The schemas of these digests, as far as there are any.
    pub(super) async fn find(
        &self,
        client: &Client,
        table: &ViewTable,
        digests: &[Digest],
    ) -> Result<Vec<RowSchema>> {
        let lacks = |known: &mut Known| {
            digests.iter().any(|digest| {
                let absent = known.absent.get(digest).is_some_and(|at| at.elapsed() < ABSENT);
                !absent && !known.schemas.contains_key(digest)
            })
        };
        if self.of(table, lacks) {
            self.load(client, table).await?;
            self.of(table, |known| known.note_absent(digests, table));
        }
        Ok(self.of(table, |known| {
            digests.iter().filter_map(|digest| known.schemas.get(digest).cloned()).collect()
        }))
    }

    /// The digests of known schemas that have no feature which this one has not.
    pub(super) fn covered(&self, table: &ViewTable, schema: &RowSchema) -> Vec<u8> {
        self.of(table, |known| {
            let covered = known.schemas.values().filter(|other| schema.covers(other));
            covered.flat_map(RowSchema::digest).collect()
        })
    }

    /// Removes the schemas of a view whose rows are gone.
    pub(super) async fn remove(&self, client: &Client, table: &ViewTable) -> Result<()> {
        self.of(table, std::mem::take);
        let mut remove = redis::cmd("DEL");
        remove.arg(schema_key(table.project(), table.view()));
        match self.answer(client, remove).await {
            // Who may not touch the key has never written it.
            Err(fault) if fault.code() != Some("NOPERM") => Err(client.error(&fault)),
            _ => Ok(()),
        }
    }

    /// Learns all schemas of a view.
    async fn load(&self, client: &Client, table: &ViewTable) -> Result<()> {
        let mut look = redis::cmd("HGETALL");
        look.arg(schema_key(table.project(), table.view()));
        let answer = self.one(client, look).await?;
        let stored: HashMap<Vec<u8>, Vec<u8>> =
            redis::from_redis_value(answer).map_err(|cause| client.error(&parse(cause)))?;
        self.of(table, |known| {
            for (digest, bytes) in &stored {
                let digest = Digest::try_from(digest.as_slice()).ok();
                let schema = digest.and_then(|digest| RowSchema::parse(bytes, digest));
                let Some(schema) = schema else {
                    tracing::warn!(view = %table, "a schema of packed rows is damaged");
                    continue;
                };
                known.schemas.insert(schema.digest(), schema);
            }
        });
        Ok(())
    }

    async fn one(&self, client: &Client, command: redis::Cmd) -> Result<Value> {
        self.answer(client, command).await.map_err(|fault| client.error(&fault))
    }

    async fn answer(&self, client: &Client, command: redis::Cmd) -> Result<Value, Fault> {
        client.send(vec![command]).await.pop().unwrap_or(Ok(Value::Nil))
    }

    fn of<T>(&self, table: &ViewTable, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut views: MutexGuard<'_, _> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(views.entry(table.address()).or_default())
    }
}

impl Known {
    /// Notes which of these digests were not there.
    fn note_absent(&mut self, digests: &[Digest], table: &ViewTable) {
        if self.absent.len() > MOST_ABSENT {
            self.absent.clear();
        }
        self.absent.retain(|digest, _| !self.schemas.contains_key(digest));
        for digest in digests.iter().filter(|digest| !self.schemas.contains_key(*digest)) {
            self.absent.insert(*digest, Instant::now());
            tracing::warn!(view = %table, digest = hex::encode(digest), "rows have a schema that redis does not know");
        }
    }
}

//! A sink that keeps the last version of every row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use larder_core::{Result, Value};
use larder_stream_features::{Change, Covered, OutputRow, Sink};

/// Rows by key (as text) and result, with their event time.
pub(crate) type Rows = BTreeMap<(String, i64), (i64, Vec<Value>)>;

/// Shared with the test, which looks at it after the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected(Arc<Mutex<Rows>>);

impl Collected {
    pub(crate) fn rows(&self) -> Rows {
        self.0.lock().expect("no test panics in between").clone()
    }

    /// The row with the latest event time of every key, as the online store keeps it.
    pub(crate) fn newest(&self) -> BTreeMap<String, (i64, Vec<Value>)> {
        let mut newest: BTreeMap<String, (i64, Vec<Value>)> = BTreeMap::new();
        for ((key, _), row) in self.rows() {
            let known = newest.entry(key).or_insert_with(|| row.clone());
            if row.0 >= known.0 {
                *known = row;
            }
        }
        newest
    }
}

#[async_trait]
impl Sink for Collected {
    fn kind(&self) -> &'static str {
        "collected"
    }

    async fn restore(&mut self, _: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        let mut kept = self.0.lock().expect("no test panics in between");
        for row in rows {
            let at = (format!("{:?}", row.key()?), row.result);
            match row.change {
                Change::Withdraw => kept.remove(&at),
                _ => kept.insert(at, (row.time, row.values.clone())),
            };
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

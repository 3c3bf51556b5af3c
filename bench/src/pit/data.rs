//! Generated entity rows and feature files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

/// Feature views.
pub(super) const VIEWS: usize = 3;
/// Doubles of each view.
pub(super) const FEATURES: usize = 5;
/// Ttl of each view.
pub(super) const TTL_DAYS: i64 = 10;
/// How far the times of all rows spread.
pub(super) const DAYS: i64 = 60;

/// 2026-01-01.
const START: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
/// Microseconds that times spread over.
const SPREAD: i64 = DAYS * DAY;
const BATCH: usize = 65_536;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) entities: usize,
    /// Feature rows of each view.
    pub(super) rows: usize,
    pub(super) keys: i64,
}

/// Files in a folder that goes with this.
#[derive(Debug)]
pub(super) struct Data {
    folder: TempDir,
}

impl Data {
    /// Writes `entities.parquet` and `view_N.parquet` into a new folder below `target`.
    pub(super) fn generate(target: &Path, size: Size, sorted: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-pit-").tempdir_in(target)?;
        let data = Self { folder };
        data.write("entities.parquet", 0, size.entities, false, |rng, at, _| {
            let key: Int64Array = at.iter().map(|_| Some(rng.random_range(0..size.keys))).collect();
            let label: Int64Array = at.iter().map(|_| Some(rng.random_range(0..2))).collect();
            vec![("key".to_owned(), Arc::new(key)), ("label".to_owned(), Arc::new(label))]
        })?;
        std::thread::scope(|scope| {
            let data = &data;
            let write = |view| scope.spawn(move || data.write_view(view, size, sorted));
            let views: Vec<_> = (0..VIEWS).map(write).collect();
            views.into_iter().try_for_each(|view| view.join().expect("no panic"))
        })?;
        Ok(data)
    }

    fn write_view(&self, view: usize, size: Size, sorted: bool) -> Result<()> {
        let name = format!("view_{view}.parquet");
        self.write(&name, view as u64 + 1, size.rows, sorted, |rng, at, stamps| {
            let key: Int64Array = at.iter().map(|_| Some(rng.random_range(0..size.keys))).collect();
            let created = at.iter().map(|event| Some(event + rng.random_range(0..HOUR)));
            let created: ArrayRef = Arc::new(stamps(created.collect()));
            let mut columns: Vec<(String, ArrayRef)> =
                vec![("key".to_owned(), Arc::new(key)), ("created".to_owned(), created)];
            for feature in 0..FEATURES {
                let values: Float64Array = at.iter().map(|_| Some(rng.random::<f64>())).collect();
                columns.push((format!("v{view}_f{feature}"), Arc::new(values)));
            }
            columns
        })
    }

    /// Writes rows whose columns after the event time depend on it.
    fn write(
        &self,
        name: &str,
        seed: u64,
        rows: usize,
        sorted: bool,
        columns: impl Fn(&mut StdRng, &[i64], Stamps) -> Vec<(String, ArrayRef)>,
    ) -> Result<()> {
        let mut rng = StdRng::seed_from_u64(seed);
        let file = File::create(self.path().join(name)).context("cannot create a data file")?;
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = None;
        let mut file = Some((file, snappy));
        for first in (0..rows).step_by(BATCH) {
            let count = BATCH.min(rows - first);
            let at: Vec<i64> =
                (first..first + count)
                    .map(|row| {
                        if sorted {
                            in_order(row, rows)
                        } else {
                            START + rng.random_range(0..SPREAD)
                        }
                    })
                    .collect();
            let time: ArrayRef = Arc::new(stamps(at.iter().copied().map(Some).collect()));
            let mut all = vec![("event_timestamp".to_owned(), time)];
            all.extend(columns(&mut rng, &at, stamps));
            let batch = RecordBatch::try_from_iter_with_nullable(
                all.into_iter().map(|(name, column)| (name, column, true)),
            )?;
            if let Some((file, properties)) = file.take() {
                writer = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties))?);
            }
            writer.as_mut().context("the first batch made it")?.write(&batch)?;
        }
        writer.context("there are rows")?.close()?;
        Ok(())
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The file of a view.
    pub(super) fn view(folder: &Path, view: usize) -> PathBuf {
        folder.join(format!("view_{view}.parquet"))
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> Result<u64> {
        let files = std::fs::read_dir(self.path())?;
        files.map(|file| Ok(file?.metadata()?.len())).sum()
    }
}

type Stamps = fn(Vec<Option<i64>>) -> TimestampMicrosecondArray;

fn stamps(micros: Vec<Option<i64>>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(micros).with_timezone("UTC")
}

/// The time of a row when all rows follow each other evenly.
fn in_order(row: usize, rows: usize) -> i64 {
    let after = row as i128 * i128::from(SPREAD) / rows as i128;
    START + i64::try_from(after).unwrap_or(SPREAD)
}

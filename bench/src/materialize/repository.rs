//! A view over one generated file.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use larder_tests::{Feast, Fs};
use parquet::arrow::ArrowWriter;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use crate::child::Usage;

/// Doubles of the view.
pub(super) const FEATURES: usize = 10;

/// 2026-01-01, and sixty days of microseconds.
const START: i64 = 1_767_225_600_000_000;
const SPREAD: i64 = 60 * 86_400_000_000;
const BATCH: usize = 65_536;

/// A folder with a file, which goes with this.
#[derive(Debug)]
pub(super) struct Files(TempDir);

impl Files {
    /// Writes the file, rows in no order.
    pub(super) fn generate(rows: usize, keys: i64) -> Result<Self> {
        let binary = std::env::current_exe().context("a running program has a path")?;
        let target =
            binary.parent().and_then(Path::parent).context("binaries stand in target/*")?;
        let folder = tempfile::Builder::new().prefix("bench-materialize-").tempdir_in(target)?;
        let files = Self(folder);
        let (mut rng, mut writer) = (StdRng::seed_from_u64(1), None);
        for first in (0..rows).step_by(BATCH) {
            let batch = batch(&mut rng, BATCH.min(rows - first), keys)?;
            if writer.is_none() {
                let file = File::create(files.folder().join(STATS))?;
                writer = Some(ArrowWriter::try_new(file, batch.schema(), None)?);
            }
            writer.as_mut().context("the first batch made it")?.write(&batch)?;
        }
        writer.context("there are rows")?.close()?;
        std::fs::write(files.folder().join("views.py"), DEFINITIONS)?;
        Ok(files)
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Applies the view to a registry and a store that hold nothing.
    pub(super) fn empty(&self, store: &str) -> Result<()> {
        for name in ["registry.db", "registry.db.lock", "online.db", "online"] {
            let path = self.folder().join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            } else if path.try_exists()? {
                std::fs::remove_file(path)?;
            }
        }
        let place = if store == "embedded" { "online" } else { "online.db" };
        let settings = format!(
            "project: bench\nprovider: local\nregistry: registry.db\n\
             online_store: {{type: {store}, path: {place}}}\nentity_key_serialization_version: 3\n"
        );
        std::fs::write(self.folder().join("feature_store.yaml"), settings)?;
        Fs::in_repository(self.folder()).ok(&["apply"]);
        Ok(())
    }

    /// `fs materialize`, from its start to the recorded interval.
    pub(super) fn fs(&self) -> Result<Usage> {
        let mut command = Fs::in_repository(self.folder()).command(&MATERIALIZE);
        Usage::of(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// `feast materialize`.
    pub(super) fn feast(&self, feast: &Feast) -> Result<Usage> {
        let program = feast.python().with_file_name("feast");
        ensure!(program.is_file(), "there is no {}", program.display());
        let mut command = Command::new(program);
        command.args(MATERIALIZE).current_dir(self.folder());
        Usage::of(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }
}

const MATERIALIZE: [&str; 3] = ["materialize", "2025-12-31T00:00:00", "2026-12-31T00:00:00"];

/// Name of the file.
pub(super) const STATS: &str = "stats.parquet";

const DEFINITIONS: &str = "from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64
key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)
source = FileSource(name=\"stats_source\", path=\"stats.parquet\", timestamp_field=\"event_timestamp\")
stats = FeatureView(name=\"stats\", entities=[key], source=source,
    schema=[Field(name=f\"f{i}\", dtype=Float64) for i in range(10)])
";

fn batch(rng: &mut StdRng, rows: usize, keys: i64) -> Result<RecordBatch> {
    let key: Int64Array = (0..rows).map(|_| Some(rng.random_range(0..keys))).collect();
    let time: TimestampMicrosecondArray =
        (0..rows).map(|_| Some(START + rng.random_range(0..SPREAD))).collect();
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("key".to_owned(), Arc::new(key)),
        ("event_timestamp".to_owned(), Arc::new(time.with_timezone("UTC"))),
    ];
    for feature in 0..FEATURES {
        let values: Float64Array = (0..rows).map(|_| Some(rng.random::<f64>())).collect();
        columns.push((format!("f{feature}"), Arc::new(values)));
    }
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

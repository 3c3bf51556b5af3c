//! Rows that both sides compute with.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow_ipc::writer::FileWriter;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::functions::INPUTS;

/// Random rows, the same in every run; every tenth `spend` is missing.
pub(super) fn rows(count: usize) -> Result<RecordBatch> {
    let mut random = StdRng::seed_from_u64(7);
    let prices: Float64Array = (0..count).map(|_| Some(random.random_range(0.0..100.0))).collect();
    let spends: Float64Array = (0..count)
        .map(|_| (!random.random_bool(0.1)).then(|| random.random_range(0.0..500.0)))
        .collect();
    let visits: Int64Array = (0..count).map(|_| Some(random.random_range(0..40))).collect();
    let devices = ["mobile", "desktop", "tablet"];
    let devices: StringArray =
        (0..count).map(|_| Some(devices[random.random_range(0..devices.len())])).collect();
    let seen: TimestampSecondArray =
        (0..count).map(|_| Some(random.random_range(1_700_000_000..1_760_000_000))).collect();
    let columns: [ArrayRef; 5] = [
        Arc::new(prices),
        Arc::new(spends),
        Arc::new(visits),
        Arc::new(devices),
        Arc::new(seen.with_timezone("UTC")),
    ];
    let names = INPUTS.iter().map(|(name, _)| *name);
    Ok(RecordBatch::try_from_iter_with_nullable(
        names.zip(columns).map(|(name, column)| (name, column, true)),
    )?)
}

/// Writes the rows where Python finds them.
pub(super) fn write(rows: &RecordBatch, path: &Path) -> Result<()> {
    let mut writer = FileWriter::try_new(File::create(path)?, rows.schema_ref())?;
    writer.write(rows)?;
    writer.finish()?;
    Ok(())
}

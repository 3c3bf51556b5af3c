//! The floor: decoding the columns that the join needs, and nothing else.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use clap::Args;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::data::{Data, VIEWS};

/// What is decoded.
#[derive(Debug, Args)]
pub(crate) struct FloorOptions {
    /// The folder of the files.
    folder: PathBuf,
}

/// Decodes every column of every view with as many threads as there are processors, row group by row group.
pub(crate) fn run(options: &FloorOptions) -> Result<()> {
    let mut groups = Vec::new();
    for view in (0..VIEWS).rev() {
        let path = Data::view(&options.folder, view);
        let metadata =
            ArrowReaderMetadata::load(&File::open(&path)?, ArrowReaderOptions::default())?;
        let count = metadata.metadata().num_row_groups();
        groups.extend((0..count).rev().map(|group| (path.clone(), metadata.clone(), group)));
    }
    let groups = Mutex::new(groups);
    let threads = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&groups))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no panic"))
    })
}

type Groups = Mutex<Vec<(PathBuf, ArrowReaderMetadata, usize)>>;

fn work(groups: &Groups) -> Result<()> {
    loop {
        let next = groups.lock().map_err(|_| anyhow::anyhow!("another worker failed"))?.pop();
        let Some((path, metadata, group)) = next else { return Ok(()) };
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let rows = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_row_groups(vec![group])
            .with_batch_size(8192)
            .build()?;
        for batch in rows {
            std::hint::black_box(batch?);
        }
    }
}

//! Threads that encode the columns of Parquet files, each its share of them, while the next rows are made.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowLeafColumn};
use parquet::errors::{ParquetError, Result};

/// Pieces of work that wait for a thread.
const WAITING: usize = 1;

/// As many threads as there are processors, for one or more files.
///
/// They live as long as the files: what a thread allocates stays warm for its next rows.
#[derive(Debug)]
pub(super) struct Encoders {
    threads: Vec<Encoder>,
    /// How many files there have been.
    files: AtomicU64,
}

#[derive(Debug)]
struct Encoder {
    /// Gone once the thread is to end.
    work: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

/// Work on the row group of a file.
struct Work {
    file: u64,
    step: Step,
}

enum Step {
    /// The writers of a new row group.
    Begin(Vec<ArrowColumnWriter>),
    /// Per column its parts.
    Rows(Vec<Vec<ArrowLeafColumn>>),
    /// The row group is complete.
    Close(SyncSender<Result<Vec<ArrowColumnChunk>>>),
}

impl Encoders {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the system answers.
    pub(super) fn start() -> Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (0..count).map(|_| Encoder::start()).collect::<Result<_>>()?;
        Ok(Self { threads, files: AtomicU64::new(0) })
    }

    /// The number of a new file.
    pub(super) fn file(&self) -> u64 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    /// Begins a row group of a file with one writer per column.
    pub(super) fn begin(&self, file: u64, writers: Vec<ArrowColumnWriter>) -> Result<()> {
        self.share(file, writers, Step::Begin)
    }

    /// Appends rows, as the parts of each column; waits while threads are behind.
    pub(super) fn append(&self, file: u64, columns: Vec<Vec<ArrowLeafColumn>>) -> Result<()> {
        self.share(file, columns, Step::Rows)
    }

    /// Ends the row group: its columns in order.
    ///
    /// # Errors
    /// The first that there was since the row group was begun.
    pub(super) fn close(&self, file: u64) -> Result<Vec<ArrowColumnChunk>> {
        let ask = |thread: &Encoder| {
            let (done, answer) = sync_channel(1);
            thread.send(Work { file, step: Step::Close(done) }).map(|()| answer)
        };
        let answers: Vec<_> = self.threads.iter().map(ask).collect::<Result<_>>()?;
        let mut chunks = Vec::new();
        for answer in answers {
            chunks.extend(answer.recv().map_err(|_| ended())??);
        }
        Ok(chunks)
    }

    /// Gives each thread its share of the columns, the same one whenever there are as many.
    fn share<T>(&self, file: u64, columns: Vec<T>, step: impl Fn(Vec<T>) -> Step) -> Result<()> {
        let share = columns.len().div_ceil(self.threads.len());
        let mut columns = columns.into_iter();
        self.threads.iter().try_for_each(|thread| {
            let step = step(columns.by_ref().take(share).collect());
            thread.send(Work { file, step })
        })
    }
}

impl Encoder {
    fn start() -> Result<Self> {
        let (work, received) = sync_channel(WAITING);
        let builder = thread::Builder::new().name("parquet-encoder".to_owned());
        let thread = builder.spawn(move || encode(&received))?;
        Ok(Self { work: Some(work), thread: Some(thread) })
    }

    fn send(&self, work: Work) -> Result<()> {
        let sender = self.work.as_ref().ok_or_else(ended)?;
        sender.send(work).map_err(|_| ended())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}

fn ended() -> ParquetError {
    ParquetError::General("a thread that encodes columns ended early".to_owned())
}

fn encode(work: &Receiver<Work>) {
    let mut groups: HashMap<u64, Result<Vec<ArrowColumnWriter>>> = HashMap::new();
    while let Ok(Work { file, step }) = work.recv() {
        let group = groups.remove(&file).unwrap_or_else(|| Ok(Vec::new()));
        match step {
            Step::Begin(writers) => drop(groups.insert(file, Ok(writers))),
            Step::Rows(columns) => {
                let group = group.and_then(|group| append(group, &columns));
                groups.insert(file, group);
            }
            Step::Close(done) => {
                let chunks = group
                    .and_then(|group| group.into_iter().map(ArrowColumnWriter::close).collect());
                // Nobody waits for a file that was given up.
                drop(done.send(chunks));
            }
        }
    }
}

fn append(
    mut writers: Vec<ArrowColumnWriter>,
    columns: &[Vec<ArrowLeafColumn>],
) -> Result<Vec<ArrowColumnWriter>> {
    for (writer, parts) in writers.iter_mut().zip(columns) {
        parts.iter().try_for_each(|part| writer.write(part))?;
    }
    Ok(writers)
}

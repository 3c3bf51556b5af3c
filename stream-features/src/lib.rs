//! Features from streams of events: decoding, windows, sessions, rules, sources and sinks.
//!
//! The way of an event: an [`EventSource`] polls encoded events of a partition; they are decoded into columns, once for
//! all jobs that share the source; each job filters them and gives them to its operator (windows, sessions or rules over
//! keyed state), which tells rows when the watermark passes; a [`Sink`] stores the rows. Events that cannot be used
//! become [dead letters](DeadLetter) and stop nothing.
//!
//! Operators are pure: events in any order within the bounds of lateness give the results of the same events in order, to
//! the last bit. A backfill is therefore the same job over files.
//!
//! Progress is kept by commits: state, offsets and outputs become true together, so that a run that is killed goes on as if
//! it had not been ([`CommitLog`]).
//!
//! What this crate is not: it chooses no store.

mod aggregate;
mod append_file;
mod batch;
mod checkpoint;
mod container;
mod dead_letter;
mod decode;
mod definition;
mod expression;
mod kafka;
mod operator;
mod repartition;
mod run;
mod scalar;
mod schema;
mod sink;
mod source;
mod watermark;

pub use checkpoint::{CheckpointStore, CommitLog, JobProgress, ObjectCommitLog, Position};
pub use dead_letter::{DeadLetter, DeadLetterFile, DeadLetters};
pub use decode::{EventFormat, Fault, SchemaDirectory, WriterSchemas};
pub use definition::{JobDefinition, RowSchema, load_jobs};
pub use kafka::{
    Beginning, Cleanup, Difference, KafkaCommitLog, KafkaConnection, KafkaProducer, KafkaSource,
    Lag, LetterTopic, Membership, PartitionProgress, Standing, TopicAdmin, TopicBlocks,
    TopicEvents, TopicLetters, TopicProgress, TopicRows, TopicSpec, TopicState, Topics,
};
pub use operator::{Change, OutputRow};
pub use repartition::{BlockSink, Origin, SourceEvents, Stage};
pub use run::{
    Committed, Input, JobGroup, JobReport, JobRun, Progress, RunObserver, RunOptions, Stop, Taken,
    Until, run_jobs,
};
pub use sink::{Covered, HistoryFile, JsonLines, LogFiles, OnlineRows, RowDocument, Sink};
pub use source::{
    EventSource, FileSource, Framing, LetterSource, ParquetEvents, Polled, RawEvents, Readers,
    unread_bytes,
};

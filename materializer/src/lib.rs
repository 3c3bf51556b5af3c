//! Moves feature rows from the offline to the online store.
//!
//! A run takes the latest row per key of a closed interval of event times, view by view
//! ([`Materializer::run`]), writes it with the event-time guard, and records the interval once every row is
//! durable. How far it has come is written down now and then ([`Checkpoints`]), so that the same run goes on there after it
//! was cut off. It chooses no store, reads no registry and knows no clock: it is given all of them.
//!
//! On-demand views that are computed on write are moved too: [`OnDemandRows`] computes them. Where rows of a view are
//! members of a [`PrecomputedService`], its vectors are made anew.

mod ahead;
mod checkpoint;
mod key_column;
mod on_demand;
mod precomputed;
mod progress;
mod recorder;
mod rows;
mod run;
mod selection;
mod share;
mod task;
mod window;
mod write;

pub use checkpoint::{Checkpoint, Checkpoints, FolderCheckpoints};
pub use on_demand::{EVENT_TIMESTAMP, OnDemandRows};
pub use precomputed::{FeastRows, PrecomputedService, VectorKeys};
pub use progress::{Counts, Progress, Silent};
pub use recorder::IntervalRecorder;
pub use run::{Materializer, MaterializerSettings, ViewReport};
pub use selection::{select_views, select_views_at};
pub use task::ViewTask;
pub use window::{full, incremental};
pub use write::write_rows;

//! What an offline store is asked: plain data, complete in itself.

mod entity_rows;
mod historical;
mod options;
mod pull;
mod save;

pub use entity_rows::EntityRows;
pub use historical::{HistoricalFeature, HistoricalRequest, HistoricalView, JoinKey};
pub use options::{HistoricalOptions, PullOptions};
pub use pull::PullRequest;
pub use save::{SaveMode, SaveRequest};

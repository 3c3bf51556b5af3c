//! What a program without Delta answers.

use std::future::{Ready, ready};

use larder_core::{DataSource, Error, Result};

use crate::engine::DataFusionOfflineStore;
use crate::source::{Location, SourceTable};

/// # Errors
/// Always `Unsupported`.
pub(in crate::source) fn open(
    _: &DataFusionOfflineStore,
    source: &DataSource,
    _: Location,
) -> Ready<Result<SourceTable>> {
    let what = format!(
        "source \"{}\" is a Delta table, which this program was built without",
        source.name
    );
    ready(Err(Error::unsupported(what).with_hint(
        "build it with the feature: cargo build --release -p larder-cli --features delta",
    )))
}

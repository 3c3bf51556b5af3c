//! What a program without Ballista answers.
#![cfg_attr(feature = "ballista", expect(dead_code, reason = "compiled and tested in every build"))]

use std::future::{Ready, ready};
use std::sync::Arc;

use larder_core::{Error, Result};
use larder_offline_store::OfflineStore;
use larder_registry::RepoConfig;

use super::{Executing, Scheduling};

/// # Errors
/// Always `Unsupported`.
pub(crate) fn store(_: &RepoConfig, _: &str, _: u16) -> Result<Arc<dyn OfflineStore>> {
    Err(missing("offline_store.type: ballista"))
}

/// # Errors
/// Always `Unsupported`.
pub(crate) fn schedule(_: &RepoConfig, _: Scheduling) -> Ready<Result<()>> {
    ready(Err(missing("fs cluster scheduler")))
}

/// # Errors
/// Always `Unsupported`.
pub(crate) fn execute(_: &RepoConfig, _: Executing) -> Ready<Result<()>> {
    ready(Err(missing("fs cluster executor")))
}

fn missing(what: &str) -> Error {
    Error::unsupported(format!("{what} needs Ballista, which this program was built without"))
        .with_hint(
            "build it with the feature: cargo build --release -p larder-cli --features ballista",
        )
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn what_needs_ballista_is_refused_with_the_feature_that_brings_it() {
        let error = missing("fs cluster executor");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.hint().is_some_and(|hint| hint.contains("--features ballista")));
    }
}

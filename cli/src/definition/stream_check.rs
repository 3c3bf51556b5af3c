//! Checks stream jobs at apply, so that what cannot run is known before the first event.

use larder_core::{Error, ErrorKind, Result};
use larder_registry::{RepoConfig, RepoContents};
use larder_stream_features::{JobDefinition, load_jobs};

/// Checks every job of the repository against its views, and the stream views that can run as jobs.
///
/// A stream view that Larder cannot run is a matter of its own engine, as in Feast; one that names a field or function
/// that does not exist is wrong anywhere.
///
/// # Errors
/// `Invalid` with file and line.
pub(super) fn check(config: &RepoConfig, contents: &RepoContents) -> Result<()> {
    let view = |name: &str| {
        contents.feature_views.iter().map(|view| &view.value).find(|view| view.name == name)
    };
    for job in load_jobs(&config.repo_path)? {
        job.check_view(view)?;
    }
    for located in &contents.feature_views {
        let placed = |error: Error| error.with_location(located.location.clone());
        match JobDefinition::of_view(&located.value) {
            Ok(Some(job)) => job.check_view(view).map_err(placed)?,
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(placed(error)),
        }
    }
    Ok(())
}

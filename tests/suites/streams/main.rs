//! `fs stream run` in processes that are killed, stopped, or whose store goes away.

mod containers;
mod events;
mod killed;
mod store_down;

use larder_tests::Repository;

/// The example repository with a log for one of its jobs, applied.
///
/// `settings` is appended to its configuration.
fn shop(settings: &str) -> Repository {
    let repository = Repository::copy_of("feature_repo");
    let configuration = repository.read("feature_store.yaml");
    repository.write("feature_store.yaml", format!("{configuration}{settings}\n"));
    let jobs = repository.read("streams/user_events.yaml");
    let (view, logged) = ("view: product_features\n", "view: product_features\nlog: true\n");
    assert!(jobs.contains(view));
    repository.write("streams/user_events.yaml", jobs.replace(view, logged));
    repository.fs().ok(&["apply"]);
    repository
}

//! The registry file, both ways.

use larder_tests::{Feast, Repository, canonical, difference};
use serde_json::Value;

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}";

/// Two copies of one repository, the first applied by Feast, the second by `fs`.
struct Pair {
    feast: Feast,
    by_feast: Repository,
    by_fs: Repository,
}

impl Pair {
    fn apply(make: impl Fn(&Feast) -> Repository) -> Self {
        let feast = Feast::get();
        let (by_feast, by_fs) = (make(&feast), make(&feast));
        feast.ok(&by_feast.path(), &["apply"]);
        by_fs.fs().ok(&["apply"]);
        Self { feast, by_feast, by_fs }
    }

    fn dump(&self, repository: &Repository) -> Value {
        self.feast.script("registry_dump.py", &[&repository.file("")])
    }

    #[track_caller]
    fn assert_equal(&self) {
        let (left, right) = (self.dump(&self.by_feast), self.dump(&self.by_fs));
        for part in ["listed", "raw"] {
            let difference = difference(&canonical(&left[part]), &canonical(&right[part]));
            assert_eq!(difference, None, "of {part}, Feast's left, ours right");
        }
    }
}

fn shop(feast: &Feast) -> Repository {
    Repository::shop(feast, SQLITE)
}

/// The repository from which the recorded registries were made.
fn recorded(_: &Feast) -> Repository {
    let repository = Repository::copy_of("tests/vectors/registry/repo");
    for name in ["clicks", "product_stats", "user_behavior"] {
        let input = format!("tests/vectors/registry/inputs/{name}.parquet");
        let bytes = std::fs::read(Repository::workspace().join(input)).expect("recorded inputs");
        repository.write(&format!("data/{name}.parquet"), bytes);
    }
    repository
}

/// What `feast init` writes, with its data.
fn template(feast: &Feast) -> Repository {
    let folder = Repository::empty();
    feast.ok(&folder.path(), &["init", "template"]);
    folder.subfolder("template/feature_repo")
}

#[test]
fn feast_and_fs_make_equal_registries_of_feature_repo() {
    Pair::apply(shop).assert_equal();
}

#[test]
fn feast_and_fs_make_equal_registries_of_every_kind_of_object() {
    Pair::apply(recorded).assert_equal();
}

#[test]
fn feast_and_fs_make_equal_registries_of_the_init_template() {
    Pair::apply(template).assert_equal();
}

/// What `fs init` writes, with its data.
fn own_template(_: &Feast) -> Repository {
    let folder = Repository::empty();
    folder.fs().ok(&["init", "template"]);
    folder.subfolder("template/feature_repo")
}

#[test]
fn feast_and_fs_make_equal_registries_of_what_fs_init_writes() {
    Pair::apply(own_template).assert_equal();
}

#[test]
fn applying_with_fs_what_feast_applied_changes_nothing() {
    let feast = Feast::get();
    let repository = shop(&feast);
    feast.ok(&repository.path(), &["apply"]);
    let before = feast.script("registry_dump.py", &[&repository.file("")]);
    let plan = repository.fs().ok(&["plan"]);
    assert!(plan.contains("No changes to registry"), "{plan}");
    repository.fs().ok(&["apply"]);
    let after = feast.script("registry_dump.py", &[&repository.file("")]);
    assert_eq!(difference(&canonical(&before["raw"]), &canonical(&after["raw"])), None);
}

#[test]
fn applying_with_feast_what_fs_applied_changes_nothing() {
    let feast = Feast::get();
    let repository = shop(&feast);
    repository.fs().ok(&["apply"]);
    let plan = feast.ok(&repository.path(), &["plan"]);
    assert!(plan.contains("No changes to registry"), "{plan}");
}

/// Numbers of the stored versions of a view.
fn versions(dump: &Value, view: &str) -> Vec<u64> {
    let records = dump["raw"]["feature_view_version_history"]["records"].as_array();
    let of_view = |record: &&Value| record["feature_view_name"] == view;
    let number = |record: &Value| record["version_number"].as_u64().unwrap_or(0);
    records.into_iter().flatten().filter(of_view).map(number).collect()
}

#[test]
fn fs_adds_no_version_to_those_that_feast_makes_of_an_unchanged_stream_view() {
    let feast = Feast::get();
    let repository = recorded(&feast);
    let dump = || feast.script("registry_dump.py", &[&repository.file("")]);
    repository.fs().ok(&["apply"]);
    feast.ok(&repository.path(), &["apply"]);
    let before = dump();
    assert_eq!(versions(&before, "user_click_stream"), [0, 1], "Feast finds it changed");
    for _ in 0..2 {
        let plan = repository.fs().ok(&["plan"]);
        assert!(plan.contains("No changes to registry"), "{plan}");
        repository.fs().ok(&["apply"]);
    }
    assert_eq!(difference(&canonical(&before["raw"]), &canonical(&dump()["raw"])), None);
}

#[test]
fn feast_sees_the_intervals_that_fs_recorded() {
    let feast = Feast::get();
    let repository = shop(&feast);
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00"]);
    let dump = feast.script("registry_dump.py", &[&repository.file("")]);
    for view in ["user_behavior_features", "product_features"] {
        let meta = &dump["listed"]["feature_views"][view]["meta"];
        let interval = &meta["materialization_intervals"][0];
        assert_eq!(interval["start_time"], "2026-01-01T00:00:00Z", "{meta}");
        assert_eq!(interval["end_time"], "2026-02-01T00:00:00Z", "{meta}");
    }
}

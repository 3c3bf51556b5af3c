//! Bad input of every kind: a clear error that names the place, the right code, and nothing changed.

mod data;
mod definitions;
mod registry_file;
mod requests;
mod tls;

use larder_tests::Repository;

/// What must not do anything, and what the error must name.
struct Case<'a> {
    /// What is wrong, for messages.
    name: &'a str,
    /// Files that are written before the command.
    files: &'a [(&'a str, &'a str)],
    /// The command.
    command: &'a [&'a str],
    /// Texts that standard error must contain: file and line, field or object.
    names: &'a [&'a str],
}

impl Case<'_> {
    /// Runs the command: exit code 1, an error with the names, no panic, and no file changed.
    #[track_caller]
    fn check(&self, repository: &Repository) {
        for (path, text) in self.files {
            repository.write(path, text);
        }
        let before = repository.contents();
        let outcome = repository.fs().run(self.command);
        let said = format!("{}: {}", self.name, outcome.text());
        assert_eq!(outcome.code, Some(1), "{said}");
        assert!(outcome.stderr.contains("error:"), "{said}");
        assert!(!outcome.text().contains("panicked"), "{said}");
        for name in self.names {
            assert!(outcome.stderr.contains(name), "{name} is not named by {said}");
        }
        let changed: Vec<_> = repository
            .contents()
            .into_iter()
            .filter(|file| !before.contains(file))
            .map(|(path, _)| path)
            .collect();
        assert!(changed.is_empty(), "{changed:?} changed after {said}");
        assert_eq!(before.len(), repository.contents().len(), "{said}");
    }
}

/// Settings of the repositories of this suite.
const SETTINGS: &str = "project: strict\nprovider: local\nregistry: data/registry.db\n\
    online_store: {type: sqlite, path: data/online.db}\noffline_store: {type: file}\n\
    entity_key_serialization_version: 3\n";

/// Good definitions: one view over `data/rows.parquet`.
const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
source = FileSource(name="rows", path="data/rows.parquet", timestamp_field="event_timestamp")
counters = FeatureView(
    name="counters",
    entities=[key],
    ttl=timedelta(0),
    schema=[Field(name="key", dtype=Int64), Field(name="counter", dtype=Int64)],
    source=source,
)
counting = FeatureService(name="counting", features=[counters])
"#;

/// The good repository, applied; its Parquet file does not exist.
fn applied() -> Repository {
    let repository =
        Repository::with(&[("feature_store.yaml", SETTINGS), ("definitions.py", DEFINITIONS)]);
    repository.fs().ok(&["apply"]);
    repository
}

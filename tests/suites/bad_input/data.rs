//! Data files and commands that read them.

use larder_tests::{Feast, Repository};

use crate::{Case, applied};

const WINDOW: &[&str] = &["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00"];

/// A repository with rows in its Parquet file.
fn with_rows() -> Repository {
    let repository = applied();
    Feast::get().script("counter_data.py", &[&repository.file("data/rows.parquet"), "10", "3"]);
    repository
}

#[test]
fn a_materialization_that_cannot_run_records_nothing() {
    let missing =
        Case { name: "a missing file", files: &[], command: WINDOW, names: &["rows.parquet"] };
    missing.check(&applied());
    let garbage = Case {
        name: "a file that is no Parquet",
        files: &[("data/rows.parquet", "PAR1 this is not Parquet PAR1")],
        command: WINDOW,
        names: &["rows.parquet"],
    };
    garbage.check(&applied());
    let cases = [
        (
            "a range that ends before it begins",
            &["materialize", "2026-02-01", "2026-01-01"][..],
            "",
        ),
        ("a time that is none", &["materialize", "yesterday", "2026-01-01"], "yesterday"),
        (
            "a view that does not exist",
            &["materialize", "2026-01-01", "2026-01-02", "-v", "nothing"],
            "nothing",
        ),
    ];
    for (name, command, named) in cases {
        let repository = with_rows();
        let before = repository.contents();
        let outcome = repository.fs().run(command);
        assert!(matches!(outcome.code, Some(1 | 2)), "{name}: {}", outcome.text());
        assert!(outcome.stderr.contains("error:"), "{name}: {}", outcome.text());
        assert!(outcome.stderr.contains(named), "{name}: {}", outcome.text());
        assert_eq!(repository.contents(), before, "{name}");
    }
}

#[test]
fn a_column_of_a_wrong_type_is_named() {
    let repository = with_rows();
    Feast::get().script("wrong_column.py", &[&repository.file("data/rows.parquet"), "counter"]);
    let case = Case { name: "text for a number", files: &[], command: WINDOW, names: &["counter"] };
    case.check(&repository);
}

#[test]
fn a_column_that_is_gone_is_named() {
    let repository = with_rows();
    Feast::get()
        .script("wrong_column.py", &[&repository.file("data/rows.parquet"), "counter", "drop"]);
    let case = Case { name: "a missing column", files: &[], command: WINDOW, names: &["counter"] };
    case.check(&repository);
}

#[test]
fn historical_retrieval_names_what_is_wrong_and_writes_no_file() {
    let repository = with_rows();
    let rows = repository.file("data/rows.parquet");
    Feast::get().script("counter_data.py", &[&repository.file("data/entity.parquet"), "3", "1"]);
    repository.write("data/garbage.parquet", "not Parquet");
    let output = repository.file("joined.parquet");
    let cases = [
        ("a missing entity file", "data/none.parquet", "counters:counter", "none.parquet"),
        (
            "an entity file that is no Parquet",
            "data/garbage.parquet",
            "counters:counter",
            "garbage.parquet",
        ),
        ("an unknown view", rows.as_str(), "nothing:counter", "nothing"),
        ("an unknown feature", rows.as_str(), "counters:nothing", "nothing"),
        ("a reference without a view", rows.as_str(), "counter", "counter"),
    ];
    for (name, entity, features, named) in cases {
        let before = repository.contents();
        let outcome = repository.fs().run(&[
            "get-historical-features",
            "--entity-df",
            entity,
            "--features",
            features,
            "--output",
            &output,
        ]);
        assert_eq!(outcome.code, Some(1), "{name}: {}", outcome.text());
        assert!(outcome.stderr.contains(named), "{name}: {}", outcome.text());
        assert_eq!(repository.contents(), before, "{name}");
    }
}

#[test]
fn online_retrieval_names_what_is_wrong() {
    let repository = with_rows();
    let cases: [(&str, &[&str], &str); 5] = [
        ("an unknown view", &["-e", "key=1", "-f", "nothing:counter"], "nothing"),
        ("an unknown feature", &["-e", "key=1", "-f", "counters:nothing"], "nothing"),
        ("an entity without a value", &["-e", "key", "-f", "counters:counter"], "key"),
        ("an entity value of a wrong type", &["-e", "key=one", "-f", "counters:counter"], "one"),
        ("no entity at all", &["-e", "other=1", "-f", "counters:counter"], "key"),
    ];
    for (name, arguments, named) in cases {
        let mut command = vec!["get-online-features"];
        command.extend(arguments);
        let outcome = repository.fs().run(&command);
        assert!(matches!(outcome.code, Some(1 | 2)), "{name}: {}", outcome.text());
        assert!(outcome.stderr.contains(named), "{name}: {}", outcome.text());
    }
}

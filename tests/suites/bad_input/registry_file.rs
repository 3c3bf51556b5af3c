//! Registry files that cannot be read, or belong to somebody else.

use crate::{Case, applied};

const COMMANDS: [&[&str]; 4] =
    [&["apply"], &["plan"], &["registry-dump"], &["feature-views", "list"]];

#[test]
fn a_corrupt_registry_is_named_and_left_as_it_is() {
    let good = std::fs::read(applied().path().join("data/registry.db")).expect("a registry");
    let garbage: Vec<u8> =
        (0..10_u32 << 20).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let corrupt = [
        ("cut in the middle", good[..good.len() / 2].to_vec()),
        ("text", b"this is not a registry".to_vec()),
        ("ten megabytes of garbage", garbage),
    ];
    for (name, bytes) in corrupt {
        for command in COMMANDS {
            let repository = applied();
            repository.write("data/registry.db", &bytes);
            Case { name, files: &[], command, names: &["registry.db"] }.check(&repository);
        }
    }
}

#[test]
fn a_registry_that_is_a_folder_is_named() {
    let repository = applied();
    std::fs::remove_file(repository.path().join("data/registry.db")).expect("a registry");
    repository.write("data/registry.db/file", "");
    let case = Case { name: "a folder", files: &[], command: &["apply"], names: &["registry.db"] };
    case.check(&repository);
}

#[test]
fn teardown_leaves_other_projects_alone() {
    let repository = applied();
    let registry = repository.file("data/registry.db");
    let other = applied();
    let settings = other.read("feature_store.yaml").replace("project: strict", "project: other");
    other.write("feature_store.yaml", settings.replace("data/registry.db", &registry));
    other.fs().ok(&["apply"]);
    repository.fs().ok(&["teardown"]);
    let left = other.fs().json(&["registry-dump"]);
    assert_eq!(left["featureViews"][0]["spec"]["name"], "counters", "{left}");
    let gone = repository.fs().json(&["registry-dump"]);
    assert!(gone["featureViews"].as_array().is_none_or(Vec::is_empty), "{gone}");
}

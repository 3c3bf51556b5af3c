//! `fs permissions` on a registry that real Feast wrote. The suite with real Feast compares the same with Feast.

mod program;

use insta::assert_snapshot;
use program::{Folder, transcript, workspace};

const CONFIGURATION: &str = "project: shoply\nregistry: data/registry.db\nprovider: local\n\
    online_store: {type: sqlite, path: data/online.db}\n";

fn recorded(name: &str) -> Vec<u8> {
    let folder = workspace().join("tests/vectors/registry/permissions");
    std::fs::read(folder.join(name)).expect("the vector")
}

fn shoply() -> Folder {
    let folder = Folder::empty();
    folder.write("data/registry.db", recorded("registry.db"));
    folder.write("feature_store.yaml", CONFIGURATION);
    folder
}

#[test]
fn lists_are_tables_and_a_tree() {
    let folder = shoply();
    let printed = |arguments: &[&str]| folder.stdout(&[&["permissions"], arguments].concat());
    assert_snapshot!("list", printed(&["list"]));
    assert_snapshot!("list_verbose", printed(&["list", "-v"]));
    assert_snapshot!("list_tagged", printed(&["list", "-v", "--tags", "kind:team"]));
    assert_snapshot!("check", printed(&["check"]));
    assert_snapshot!("roles", printed(&["list-roles"]));
    assert_snapshot!("roles_verbose", printed(&["list-roles", "-v"]));
}

#[test]
fn lists_can_be_json() {
    let folder = shoply();
    let json = |arguments: &[&str]| {
        let arguments = [arguments, &["--output-format", "json"]].concat();
        folder.stdout(&arguments)
    };
    assert_snapshot!("json", json(&["permissions", "list", "--tags", "kind:team"]));
    assert_snapshot!("matches_json", json(&["permissions", "list", "-v"]));
    assert_snapshot!("check_json", json(&["permissions", "check"]));
    assert_snapshot!("roles_json", json(&["permissions", "list-roles"]));
    let granted = json(&["permissions", "list-roles", "--verbose"]);
    let granted: serde_json::Value = serde_json::from_str(&granted).expect("JSON");
    let first = &granted.as_array().expect("a list")[2];
    let expected = serde_json::json!({
        "role_name": "admin",
        "resource_name": "doubled",
        "resource_type": "BatchFeatureView",
        "permitted_actions": [],
    });
    assert_eq!(*first, expected);
}

#[test]
fn a_check_warns_of_tags_that_no_server_compares() {
    let said = transcript(&shoply().run(&["permissions", "check"]));
    let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_snapshot!("check_warnings", warnings.join("\n"));
}

#[test]
fn a_project_without_permissions_secures_nothing() {
    let folder = Folder::empty();
    folder.write("feature_store.yaml", "project: p\nregistry: data/registry.db\n");
    folder.write("e.yaml", "kind: entity\nname: user\nvalue_type: Int64\n");
    folder.stdout(&["apply"]);
    assert_snapshot!("none", folder.stdout(&["permissions", "check"]));
    assert_snapshot!("no_roles", folder.stdout(&["permissions", "list-roles"]));
}

#[test]
fn a_pattern_that_cannot_be_used_is_named() {
    let folder = Folder::empty();
    folder.write("feature_store.yaml", "project: p\nregistry: data/registry.db\n");
    folder.write("p.yaml", "kind: permission\nname: ahead\nname_patterns: ['(?=user).*']\n");
    folder.stdout(&["apply"]);
    assert_snapshot!("bad_pattern", transcript(&folder.run(&["permissions", "check"])));
}

//! The examples of the manual of the YAML form.

use crate::json::{assert_same, registry};
use crate::shop::Repository;

const PAGE: &str = include_str!("../../../docs/yaml-definitions.md");
const STORE: (&str, &str) = ("feature_store.yaml", "project: shop\nregistry: data/registry.db\n");

/// The examples in the order of the page.
fn examples() -> Vec<&'static str> {
    PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn yaml_repository() -> Repository {
    let repository = Repository::with(&[STORE]);
    for (number, example) in examples().into_iter().enumerate() {
        repository.write(&format!("definitions/{number:02}.yaml"), example);
    }
    repository
}

/// The same objects in Python, but for the view in SQL, which has no Python form.
fn python_repository() -> Repository {
    let documents = examples().into_iter().flat_map(|example| example.split("---\n"));
    let sql: Vec<&str> = documents.filter(|text| text.contains("expressions:")).collect();
    let python = include_str!("yaml_page.py");
    Repository::with(&[STORE, ("page.py", python), ("sql.yaml", &sql.join("---\n"))])
}

#[test]
fn the_examples_of_the_page_make_the_registry_that_python_makes() {
    let (yaml, python) = (yaml_repository(), python_repository());
    for repository in [&yaml, &python] {
        repository.apply().unwrap();
        assert!(repository.plan().unwrap().is_empty(), "a second apply changes nothing");
    }
    assert_same(&registry(&yaml.registry()), &registry(&python.registry()));
    assert!(yaml.contents(&yaml.registry()).unwrap().warnings.is_empty());
}

#[test]
fn every_file_of_the_page_may_be_read_in_any_order() {
    let repository = Repository::with(&[STORE]);
    for (number, example) in examples().into_iter().rev().enumerate() {
        repository.write(&format!("definitions/{number:02}.yaml"), example);
    }
    repository.apply().unwrap();
    assert_same(&registry(&repository.registry()), &registry(&python_repository_applied()));
}

fn python_repository_applied() -> larder_proto::wire::registry_file::RegistryFile {
    let repository = python_repository();
    repository.apply().unwrap();
    repository.registry()
}

//! The e-commerce repository, applied by us and by real Feast.

use larder_core::ErrorKind;
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::apply::{ApplyOptions, merge};
use larder_registry::plan::Action;

use crate::json::{assert_same, registry};
use crate::shop::{NOW, Repository, changed, feast_registry};

#[test]
fn the_applied_registry_is_the_one_that_feast_made() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    assert_same(&registry(&shop.registry()), &registry(&feast_registry("registry.db")));
}

#[test]
fn the_template_of_feast_init_makes_the_registry_that_feast_makes() {
    let template = Repository::template();
    let theirs = feast_registry("template/registry.db");
    assert_eq!(changed(&template.plan_against(&theirs).unwrap()), Vec::<String>::new());
    template.apply().unwrap();
    assert_same(&registry(&template.registry()), &registry(&theirs));
}

#[test]
fn nothing_changes_on_feasts_own_registry() {
    let shop = Repository::shop();
    for name in ["registry.db", "registry_second_apply.db", "registry_materialized.db"] {
        let plan = shop.plan_against(&feast_registry(name)).unwrap();
        assert_eq!(changed(&plan), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_second_apply_changes_nothing_not_even_the_file() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    let first = shop.registry().to_bytes();
    let applied = shop.apply().unwrap();
    assert!(applied.changed.is_empty());
    assert!(shop.plan().unwrap().is_empty());
    assert_eq!(shop.registry().to_bytes(), first);
}

#[test]
fn the_first_plan_creates_everything_in_feasts_order() {
    let shop = Repository::shop();
    let plan = shop.plan().unwrap();
    assert!(
        plan.changes
            .iter()
            .all(|change| change.action == Action::Create && change.fields.is_empty())
    );
    let shown: Vec<_> = plan
        .changes
        .iter()
        .filter(|change| change.is_shown())
        .map(|change| format!("{} {}", change.kind.label(), change.name))
        .collect();
    let expected = [
        "project shoply",
        "entity product_id",
        "entity user",
        "feature view product_features",
        "feature view user_behavior_features",
        "feature view user_behavior_fresh",
        "on demand feature view basket_features",
        "stream feature view user_click_stream",
        "feature service ranking_v1",
    ];
    assert_eq!(shown, expected);
    let tables: Vec<_> = plan.infra.iter().map(|change| change.table.name.as_str()).collect();
    let expected = [
        "shoply_product_features",
        "shoply_user_behavior_features",
        "shoply_user_behavior_fresh",
        "shoply_user_click_stream",
    ];
    assert_eq!(tables, expected);
}

#[test]
fn a_plan_writes_nothing() {
    let shop = Repository::shop();
    shop.plan().unwrap();
    assert!(!shop.path().join("data/registry.db").try_exists().unwrap());
}

#[test]
fn what_is_removed_from_the_repository_is_removed_from_the_registry() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    shop.edit("features.py", "ranking_v1 = FeatureService(", "unused = dict(");
    let plan = shop.plan().unwrap();
    assert_eq!(changed(&plan), ["feature service ranking_v1"]);
    assert_eq!(plan.changes[0].action, Action::Delete);
    shop.apply().unwrap();
    assert!(shop.plan().unwrap().is_empty());
}

#[test]
fn objects_and_tables_of_other_projects_stay() {
    let shop = Repository::shop();
    let other = Repository::with(&[
        ("feature_store.yaml", "project: other\nregistry: data/registry.db\n"),
        ("e.py", "from feast import Entity\nu = Entity(name='u')\n"),
    ]);
    let mut file = RegistryFile::new();
    for repository in [&shop, &other] {
        let plan = repository.plan_against(&file).unwrap();
        merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    }
    for repository in [&shop, &other] {
        assert!(repository.plan_against(&file).unwrap().is_empty());
    }
}

#[test]
fn a_missing_file_is_an_error_only_where_something_is_inferred() {
    let shop = Repository::shop();
    std::fs::remove_file(shop.path().join("data/user_behavior.parquet")).unwrap();
    shop.plan().unwrap();
    std::fs::remove_file(shop.path().join("data/product_stats.parquet")).unwrap();
    let error = shop.plan().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.location().unwrap().file, "sources.py");
}

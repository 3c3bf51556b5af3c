//! Several writers.

use std::thread;

use larder_core::ErrorKind;
use larder_proto::wire::registry_file::RegistryList;
use larder_registry::apply::{ApplyOptions, apply};
use larder_registry::store::{Outcome, RegistryStore};

use crate::shop::{NOW, Repository};

const YAML: &str = "project: p\nregistry: data/registry.db\n";

fn entity(name: &str, description: &str) -> String {
    format!(
        "from feast import Entity\n{name} = Entity(name='{name}', description='{description}')\n"
    )
}

fn repository(name: &str, description: &str) -> Repository {
    Repository::with(&[("feature_store.yaml", YAML), ("e.py", &entity(name, description))])
}

#[test]
fn applies_of_different_objects_both_survive() {
    let shared = repository("a", "");
    let plans: Vec<_> = (0..8)
        .map(|i| {
            repository(&format!("e{i}"), "")
                .plan_against(&larder_proto::wire::registry_file::RegistryFile::new())
                .unwrap()
        })
        .collect();
    thread::scope(|scope| {
        for plan in &plans {
            let store = shared.store();
            scope.spawn(move || apply(&store, plan, NOW, ApplyOptions::default()).unwrap());
        }
    });
    let names: std::collections::BTreeSet<_> = shared
        .registry()
        .objects(RegistryList::Entities)
        .iter()
        .map(|entity| entity.name().to_owned())
        .collect();
    let expected: std::collections::BTreeSet<_> =
        (0..8).map(|i| format!("e{i}")).chain(["__dummy".to_owned()]).collect();
    assert_eq!(names, expected);
    assert_eq!(shared.registry().objects(RegistryList::Projects).len(), 1);
}

#[test]
fn of_two_applies_of_one_object_the_second_is_told() {
    let shared = repository("a", "");
    shared.apply().unwrap();
    let first = repository("a", "first");
    let second = repository("a", "second");
    let file = shared.registry();
    let (plan_a, plan_b) =
        (first.plan_against(&file).unwrap(), second.plan_against(&file).unwrap());
    apply(&shared.store(), &plan_a, NOW, ApplyOptions::default()).unwrap();
    let after_first = shared.registry().to_bytes();
    let error = apply(&shared.store(), &plan_b, NOW, ApplyOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.subject().unwrap().name, "a");
    assert_eq!(shared.registry().to_bytes(), after_first, "nothing was written");
}

#[test]
fn the_same_change_twice_is_no_conflict() {
    let shared = repository("a", "");
    let plan = shared.plan().unwrap();
    apply(&shared.store(), &plan, NOW, ApplyOptions::default()).unwrap();
    let applied = apply(&shared.store(), &plan, NOW, ApplyOptions::default()).unwrap();
    assert!(applied.changed.is_empty());
    assert_eq!(applied.already_done.len(), plan.changes.len());
}

#[test]
fn materialization_in_the_meantime_is_no_conflict() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    shop.edit("features.py", "ttl=timedelta(days=7)", "ttl=timedelta(days=8)");
    let plan = shop.plan().unwrap();
    let interval = larder_core::Interval { start: NOW, end: NOW };
    larder_registry::edit::record_materialization(
        &shop.store(),
        "shoply",
        "user_behavior_features",
        interval,
        NOW,
    )
    .unwrap();
    apply(&shop.store(), &plan, NOW, ApplyOptions::default()).unwrap();
    let view: larder_proto::feast::core::FeatureView =
        shop.registry().get("shoply", "user_behavior_features").unwrap().unwrap();
    assert_eq!(view.meta.unwrap().materialization_intervals.len(), 1);
}

#[test]
fn a_corrupt_file_is_refused_and_left_alone() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    let path = shop.path().join("data/registry.db");
    let whole = std::fs::read(&path).unwrap();
    for garbage in [&b"this is not a registry"[..], &whole[..whole.len() - 3], &[0xff; 64]] {
        std::fs::write(&path, garbage).unwrap();
        assert_eq!(shop.plan().unwrap_err().kind(), ErrorKind::Data);
        let update = shop.store().update(&mut |_| Ok(Outcome::Changed));
        assert_eq!(update.unwrap_err().kind(), ErrorKind::Data);
        assert_eq!(std::fs::read(&path).unwrap(), garbage);
    }
}

#[test]
fn the_change_mark_changes_with_every_write_and_not_without() {
    let shop = Repository::shop();
    let store = shop.store();
    let missing = store.change_mark().unwrap();
    shop.apply().unwrap();
    let first = store.change_mark().unwrap();
    assert_ne!(missing, first);
    assert_eq!(store.change_mark().unwrap(), first);
    store.update(&mut |_| Ok(Outcome::Changed)).unwrap();
    assert_ne!(store.change_mark().unwrap(), first);
}

//! Materialization records, deletion and teardown.

use larder_core::{ErrorKind, Interval, ObjectKind, Timestamp, ViewState};
use larder_proto::feast::core::FeatureView;
use larder_proto::wire::registry_file::RegistryList;
use larder_registry::catalog::{CatalogWatch, catalog};
use larder_registry::edit::{
    abandon_materialization, begin_materialization, delete_object, delete_project,
    record_materialization, teardown,
};

use crate::json::{assert_same, registry};
use crate::shop::{NOW, Repository, feast_registry, vectors};

fn shop_with(name: &str) -> Repository {
    let shop = Repository::shop();
    std::fs::copy(vectors().join(name), shop.path().join("data/registry.db")).unwrap();
    shop
}

fn hours(hours: i64) -> Timestamp {
    // 2026-01-01T00:00:00Z plus this many hours.
    Timestamp::from_seconds(1_767_225_600 + hours * 3_600)
}

#[test]
fn materialized_intervals_are_recorded_as_feast_records_them() {
    let shop = shop_with("registry_second_apply.db");
    let store = shop.store();
    for (start, end) in [(0, 24), (24, 30)] {
        let views = ["user_behavior_features".to_owned()];
        begin_materialization(&store, "shoply", &views).unwrap();
        let view: FeatureView =
            shop.registry().get("shoply", "user_behavior_features").unwrap().unwrap();
        assert_eq!(view.meta.unwrap().state, ViewState::Materializing as i32);
        let interval = Interval { start: hours(start), end: hours(end) };
        record_materialization(&store, "shoply", "user_behavior_features", interval, NOW).unwrap();
    }
    assert_same(
        &registry(&shop.registry()),
        &registry(&feast_registry("registry_materialized.db")),
    );
    let last =
        shop.registry().objects(RegistryList::FeatureViews).last().unwrap().name().to_owned();
    assert_eq!(last, "user_behavior_features", "a materialized view moves to the end");
}

#[test]
fn an_abandoned_materialization_restores_the_state() {
    let shop = shop_with("registry_materialized.db");
    let views = ["user_behavior_features".to_owned(), "user_click_stream".to_owned()];
    let states = begin_materialization(&shop.store(), "shoply", &views).unwrap();
    assert_eq!(states, [ViewState::AvailableOnline, ViewState::Unspecified]);
    for (view, state) in views.iter().zip(states) {
        abandon_materialization(&shop.store(), "shoply", view, state).unwrap();
    }
    assert_same(
        &registry(&shop.registry()),
        &registry(&feast_registry("registry_materialized.db")),
    );
}

#[test]
fn a_view_that_does_not_exist_cannot_be_materialized() {
    let shop = shop_with("registry.db");
    let before = shop.registry().to_bytes();
    for view in ["nope", "basket_features"] {
        let error = begin_materialization(&shop.store(), "shoply", &[view.to_owned()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{view}");
    }
    assert_eq!(shop.registry().to_bytes(), before);
}

#[test]
fn the_first_object_of_a_name_is_deleted() {
    let shop = shop_with("registry.db");
    for (name, kind) in [
        ("user", ObjectKind::Entity),
        ("product_features", ObjectKind::FeatureView),
        ("clicks_batch", ObjectKind::DataSource),
        ("user_click_stream", ObjectKind::StreamFeatureView),
    ] {
        assert_eq!(delete_object(&shop.store(), "shoply", name).unwrap().kind, kind);
        let again = delete_object(&shop.store(), "shoply", name).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
    }
    let records = shop.registry().version_records().unwrap();
    assert!(records.iter().all(|record| record.feature_view_name != "product_features"));
    assert_eq!(records.len(), 3);
}

fn with_second_project() -> Repository {
    let shop = shop_with("registry.db");
    let other = Repository::with(&[
        ("feature_store.yaml", "project: shoply_eu\nregistry: data/registry.db\n"),
        (
            "v.py",
            "from feast import Entity, FeatureView, Field, FileSource, ValueType\nfrom feast.types import Int64\n\
             u = Entity(name='u', value_type=ValueType.INT64)\n\
             s = FileSource(name='s', path='s.parquet', timestamp_field='ts')\n\
             v = FeatureView(name='v', entities=[u], source=s, schema=[Field(name='a', dtype=Int64)])\n",
        ),
    ]);
    let plan = other.plan_against(&shop.registry()).unwrap();
    larder_registry::apply::apply(
        &shop.store(),
        &plan,
        NOW,
        larder_registry::apply::ApplyOptions::default(),
    )
    .unwrap();
    shop
}

#[test]
fn teardown_empties_its_own_project_only() {
    let shop = with_second_project();
    let tables = teardown(&shop.store(), "shoply", false).unwrap();
    assert_eq!(tables.len(), 4);
    let file = shop.registry();
    for list in RegistryList::ALL {
        assert!(
            file.objects(list)
                .iter()
                .all(|object| object.project() != "shoply" && object.name() != "shoply")
        );
    }
    assert!(file.find(RegistryList::FeatureViews, "shoply_eu", "v").is_some());
    assert_eq!(teardown(&shop.store(), "shoply_eu", false).unwrap().len(), 1);
    assert!(teardown(&shop.store(), "shoply_eu", false).unwrap().is_empty());
}

#[test]
fn teardown_as_feast_does_it_empties_all_projects() {
    let shop = with_second_project();
    teardown(&shop.store(), "shoply", true).unwrap();
    let file = shop.registry();
    assert!(RegistryList::ALL.iter().all(|list| file.objects(*list).is_empty()));
}

#[test]
fn a_project_is_deleted_with_everything_in_it() {
    let shop = with_second_project();
    assert_eq!(delete_project(&shop.store(), "nope").unwrap_err().kind(), ErrorKind::NotFound);
    delete_project(&shop.store(), "shoply_eu").unwrap();
    assert_same(&registry(&shop.registry()), &registry(&feast_registry("registry.db")));
}

#[test]
fn a_catalog_holds_what_the_registry_holds() {
    let file = feast_registry("registry_materialized.db");
    let catalog = catalog(&file, "shoply", false).unwrap();
    assert_eq!(catalog.version(), file.version_id());
    assert_eq!(catalog.feature_views().len(), 4);
    let stream = catalog.feature_view("user_click_stream").unwrap();
    assert_eq!(stream.features.len(), 2, "the key is no feature");
    assert_eq!(catalog.on_demand_feature_views().len(), 1);
    let watermark =
        catalog.feature_view("user_behavior_features").unwrap().meta.most_recent_end_time();
    assert_eq!(watermark, Some(hours(30)));
    let missing = larder_registry::catalog::catalog(&file, "nope", false).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn a_watch_hands_out_a_catalog_after_every_change() {
    let shop = Repository::shop();
    let store = shop.store();
    assert_eq!(
        CatalogWatch::start(&store, "shoply", false).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    shop.apply().unwrap();
    let (mut watch, first) = CatalogWatch::start(&store, "shoply", false).unwrap();
    assert!(watch.poll(&store).unwrap().is_none());
    shop.edit("entities.py", "A registered shopper", "Somebody");
    shop.apply().unwrap();
    let second = watch.poll(&store).unwrap().unwrap();
    assert_ne!(first.version(), second.version());
    assert_eq!(second.entities()["user"].description, "Somebody");
    assert!(watch.poll(&store).unwrap().is_none());
    let path = shop.path().join("data/registry.db");
    std::fs::write(&path, b"half written").unwrap();
    assert_eq!(watch.poll(&store).unwrap_err().kind(), ErrorKind::Data);
}

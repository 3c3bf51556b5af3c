//! Versions of views.

use larder_core::ErrorKind;
use larder_proto::feast::core::{FeatureView, OnDemandFeatureView, StreamFeatureView};
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::apply::{ApplyOptions, RegistryVersions, apply, merge};
use larder_registry::inference::StoredVersions as _;
use larder_registry::plan::plan;

use crate::json::{assert_same, registry};
use crate::shop::{NOW, Repository, changed, feast_registry};

fn numbers(file: &RegistryFile, view: &str) -> Vec<i32> {
    let records = file.version_records().unwrap();
    records.iter().filter(|r| r.feature_view_name == view).map(|r| r.version_number).collect()
}

/// The golden schema change.
fn add_a_window(shop: &Repository) {
    shop.edit("features.py", "WINDOWS_H = [1, 24]", "WINDOWS_H = [1, 24, 72]");
}

#[test]
fn a_schema_change_makes_the_versions_that_feast_makes() {
    let shop = Repository::shop();
    add_a_window(&shop);
    let mut file = feast_registry("registry_materialized.db");
    let plan = shop.plan_against(&file).unwrap();
    // Feast also finds the untouched stream view changed, on every apply.
    assert_eq!(
        changed(&plan),
        ["feature view user_behavior_features", "on demand feature view basket_features"]
    );
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    let theirs = feast_registry("registry_v1.db");
    for view in ["user_behavior_features", "basket_features"] {
        assert_eq!(numbers(&file, view), numbers(&theirs, view), "{view}");
    }
    for (pointer, view) in [
        ("/feature_views", "user_behavior_features"),
        ("/on_demand_feature_views", "basket_features"),
    ] {
        let find = |file: &RegistryFile| {
            let all = registry(file);
            let views = all.pointer(pointer).unwrap().as_array().unwrap().clone();
            views.into_iter().find(|found| found["spec"]["name"] == view).unwrap()
        };
        assert_same(&find(&file), &find(&theirs));
    }
}

#[test]
fn a_schema_change_keeps_intervals_and_drops_the_state() {
    let shop = Repository::shop();
    add_a_window(&shop);
    let mut file = feast_registry("registry_materialized.db");
    let before: FeatureView = file.get("shoply", "user_behavior_features").unwrap().unwrap();
    let plan = shop.plan_against(&file).unwrap();
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    let after: FeatureView = file.get("shoply", "user_behavior_features").unwrap().unwrap();
    let (before, after) = (before.meta.unwrap(), after.meta.unwrap());
    assert_eq!(before.state, 4);
    assert_eq!(after.state, 0);
    assert_eq!(after.materialization_intervals, before.materialization_intervals);
    assert_eq!(after.created_timestamp, before.created_timestamp);
    assert_eq!(after.current_version_number, 1);
}

#[test]
fn a_change_of_meta_data_keeps_version_and_state() {
    let shop = Repository::shop();
    let mut file = feast_registry("registry_materialized.db");
    shop.edit("features.py", "ttl=timedelta(days=7)", "ttl=timedelta(days=8)");
    let plan = shop.plan_against(&file).unwrap();
    assert_eq!(changed(&plan), ["feature view user_behavior_features"]);
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    let view: FeatureView = file.get("shoply", "user_behavior_features").unwrap().unwrap();
    assert_eq!(view.spec.unwrap().ttl.unwrap().seconds, 8 * 86_400);
    let meta = view.meta.unwrap();
    assert_eq!((meta.state, meta.materialization_intervals.len()), (4, 2));
    assert_eq!(numbers(&file, "user_behavior_features"), [0]);
    assert_eq!(
        file.objects(larder_proto::wire::registry_file::RegistryList::FeatureViews).len(),
        3,
        "replaced where it stood"
    );
}

#[test]
#[expect(deprecated, reason = "older clients read the deprecated function")]
fn a_pickled_function_survives_while_its_text_stays() {
    let shop = Repository::shop();
    let mut file = feast_registry("registry.db");
    let stream_before: StreamFeatureView =
        file.get("shoply", "user_click_stream").unwrap().unwrap();
    let on_demand_before: OnDemandFeatureView =
        file.get("shoply", "basket_features").unwrap().unwrap();
    // The stream view changes in place, the on-demand view becomes a new version.
    shop.edit(
        "sources.py",
        "name=\"clicks_batch\",",
        "name=\"clicks_batch\", description=\"clicks\",",
    );
    add_a_window(&shop);
    let plan = shop.plan_against(&file).unwrap();
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    let stream: StreamFeatureView = file.get("shoply", "user_click_stream").unwrap().unwrap();
    let on_demand: OnDemandFeatureView = file.get("shoply", "basket_features").unwrap().unwrap();
    let (stream, stream_before) = (stream.spec.unwrap(), stream_before.spec.unwrap());
    assert_ne!(stream.batch_source, stream_before.batch_source);
    assert!(stream.user_defined_function.is_some());
    assert_eq!(stream.user_defined_function, stream_before.user_defined_function);
    assert_eq!(stream.feature_transformation, stream_before.feature_transformation);
    assert_eq!(numbers(&file, "basket_features"), [0, 1]);
    assert_eq!(
        on_demand.spec.unwrap().feature_transformation,
        on_demand_before.spec.unwrap().feature_transformation
    );
}

fn stream(file: &RegistryFile) -> (Vec<String>, i32) {
    let view: StreamFeatureView = file.get("shoply", "user_click_stream").unwrap().unwrap();
    let mut names: Vec<String> =
        view.spec.unwrap().features.into_iter().map(|field| field.name).collect();
    names.sort();
    (names, view.meta.unwrap().current_version_number)
}

const STREAM_FIELDS: [&str; 3] = ["clicks_1h", "spend_1h", "user_id"];

#[test]
fn a_stream_view_has_one_version_however_often_it_is_applied() {
    let shop = Repository::shop();
    for _ in 0..3 {
        shop.apply().unwrap();
        let file = shop.registry();
        assert_eq!(
            stream(&file).0,
            STREAM_FIELDS,
            "the key stands among the features, as in Feast"
        );
        assert_eq!(numbers(&file, "user_click_stream"), [0]);
        assert!(shop.plan().unwrap().is_empty());
    }
}

#[test]
fn the_needless_stream_versions_of_feast_are_accepted_and_continued() {
    let shop = Repository::shop();
    let mut file = feast_registry("registry_second_apply.db");
    assert_eq!(numbers(&file, "user_click_stream"), [0, 1]);
    let versions = RegistryVersions::read(&file, "shoply").unwrap();
    for number in [0, 1] {
        let view = versions.feature_view("user_click_stream", number).unwrap().unwrap();
        assert_eq!(view.features.len(), 2, "v{number}: the key is no feature");
    }
    let plan = shop.plan_against(&file).unwrap();
    assert_eq!(changed(&plan), Vec::<String>::new());
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    assert_same(&registry(&file), &registry(&feast_registry("registry_second_apply.db")));
    // A change of the function is the next version.
    shop.edit("features.py", "df[\"price\"] > 0", "df[\"price\"] > 1");
    let plan = shop.plan_against(&file).unwrap();
    assert_eq!(changed(&plan), ["stream feature view user_click_stream"]);
    let fields: Vec<&str> =
        plan.changes[0].fields.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["feature_transformation.body_text"], "the order of features is no change");
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    assert_eq!(numbers(&file, "user_click_stream"), [0, 1, 2]);
    assert_eq!(stream(&file), (STREAM_FIELDS.map(str::to_owned).to_vec(), 2));
}

#[test]
fn a_stream_view_can_be_pinned_to_a_version_that_feast_stored() {
    let shop = Repository::shop();
    let mut file = feast_registry("registry_second_apply.db");
    // The text of a decorated function holds its arguments: a pin written there would be an edit of the function.
    let mut contents = shop.contents(&file).unwrap();
    let view =
        contents.feature_views.iter_mut().find(|view| view.value.name == "user_click_stream");
    "v0".clone_into(&mut view.unwrap().value.version);
    let pinned = plan(&file, &contents, None).unwrap();
    assert_eq!(changed(&pinned), ["stream feature view user_click_stream"]);
    merge(&mut file, &pinned, NOW, ApplyOptions::default()).unwrap();
    assert_eq!(numbers(&file, "user_click_stream"), [0, 1]);
    assert_eq!(stream(&file), (STREAM_FIELDS.map(str::to_owned).to_vec(), 0));
    assert!(plan(&file, &contents, None).unwrap().is_empty(), "the pin is settled");
}

#[test]
fn without_promotion_the_active_definition_stays() {
    let shop = Repository::shop();
    shop.apply().unwrap();
    add_a_window(&shop);
    let before: FeatureView =
        shop.registry().get("shoply", "user_behavior_features").unwrap().unwrap();
    let plan = shop.plan().unwrap();
    apply(&shop.store(), &plan, NOW, ApplyOptions { no_promote: true }).unwrap();
    let file = shop.registry();
    let after: FeatureView = file.get("shoply", "user_behavior_features").unwrap().unwrap();
    assert_eq!(before, after);
    assert_eq!(numbers(&file, "user_behavior_features"), [0, 1]);
}

#[test]
fn a_deleted_view_takes_its_versions_along() {
    let shop = Repository::with(&[
        ("feature_store.yaml", "project: shoply\nregistry: data/registry.db\n"),
        ("e.py", "from feast import Entity\nu = Entity(name='u')\n"),
    ]);
    let mut file = feast_registry("registry_v1.db");
    let plan = shop.plan_against(&file).unwrap();
    merge(&mut file, &plan, NOW, ApplyOptions::default()).unwrap();
    assert_eq!(file.version_records().unwrap().len(), 0);
}

/// A repository with one view of this version and these features.
fn pinned(version: &str, features: &str) -> Vec<(&'static str, String)> {
    let view = format!(
        "from datetime import timedelta\nfrom feast import Entity, FeatureView, Field, FileSource, ValueType\n\
         from feast.types import Int64, Float32\n\
         u = Entity(name='u', join_keys=['u_id'], value_type=ValueType.INT64)\n\
         s = FileSource(name='s', path='s.parquet', timestamp_field='ts')\n\
         v = FeatureView(name='v', entities=[u], source=s, version='{version}', schema=[{features}])\n"
    );
    vec![
        ("feature_store.yaml", "project: p\nregistry: data/registry.db\n".to_owned()),
        ("v.py", view),
    ]
}

fn rewrite(repository: &Repository, version: &str, features: &str) {
    for (name, text) in pinned(version, features) {
        repository.write(name, &text);
    }
}

const ONE: &str = "Field(name='a', dtype=Int64)";
const TWO: &str = "Field(name='a', dtype=Int64), Field(name='b', dtype=Float32)";
const THREE: &str = "Field(name='c', dtype=Int64)";

fn active(repository: &Repository) -> (usize, i32) {
    let view: FeatureView = repository.registry().get("p", "v").unwrap().unwrap();
    (view.spec.unwrap().features.len(), view.meta.unwrap().current_version_number)
}

#[test]
fn a_pin_goes_back_to_a_stored_version_and_is_settled_then() {
    let repository = Repository::with(&[]);
    for features in [ONE, TWO] {
        rewrite(&repository, "latest", features);
        repository.apply().unwrap();
    }
    assert_eq!(active(&repository), (2, 1));
    rewrite(&repository, "v0", TWO);
    repository.apply().unwrap();
    assert_eq!(active(&repository), (1, 0));
    assert!(repository.plan().unwrap().is_empty() || repository.plan().unwrap().changes.is_empty());
    rewrite(&repository, "latest", TWO);
    repository.apply().unwrap();
    assert_eq!(active(&repository).0, 2);
}

#[test]
fn a_pin_with_an_edited_definition_is_refused() {
    let repository = Repository::with(&[]);
    for features in [ONE, TWO] {
        rewrite(&repository, "latest", features);
        repository.apply().unwrap();
    }
    rewrite(&repository, "v0", THREE);
    assert_eq!(repository.apply().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(active(&repository), (2, 1), "nothing was written");
}

#[test]
fn a_pin_to_a_number_that_does_not_exist_makes_that_version() {
    let repository = Repository::with(&[]);
    rewrite(&repository, "v5", ONE);
    repository.apply().unwrap();
    assert_eq!(active(&repository), (1, 5));
    assert_eq!(numbers(&repository.registry(), "v"), [5]);
}

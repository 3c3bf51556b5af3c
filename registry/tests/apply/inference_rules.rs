//! Rules that a definition must keep, and what names the broken one.

use larder_core::{Error, ErrorKind, ValueType};
use larder_proto::wire::registry_file::RegistryFile;

use crate::shop::Repository;

const HEAD: &str = "from datetime import timedelta\n\
    from feast import Entity, FeatureView, FeatureService, Field, FileSource, PushSource, RequestSource, ValueType\n\
    from feast.on_demand_feature_view import on_demand_feature_view\n\
    from feast.types import Float64, Int64, String\n\
    u = Entity(name='user', join_keys=['user_id'])\n\
    s = FileSource(name='s', path='data/user_behavior.parquet', timestamp_field='event_timestamp')\n";

fn repository(text: &str) -> Repository {
    let repository = Repository::with(&[
        ("feature_store.yaml", "project: p\nregistry: data/registry.db\n"),
        ("defs.py", &format!("{HEAD}{text}")),
    ]);
    repository.copy_data();
    repository
}

fn error(text: &str) -> Error {
    repository(text).contents(&RegistryFile::new()).unwrap_err()
}

#[test]
fn broken_rules_name_the_object_and_its_place() {
    for (text, kind, word) in [
        (
            "x = Entity(name='user2', join_keys=['a'])\nv = FeatureView(name='v', entities=[x], source=s)\n",
            ErrorKind::Invalid,
            "\"a\"",
        ),
        ("v = FeatureView(name='a@b', entities=[u], source=s)\n", ErrorKind::Invalid, "a@b"),
        ("v = FeatureView(name='a:b', entities=[u], source=s)\n", ErrorKind::Invalid, "a:b"),
        (
            "v = FeatureView(name='v', entities=[u], source=s)\nw = FeatureView(name='V', entities=[u], source=s)\n",
            ErrorKind::AlreadyExists,
            "\"v\"",
        ),
        ("t = FileSource(name='S', path='other.parquet')\n", ErrorKind::AlreadyExists, "\"S\""),
        ("z = Entity(name='user', join_keys=['b'])\n", ErrorKind::AlreadyExists, "user"),
        (
            "v = FeatureView(name='v', entities=[u], source=s, schema=[Field(name='a', dtype=Int64), Field(name='a', dtype=String)])\n",
            ErrorKind::Invalid,
            "two fields",
        ),
        (
            "v = FeatureView(name='v', entities=[u], source=s)\nf = FeatureService(name='f', features=[v[['nope']]])\n",
            ErrorKind::Invalid,
            "nope",
        ),
        ("f = FeatureService(name='f', features=['nope:x'])\n", ErrorKind::Invalid, "nope"),
        (
            "t = FileSource(name='t', path='data/product_stats.parquet', timestamp_field='ts', created_timestamp_column='ts')\n",
            ErrorKind::Invalid,
            "ts",
        ),
        ("t = FileSource(name='t', path='data/nope.parquet')\n", ErrorKind::NotFound, "nope"),
        (
            "t = FileSource(name='t', path='data/user_behavior.parquet')\n",
            ErrorKind::Invalid,
            "several",
        ),
        (
            "k = Entity(name='k', join_keys=['cart_rate'])\nv = FeatureView(name='v', entities=[k], source=s)\n",
            ErrorKind::Invalid,
            "cart_rate",
        ),
    ] {
        let error = error(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(word), "{text}: {error}");
        assert_eq!(
            error.location().map(|place| place.file.as_str()),
            Some("defs.py"),
            "{text}: {error}"
        );
        assert!(error.location().unwrap().line > 6, "{text}: {error}");
    }
}

#[test]
fn keys_and_features_are_inferred_from_the_file() {
    let contents = repository("v = FeatureView(name='v', entities=[u], source=s)\n")
        .contents(&RegistryFile::new())
        .unwrap();
    let view = &contents.feature_views[0].value;
    assert_eq!(view.entity_columns[0].value_type, ValueType::Int64);
    let features: Vec<_> =
        view.features.iter().map(|field| (field.name.as_str(), field.value_type)).collect();
    let expected = [
        ("created_at", ValueType::UnixTimestamp),
        ("views_1h", ValueType::Int64),
        ("views_24h", ValueType::Int64),
        ("cart_rate", ValueType::Float),
        ("is_member", ValueType::Bool),
        ("recent_categories", ValueType::StringList),
    ];
    assert_eq!(features, expected);
}

#[test]
fn an_entityless_view_has_the_dummy_key() {
    let contents = repository(
        "v = FeatureView(name='v', source=s, schema=[Field(name='views_1h', dtype=Int64)])\n",
    )
    .contents(&RegistryFile::new())
    .unwrap();
    let view = &contents.feature_views[0].value;
    assert_eq!(view.entities, ["__dummy"]);
    assert_eq!(
        (view.entity_columns[0].name.as_str(), view.entity_columns[0].value_type),
        ("__dummy_id", ValueType::String)
    );
}

#[test]
fn references_in_services_take_the_features_of_the_view() {
    let text = "v = FeatureView(name='v', entities=[u], source=s)\n\
        f = FeatureService(name='f', features=['v:cart_rate', v[['views_24h', 'views_1h']].with_name('w')])\n";
    let contents = repository(text).contents(&RegistryFile::new()).unwrap();
    let service = &contents.feature_services[0].value;
    for projection in &service.projections {
        let types: Vec<_> = projection.features.iter().map(|field| field.value_type).collect();
        assert!(types.iter().all(|value_type| *value_type != ValueType::Unknown), "{projection:?}");
        assert!(projection.batch_source.is_some());
    }
}

#[test]
fn a_timestamp_inferred_for_a_source_holds_wherever_it_is_used() {
    let text = "t = FileSource(name='t', path='data/product_stats.parquet')\n\
        push = PushSource(name='push', batch_source=t)\n\
        k = Entity(name='product', join_keys=['product_id'])\n\
        v = FeatureView(name='v', entities=[k], source=push)\n";
    let contents = repository(text).contents(&RegistryFile::new()).unwrap();
    let view = &contents.feature_views[0].value;
    assert_eq!(view.batch_source.as_ref().unwrap().timestamp_field, "ts");
    let stream = view.stream_source.as_ref().unwrap();
    assert_eq!(stream.batch_source.as_ref().unwrap().timestamp_field, "ts");
    assert!(!view.features.iter().any(|field| field.name == "__internal"));
}

#[test]
fn one_project_per_repository() {
    let one = "from feast import Project\np = Project(name='p', description='mine')\n";
    let contents = repository(one).contents(&RegistryFile::new()).unwrap();
    assert!(contents.project_is_defined);
    assert_eq!(contents.project.description, "mine");
    for text in [
        "from feast import Project\np = Project(name='q')\n",
        "from feast import Project\np = Project(name='p')\nq = Project(name='q')\n",
    ] {
        assert_eq!(error(text).kind(), ErrorKind::Invalid);
    }
}

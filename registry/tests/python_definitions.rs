//! The Python loader against what real Feast collects from the same repositories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use larder_core::{
    DataSource, Entity, FeatureService, FeatureView, OnDemandFeatureView, Permission, Project,
    ViewKind,
};
use larder_proto::{convert, descriptors, feast};
use larder_registry::definitions::{Definitions, Object};
use larder_registry::python::{DirectoryFiles, Limits, load};
use prost_reflect::{DynamicMessage, prost::Message as _};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/registry/python")
}

fn definitions_of(case: &str) -> Definitions {
    let files = DirectoryFiles::open(&vectors().join(case)).unwrap();
    load(&files, &BTreeMap::new(), Limits::default())
        .unwrap_or_else(|failures| panic!("{case}:\n{failures}"))
}

/// What real Feast collected, as the domain sees it.
fn expected(case: &str) -> feast::core::Registry {
    let text = std::fs::read_to_string(vectors().join(format!("{case}.json"))).unwrap();
    let descriptor = descriptors().get_message_by_name("feast.core.Registry").unwrap();
    let mut json = serde_json::Deserializer::from_str(&text);
    let message = DynamicMessage::deserialize(descriptor, &mut json).unwrap();
    feast::core::Registry::decode(message.encode_to_vec().as_slice()).unwrap()
}

/// Objects by name; two of one name keep both.
fn named<T>(objects: impl IntoIterator<Item = (String, T)>) -> BTreeMap<String, Vec<T>> {
    let mut sorted: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for (name, object) in objects {
        sorted.entry(name).or_default().push(object);
    }
    sorted
}

/// Feast stores the features of stream views in hash order, with the join keys among them.
fn in_name_order(mut view: FeatureView) -> FeatureView {
    if matches!(view.kind, ViewKind::Stream { .. }) {
        let keys: Vec<String> = view.entity_columns.iter().map(|key| key.name.clone()).collect();
        view.features.retain(|feature| !keys.contains(&feature.name));
        view.features.sort_by(|left, right| left.name.cmp(&right.name));
    }
    view
}

macro_rules! collect {
    ($definitions:expr, $variant:ident) => {
        named($definitions.objects.iter().filter_map(|object| match &object.value {
            Object::$variant(value) => Some((value.name.clone(), value.clone())),
            _ => None,
        }))
    };
}

fn check(case: &str) {
    let ours = definitions_of(case);
    let theirs = expected(case);

    let sources: BTreeMap<String, Vec<DataSource>> = named(
        theirs
            .data_sources
            .into_iter()
            .map(|source| (source.name.clone(), convert::data_source_from_proto(source).unwrap())),
    );
    let found = collect!(ours, DataSource);
    assert_eq!(found.keys().collect::<Vec<_>>(), sources.keys().collect::<Vec<_>>(), "{case}");
    for (name, source) in &sources {
        assert_eq!(&found[name], source, "{case}: {name}");
    }

    let entities: BTreeMap<String, Vec<Entity>> = named(
        theirs
            .entities
            .into_iter()
            .map(|entity| convert::entity_from_proto(entity).unwrap())
            .filter(|entity| entity.name != larder_core::DUMMY_ENTITY)
            .map(|entity| (entity.name.clone(), entity)),
    );
    assert_eq!(collect!(ours, Entity), entities, "{case}");

    let plain = theirs
        .feature_views
        .into_iter()
        .map(|view| convert::feature_view_from_proto(view).unwrap());
    let stream = theirs
        .stream_feature_views
        .into_iter()
        .map(|view| convert::stream_feature_view_from_proto(view).unwrap());
    let label =
        theirs.label_views.into_iter().map(|view| convert::label_view_from_proto(view).unwrap());
    let views: BTreeMap<String, Vec<FeatureView>> = named(
        plain.chain(stream).chain(label).map(|view| (view.name.clone(), in_name_order(view))),
    );
    let mut found = collect!(ours, FeatureView);
    for view in found.values_mut().flatten() {
        *view = in_name_order(view.clone());
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), views.keys().collect::<Vec<_>>(), "{case}");
    for (name, view) in &views {
        assert_eq!(&found[name], view, "{case}: {name}");
    }

    let on_demand: BTreeMap<String, Vec<OnDemandFeatureView>> = named(
        theirs
            .on_demand_feature_views
            .into_iter()
            .map(|view| convert::on_demand_feature_view_from_proto(view).unwrap())
            .map(|view| (view.name.clone(), view)),
    );
    let found = collect!(ours, OnDemandFeatureView);
    assert_eq!(found.keys().collect::<Vec<_>>(), on_demand.keys().collect::<Vec<_>>(), "{case}");
    for (name, view) in &on_demand {
        assert_eq!(&found[name], view, "{case}: {name}");
    }

    let services: BTreeMap<String, Vec<FeatureService>> = named(
        theirs
            .feature_services
            .into_iter()
            .map(|service| convert::feature_service_from_proto(service).unwrap())
            .map(|service| (service.name.clone(), service)),
    );
    assert_eq!(collect!(ours, FeatureService), services, "{case}");

    let permissions: BTreeMap<String, Vec<Permission>> = named(
        theirs
            .permissions
            .into_iter()
            .map(convert::permission_from_proto)
            .map(|permission| (permission.name.clone(), permission)),
    );
    assert_eq!(collect!(ours, Permission), permissions, "{case}");

    let projects: BTreeMap<String, Vec<Project>> = named(
        theirs
            .projects
            .into_iter()
            .map(convert::project_from_proto)
            .map(|project| (project.name.clone(), project)),
    );
    assert_eq!(collect!(ours, Project), projects, "{case}");
}

#[test]
fn the_shop_is_collected_as_by_feast() {
    check("shop");
}

#[test]
fn the_template_of_feast_init_is_collected_as_by_feast() {
    check("local_template");
}

#[test]
fn every_source_class_is_stored_as_by_feast() {
    check("sources");
}

#[test]
fn every_kind_of_view_is_collected_as_by_feast() {
    check("views");
}

#[test]
fn services_and_permissions_are_collected_as_by_feast() {
    check("services");
}

#[test]
fn packages_helpers_and_ignored_files_are_treated_as_by_feast() {
    check("layout");
}

#[test]
fn the_vectors_need_no_warning_but_for_what_feast_servers_cannot_run() {
    for case in ["shop", "sources", "services", "layout"] {
        assert_eq!(definitions_of(case).warnings, [], "{case}");
    }
}

#[test]
fn every_object_knows_where_it_is_defined() {
    let definitions = definitions_of("shop");
    let place = |name: &str| {
        let found = definitions.objects.iter().find(|object| object.value.name() == name);
        let location = &found.unwrap_or_else(|| panic!("no {name}")).location;
        (location.file.as_str(), location.line)
    };
    assert_eq!(place("user"), ("entities.py", 4));
    assert_eq!(place("clicks_stream"), ("sources.py", 36));
    assert_eq!(place("user_behavior_features"), ("features.py", 13));
    // A decorated function starts at its decorator.
    assert_eq!(place("user_click_stream"), ("features.py", 48));
    assert_eq!(place("basket_features"), ("features.py", 78));
}

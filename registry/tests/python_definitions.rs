//! The Python loader against what real Feast collects from the same repositories.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use larder_core::{DUMMY_ENTITY, FeatureView, ViewKind};
use larder_proto::{convert, descriptors, feast};
use larder_registry::definitions::{Definitions, Object};
use larder_registry::python::{DirectoryFiles, Limits, load};
use prost_reflect::{DynamicMessage, prost::Message as _};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/registry/python")
}

fn definitions_of(case: &str) -> Definitions {
    let files = DirectoryFiles::open(&vectors().join(case)).expect("a folder of vectors");
    load(&files, &BTreeMap::new(), Limits::default())
        .unwrap_or_else(|failures| panic!("{case}:\n{failures}"))
}

/// What real Feast collected, as the domain sees it.
fn expected(case: &str) -> feast::core::Registry {
    let text = std::fs::read_to_string(vectors().join(format!("{case}.json")));
    let text = text.expect("a file of vectors");
    let descriptor = descriptors().get_message_by_name("feast.core.Registry");
    let descriptor = descriptor.expect("a message of Feast");
    let mut json = serde_json::Deserializer::from_str(&text);
    let message = DynamicMessage::deserialize(descriptor, &mut json).expect("a registry as JSON");
    feast::core::Registry::decode(message.encode_to_vec().as_slice()).expect("its own bytes")
}

type Named<T> = BTreeMap<String, Vec<T>>;

/// Objects by name; two of one name keep both.
fn named<T>(objects: impl IntoIterator<Item = T>, name: fn(&T) -> &String) -> Named<T> {
    let mut sorted: Named<T> = BTreeMap::new();
    for object in objects {
        sorted.entry(name(&object).clone()).or_default().push(object);
    }
    sorted
}

/// Feast stores the features of stream views in hash order.
fn in_name_order(mut view: FeatureView) -> FeatureView {
    if matches!(view.kind, ViewKind::Stream { .. }) {
        view.features.sort_by(|left, right| left.name.cmp(&right.name));
    }
    view
}

fn same<T: PartialEq + Debug>(case: &str, ours: &Named<T>, theirs: &Named<T>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{case}");
    for (name, object) in theirs {
        assert_eq!(&ours[name], object, "{case}: {name}");
    }
}

/// Our objects of one kind.
macro_rules! ours {
    ($definitions:expr, $variant:ident) => {
        $definitions.objects.iter().filter_map(|object| match &object.value {
            Object::$variant(value) => Some(value.clone()),
            _ => None,
        })
    };
}

fn check(case: &str) {
    let ours = definitions_of(case);
    let theirs = expected(case);
    let read = "what Feast wrote can be read";

    let sources = theirs.data_sources.iter().cloned().map(convert::data_source_from_proto);
    let sources = named(sources.map(|source| source.expect(read)), |source| &source.name);
    same(case, &named(ours!(ours, DataSource), |source| &source.name), &sources);

    let entities = theirs.entities.iter().cloned().map(convert::entity_from_proto);
    let entities =
        entities.map(|entity| entity.expect(read)).filter(|entity| entity.name != DUMMY_ENTITY);
    let found = named(ours!(ours, Entity), |entity| &entity.name);
    same(case, &found, &named(entities, |entity| &entity.name));

    let found = named(ours!(ours, FeatureView).map(in_name_order), |view| &view.name);
    same(case, &found, &stored_views(&theirs));

    let views = theirs.on_demand_feature_views.iter().cloned();
    let views = views.map(|view| convert::on_demand_feature_view_from_proto(view).expect(read));
    let found = named(ours!(ours, OnDemandFeatureView), |view| &view.name);
    same(case, &found, &named(views, |view| &view.name));

    let services = theirs.feature_services.iter().cloned().map(convert::feature_service_from_proto);
    let services = named(services.map(|service| service.expect(read)), |service| &service.name);
    same(case, &named(ours!(ours, FeatureService), |service| &service.name), &services);

    let permissions = theirs.permissions.into_iter().map(convert::permission_from_proto);
    let found = named(ours!(ours, Permission), |permission| &permission.name);
    same(case, &found, &named(permissions, |permission| &permission.name));

    let projects = theirs.projects.into_iter().map(convert::project_from_proto);
    let found = named(ours!(ours, Project), |project| &project.name);
    same(case, &found, &named(projects, |project| &project.name));
}

/// Feast's plain, batch, stream and label views.
fn stored_views(theirs: &feast::core::Registry) -> Named<FeatureView> {
    let plain = theirs.feature_views.iter().cloned().map(convert::feature_view_from_proto);
    let stream =
        theirs.stream_feature_views.iter().cloned().map(convert::stream_feature_view_from_proto);
    let label = theirs.label_views.iter().cloned().map(convert::label_view_from_proto);
    let views = plain.chain(stream).chain(label);
    let views = views.map(|view| in_name_order(view.expect("what Feast wrote can be read")));
    named(views, |view| &view.name)
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

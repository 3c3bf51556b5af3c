//! Registry objects that real Feast 0.67 wrote, through the domain and back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{ErrorKind, Result};
use larder_proto::convert::{self, FeatureViewMessage, SourcePlace};
use larder_proto::feast::core;
use larder_proto::wire::registry_file::{RegistryFile, RegistryObject};
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

const FILES: [(&str, &[u8]); 5] = [
    ("registry", include_bytes!("../../tests/vectors/registry/registry.db")),
    ("second apply", include_bytes!("../../tests/vectors/registry/registry_second_apply.db")),
    ("materialized", include_bytes!("../../tests/vectors/registry/registry_materialized.db")),
    ("v1", include_bytes!("../../tests/vectors/registry/registry_v1.db")),
    ("every kind", include_bytes!("../../tests/vectors/registry/every_kind.db")),
];

/// Messages whose `meta` the domain does not hold.
const WITHOUT_META: [&str; 4] =
    ["feast.core.DataSource", "feast.core.Entity", "feast.core.Permission", "feast.core.Project"];

/// The message without what conversion drops by contract.
fn comparable(name: &str, bytes: &[u8]) -> DynamicMessage {
    let descriptor = larder_proto::descriptors().get_message_by_name(name).unwrap();
    let mut message = DynamicMessage::decode(descriptor, bytes).unwrap();
    strip(&mut message);
    message
}

fn strip(message: &mut DynamicMessage) {
    if WITHOUT_META.contains(&message.descriptor().full_name()) {
        message.clear_field_by_name("meta");
    }
    if message.descriptor().full_name() == "feast.core.StreamFeatureViewSpec" {
        sort_features(message);
    }
    for (_, value) in message.fields_mut() {
        strip_value(value);
    }
}

/// Feast stores the features of a stream view in hash order.
fn sort_features(spec: &mut DynamicMessage) {
    let Some(Value::List(features)) = spec.get_field_by_name_mut("features") else { return };
    features.sort_by_key(|feature| match feature.as_message() {
        Some(field) => field.get_field_by_name("name").unwrap().as_str().map(str::to_owned),
        None => None,
    });
}

fn strip_value(value: &mut Value) {
    match value {
        Value::Message(message) => strip(message),
        Value::List(items) => items.iter_mut().for_each(strip_value),
        Value::Map(entries) => entries.values_mut().for_each(strip_value),
        _ => {}
    }
}

/// Sends every object of a list through `convert`, which gets the message and its project.
fn check<T: RegistryObject>(name: &str, convert: impl Fn(T, &str) -> Result<T>) {
    let mut seen = 0;
    for (file, bytes) in FILES {
        for stored in RegistryFile::parse(bytes).unwrap().objects(T::LIST) {
            let label = format!("{file}: {name} {}", stored.name());
            let message: T = stored.decode().unwrap();
            let back = convert(message, stored.project()).expect(&label);
            let back = comparable(name, &back.encode_to_vec());
            assert_eq!(back, comparable(name, stored.bytes()), "{label}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no {name} to check");
}

#[test]
fn entities_and_projects_lose_nothing() {
    check("feast.core.Entity", |entity, project| {
        Ok(convert::entity_to_proto(&convert::entity_from_proto(entity)?, project))
    });
    check("feast.core.Project", |project, _| {
        Ok(convert::project_to_proto(&convert::project_from_proto(project)))
    });
}

#[test]
fn permissions_lose_nothing() {
    check("feast.core.Permission", |permission, project| {
        Ok(convert::permission_to_proto(&convert::permission_from_proto(permission), project))
    });
}

#[test]
fn data_sources_of_every_kind_lose_nothing() {
    check("feast.core.DataSource", |source, project| {
        let source = convert::data_source_from_proto(source)?;
        convert::data_source_to_proto(&source, SourcePlace::TopLevel(project))
    });
}

#[test]
fn plain_and_batch_views_lose_nothing() {
    check("feast.core.FeatureView", |view, project| {
        let view = convert::feature_view_from_proto(view)?;
        match convert::feature_view_to_proto(&view, project)? {
            FeatureViewMessage::Plain(message) => Ok(message),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn stream_views_lose_nothing() {
    check("feast.core.StreamFeatureView", |view, project| {
        let view = convert::stream_feature_view_from_proto(view)?;
        match convert::feature_view_to_proto(&view, project)? {
            FeatureViewMessage::Stream(message) => Ok(message),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn join_keys_among_the_features_of_a_stream_view_are_no_features() {
    let field = |name: &str| core::FeatureSpecV2 {
        name: name.to_owned(),
        value_type: 4,
        ..core::FeatureSpecV2::default()
    };
    let stored = |features: &[&str]| core::StreamFeatureView {
        spec: Some(core::StreamFeatureViewSpec {
            features: features.iter().map(|name| field(name)).collect(),
            entity_columns: vec![field("user_id")],
            ..core::StreamFeatureViewSpec::default()
        }),
        meta: None,
    };
    for features in [&["clicks", "user_id"][..], &["user_id", "clicks"], &["clicks"]] {
        let view = convert::stream_feature_view_from_proto(stored(features)).unwrap();
        let names: Vec<&str> = view.features.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["clicks"], "{features:?}");
        let FeatureViewMessage::Stream(message) =
            convert::feature_view_to_proto(&view, "p").unwrap()
        else {
            panic!("a stream view stays one");
        };
        let names: Vec<String> =
            message.spec.unwrap().features.into_iter().map(|field| field.name).collect();
        assert_eq!(names, ["user_id", "clicks"], "{features:?}");
    }
}

#[test]
fn label_views_lose_nothing() {
    check("feast.core.LabelView", |view, project| {
        let view = convert::label_view_from_proto(view)?;
        match convert::feature_view_to_proto(&view, project)? {
            FeatureViewMessage::Label(message) => Ok(message),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn on_demand_views_lose_nothing() {
    check("feast.core.OnDemandFeatureView", |view, project| {
        let view = convert::on_demand_feature_view_from_proto(view)?;
        convert::on_demand_feature_view_to_proto(&view, project)
    });
}

#[test]
fn feature_services_lose_nothing() {
    check("feast.core.FeatureService", |service, project| {
        let service = convert::feature_service_from_proto(service)?;
        convert::feature_service_to_proto(&service, project)
    });
}

#[test]
fn the_domain_survives_the_message() {
    for (file, bytes) in FILES {
        let registry = core::Registry::decode(bytes).unwrap();
        for view in registry.feature_views {
            let view = convert::feature_view_from_proto(view).unwrap();
            let FeatureViewMessage::Plain(message) =
                convert::feature_view_to_proto(&view, "p").unwrap()
            else {
                panic!("{file}: {} changed its kind", view.name);
            };
            assert_eq!(convert::feature_view_from_proto(message).unwrap(), view, "{file}");
        }
        for service in registry.feature_services {
            let service = convert::feature_service_from_proto(service).unwrap();
            let message = convert::feature_service_to_proto(&service, "p").unwrap();
            assert_eq!(convert::feature_service_from_proto(message).unwrap(), service, "{file}");
        }
    }
}

#[test]
fn the_version_snapshots_of_a_file_convert_too() {
    for (_, bytes) in FILES {
        for record in RegistryFile::parse(bytes).unwrap().version_records().unwrap() {
            let snapshot = record.feature_view_proto.as_slice();
            let name = match record.feature_view_type.as_str() {
                "feature_view" => {
                    let view = core::FeatureView::decode(snapshot).unwrap();
                    convert::feature_view_from_proto(view).unwrap().name
                }
                "stream_feature_view" => {
                    let view = core::StreamFeatureView::decode(snapshot).unwrap();
                    convert::stream_feature_view_from_proto(view).unwrap().name
                }
                "on_demand_feature_view" => {
                    let view = core::OnDemandFeatureView::decode(snapshot).unwrap();
                    convert::on_demand_feature_view_from_proto(view).unwrap().name
                }
                other => panic!("no such view type: {other}"),
            };
            assert_eq!(name, record.feature_view_name);
        }
    }
}

#[test]
fn what_feast_does_not_define_is_a_data_error() {
    let entity = core::Entity {
        spec: Some(core::EntitySpecV2 { value_type: 99, ..Default::default() }),
        meta: None,
    };
    assert_eq!(convert::entity_from_proto(entity).unwrap_err().kind(), ErrorKind::Data);
    for source_type in [0, 1, 77] {
        let source = core::DataSource { r#type: source_type, ..Default::default() };
        let error = convert::data_source_from_proto(source).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
    }
    let ttl = prost_types::Duration { seconds: -1, nanos: 0 };
    let view = core::FeatureView {
        spec: Some(core::FeatureViewSpec { ttl: Some(ttl), ..Default::default() }),
        meta: None,
    };
    assert_eq!(convert::feature_view_from_proto(view).unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn times_are_read_and_replaced_without_touching_the_rest() {
    use convert::{Stamped as _, Times};
    let (_, bytes) = FILES[2];
    let mut view = core::Registry::decode(bytes).unwrap().feature_views.remove(0);
    let before = view.clone();
    let times = view.times();
    assert!(times.created.is_some() && times.updated.is_some());
    view.set_times(Times::default());
    assert_eq!(view.times(), Times::default());
    assert_eq!(view.spec, before.spec);
    view.set_times(times);
    assert_eq!(view, before);
}

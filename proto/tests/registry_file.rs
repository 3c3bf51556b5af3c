//! Registry files that real Feast 0.67 wrote, read and written back.

use larder_core::{ErrorKind, Timestamp};
use larder_proto::feast::core;
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};
use prost::Message as _;

const FILES: [(&str, &[u8]); 4] = [
    ("registry", include_bytes!("../../tests/vectors/registry/registry.db")),
    ("second apply", include_bytes!("../../tests/vectors/registry/registry_second_apply.db")),
    ("materialized", include_bytes!("../../tests/vectors/registry/registry_materialized.db")),
    ("v1", include_bytes!("../../tests/vectors/registry/registry_v1.db")),
];

fn entity(project: &str, name: &str) -> core::Entity {
    let spec = core::EntitySpecV2 {
        name: name.to_owned(),
        project: project.to_owned(),
        ..Default::default()
    };
    core::Entity { spec: Some(spec), meta: None }
}

#[test]
fn a_file_that_nobody_changed_is_written_back_byte_for_byte() {
    for (name, bytes) in FILES {
        assert_eq!(RegistryFile::parse(bytes).unwrap().to_bytes(), bytes, "{name}");
    }
}

#[test]
fn lists_hold_the_objects_of_the_message() {
    for (name, bytes) in FILES {
        let file = RegistryFile::parse(bytes).unwrap();
        let message = core::Registry::decode(bytes).unwrap();
        assert_eq!(file.to_message().unwrap(), message, "{name}");
        let mut views = Vec::new();
        for view in file.objects(RegistryList::FeatureViews) {
            let decoded: core::FeatureView = view.decode().unwrap();
            let spec = decoded.spec.as_ref().unwrap();
            assert_eq!((view.name(), view.project()), (&*spec.name, &*spec.project));
            views.push(decoded);
        }
        assert_eq!(views, message.feature_views, "{name}");
        assert_eq!(file.schema_version(), message.registry_schema_version);
        assert_eq!(file.version_id(), message.version_id);
        let at = message.last_updated.unwrap();
        assert_eq!(file.last_updated().unwrap().seconds(), at.seconds);
        let records = message.feature_view_version_history.unwrap().records;
        assert_eq!(file.version_records().unwrap(), records, "{name}");
        assert_eq!(file.infra(), message.infra.map(|infra| infra.encode_to_vec()).as_deref());
    }
}

#[test]
fn names_and_projects_are_found_in_every_list() {
    let (_, bytes) = FILES[0];
    let file = RegistryFile::parse(bytes).unwrap();
    for list in RegistryList::ALL {
        for object in file.objects(list) {
            assert!(!object.name().is_empty(), "{list:?}");
            let without_project =
                matches!(list, RegistryList::Projects | RegistryList::ProjectMetadata);
            assert_eq!(object.project().is_empty(), without_project, "{list:?}");
            assert_eq!(file.find(list, object.project(), object.name()), Some(object));
        }
    }
}

#[test]
fn unknown_fields_survive_at_every_level_that_is_not_rewritten() {
    let (_, bytes) = FILES[0];
    let mut extended = bytes.to_vec();
    extended.extend_from_slice(&[0xaa, 0x06, 3, b'n', b'e', b'w']); // field 101
    let mut odd_entity = entity("shop", "odd").encode_to_vec();
    odd_entity.extend_from_slice(&[0xaa, 0x06, 1, b'x']);
    let mut file = RegistryFile::parse(&extended).unwrap();
    file.put(RegistryList::Entities, &odd_entity).unwrap();
    file.put_message(&entity("shop", "other")).unwrap();
    let file = RegistryFile::parse(&file.to_bytes()).unwrap();
    assert_eq!(file.find(RegistryList::Entities, "shop", "odd").unwrap().bytes(), odd_entity);
    assert!(file.to_bytes().ends_with(&[0xaa, 0x06, 3, b'n', b'e', b'w']));
}

#[test]
fn a_replaced_object_moves_to_the_end_and_another_project_is_not_touched() {
    let mut file = RegistryFile::new();
    for (project, name) in [("a", "x"), ("b", "x"), ("a", "y")] {
        file.put_message(&entity(project, name)).unwrap();
    }
    let mut changed = entity("a", "x");
    changed.spec.as_mut().unwrap().description = "new".to_owned();
    file.put_message(&changed).unwrap();
    let order: Vec<_> = file
        .objects(RegistryList::Entities)
        .iter()
        .map(|object| (object.project(), object.name()))
        .collect();
    assert_eq!(order, [("b", "x"), ("a", "y"), ("a", "x")]);
    assert_eq!(file.get::<core::Entity>("a", "x").unwrap(), Some(changed.clone()));
    assert!(file.replace(RegistryList::Entities, "b", "x", &changed.encode_to_vec()).unwrap());
    assert!(!file.replace(RegistryList::Entities, "c", "x", &changed.encode_to_vec()).unwrap());
    assert!(file.remove(RegistryList::Entities, "a", "y"));
    assert!(!file.remove(RegistryList::Entities, "a", "y"));
    assert_eq!(file.objects_of(RegistryList::Entities, "a").count(), 2);
}

#[test]
fn a_project_can_be_filled_in_without_touching_the_rest() {
    let (_, bytes) = FILES[0];
    let file = RegistryFile::parse(bytes).unwrap();
    for list in RegistryList::ALL {
        for object in file.objects(list) {
            let bare = list.with_project(object.bytes(), "").unwrap();
            let filled = list.with_project(&bare, object.project()).unwrap();
            assert_eq!(filled, object.bytes(), "{list:?} {}", object.name());
        }
    }
}

#[test]
fn a_new_registry_has_a_schema_version_and_takes_a_stamp() {
    let mut file = RegistryFile::new();
    let now = Timestamp::from_micros(1_700_000_000_123_456);
    file.stamp("an-id", now);
    let message = file.to_message().unwrap();
    assert_eq!(message.registry_schema_version, "1");
    assert_eq!(message.version_id, "an-id");
    let read = RegistryFile::parse(&file.to_bytes()).unwrap();
    assert_eq!((read.last_updated(), &read), (Some(now), &file));
}

#[test]
fn version_records_are_appended_and_removed_by_view() {
    let (_, bytes) = FILES[3];
    let mut file = RegistryFile::parse(bytes).unwrap();
    let before = file.version_records().unwrap();
    let gone = before[0].feature_view_name.clone();
    file.retain_version_records(|record| record.feature_view_name != gone).unwrap();
    let record = core::FeatureViewVersionRecord {
        feature_view_name: "new".to_owned(),
        ..Default::default()
    };
    file.push_version_record(&record);
    let mut expected: Vec<_> =
        before.into_iter().filter(|record| record.feature_view_name != gone).collect();
    expected.push(record);
    let read = RegistryFile::parse(&file.to_bytes()).unwrap();
    assert_eq!(read.version_records().unwrap(), expected);
}

#[test]
fn bytes_that_are_no_registry_are_data_errors() {
    let (_, bytes) = FILES[0];
    for broken in [&bytes[..bytes.len() - 1], b"not a registry", &[0x0a, 2, 0x0a, 9]] {
        let result = RegistryFile::parse(broken).and_then(|file| file.to_message());
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Data);
    }
    assert_eq!(RegistryFile::parse(&[]).unwrap().to_bytes(), b"");
}

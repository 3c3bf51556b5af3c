//! Bytes in, bytes out.

use std::fs;

use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::store::{Outcome, RegistryStore};

use crate::shop::{Repository, vectors};

#[test]
fn registries_of_feast_are_written_back_byte_for_byte() {
    for name in [
        "registry.db",
        "registry_second_apply.db",
        "registry_materialized.db",
        "registry_v1.db",
        "every_kind.db",
    ] {
        let bytes = fs::read(vectors().join(name)).unwrap();
        assert_eq!(RegistryFile::parse(&bytes).unwrap().to_bytes(), bytes, "{name}");
    }
}

#[test]
fn an_update_without_change_leaves_the_file_alone() {
    let shop = Repository::shop();
    let bytes = fs::read(vectors().join("registry.db")).unwrap();
    shop.write("data/keep", "");
    fs::write(shop.path().join("data/registry.db"), &bytes).unwrap();
    shop.store().update(&mut |_| Ok(Outcome::Unchanged)).unwrap();
    assert_eq!(fs::read(shop.path().join("data/registry.db")).unwrap(), bytes);
}

#[test]
fn an_apply_changes_only_the_bytes_of_changed_objects() {
    use larder_proto::wire::registry_file::RegistryList;
    let shop = Repository::shop();
    fs::write(
        shop.path().join("data/registry.db"),
        fs::read(vectors().join("registry_materialized.db")).unwrap(),
    )
    .unwrap();
    let before = shop.registry();
    shop.edit("entities.py", "A registered shopper", "Somebody with an account");
    shop.apply().unwrap();
    let after = shop.registry();
    for list in RegistryList::ALL {
        for object in before.objects(list).iter().filter(|object| object.name() != "user") {
            assert_eq!(after.find(list, object.project(), object.name()), Some(object));
        }
    }
    assert_ne!(before.version_id(), after.version_id());
}

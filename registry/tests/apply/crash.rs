//! A writer that is killed.

use std::process::{Command, Stdio};
use std::time::Duration;

use larder_proto::wire::registry_file::RegistryList;
use larder_registry::store::{Outcome, RegistryStore};

use crate::shop::Repository;

/// Set in a process that only writes.
const FOLDER: &str = "LARDER_TEST_WRITER_FOLDER";

fn shared() -> Repository {
    Repository::with(&[
        ("feature_store.yaml", "project: p\nregistry: data/registry.db\n"),
        ("e.py", "from feast import Entity\ne = Entity(name='e', description='first')\n"),
    ])
}

/// The body of the writing process: entities without end, each acknowledged on standard output.
#[test]
fn a_writer_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = larder_registry::store::FileRegistryStore::new(
        format!("{folder}/data/registry.db"),
        std::sync::Arc::new(larder_core::FixedClock(crate::shop::NOW)),
    );
    let who = std::process::id();
    for number in 0.. {
        let entity =
            larder_core::Entity { name: format!("e_{who}_{number}"), ..Default::default() };
        store
            .update(&mut |file| {
                file.put_message(&larder_proto::convert::entity_to_proto(&entity, "p"))?;
                Ok(Outcome::Changed)
            })
            .unwrap();
        std::fs::write(format!("{folder}/acknowledged_{who}"), number.to_string()).unwrap();
    }
}

fn writer(repository: &Repository) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_writer_process", "--nocapture"])
        .env(FOLDER, repository.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_writers_lose_nothing_that_was_acknowledged() {
    let repository = shared();
    repository.apply().unwrap();
    for _ in 0..5 {
        let mut writers = [writer(&repository), writer(&repository)];
        std::thread::sleep(Duration::from_millis(300));
        for child in &mut writers {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let file = repository.registry();
        for child in &writers {
            let acknowledged = repository.path().join(format!("acknowledged_{}", child.id()));
            let Ok(last) = std::fs::read_to_string(acknowledged) else { continue };
            let Ok(last) = last.parse::<usize>() else { continue };
            for number in 0..=last {
                let name = format!("e_{}_{number}", child.id());
                assert!(file.find(RegistryList::Entities, "p", &name).is_some(), "{name} is lost");
            }
        }
    }
    assert!(repository.registry().objects(RegistryList::Entities).len() > 2, "the writers wrote");
    repository.store().update(&mut |_| Ok(Outcome::Changed)).unwrap();
    let leftovers = std::fs::read_dir(repository.path().join("data"))
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".unfinished")
        })
        .count();
    assert_eq!(leftovers, 0);
}

//! `fs permissions` beside `feast permissions`.

use larder_tests::{Feast, Repository, unordered};

const VECTORS: &str = "tests/vectors/registry";

/// The repository from which the recorded registry was made.
fn repository() -> Repository {
    let repository = Repository::copy_of(&format!("{VECTORS}/repo"));
    let definitions = format!("{VECTORS}/permissions/permissions.py");
    repository.write("permissions.py", recorded(&definitions));
    for name in ["clicks", "product_stats", "user_behavior"] {
        let input = recorded(&format!("{VECTORS}/inputs/{name}.parquet"));
        repository.write(&format!("data/{name}.parquet"), input);
    }
    repository
}

fn recorded(path: &str) -> Vec<u8> {
    std::fs::read(Repository::workspace().join(path)).expect("a recorded file")
}

#[test]
fn every_list_shows_what_feast_showed() {
    let transcript = recorded(&format!("{VECTORS}/permissions/transcript.txt"));
    let transcript = String::from_utf8(transcript).expect("text");
    let repository = repository();
    repository.write("data/registry.db", recorded(&format!("{VECTORS}/permissions/registry.db")));
    for section in transcript.split("$ feast ").filter(|text| !text.is_empty()) {
        let (command, theirs) = section.split_once("\n[exit 0]\n").expect("a command that ran");
        let arguments: Vec<&str> = command.split(' ').collect();
        let ours = repository.fs().ok(&arguments);
        assert_eq!(unordered(&ours), unordered(theirs), "{command}");
    }
}

#[test]
fn feast_shows_the_same_of_what_fs_applied() {
    let feast = Feast::get();
    let repository = repository();
    repository.fs().ok(&["apply"]);
    let commands: [&[&str]; 3] = [&["list", "-v"], &["check"], &["list-roles", "-v"]];
    for command in commands {
        let arguments = [&["permissions"], command].concat();
        let theirs = feast.ok(&repository.path(), &arguments);
        let ours = repository.fs().ok(&arguments);
        assert_eq!(unordered(&ours), unordered(&uncoloured(&theirs)), "{command:?}");
    }
}

/// Feast colours its headings even when nobody looks.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

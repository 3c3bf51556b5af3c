//! Lists and descriptions of a registry that real Feast wrote, compared with what its CLI printed.

mod program;

use program::{Folder, workspace};

const CONFIGURATION: &str = "project: shoply\nregistry: data/registry.db\nprovider: local\n\
    online_store: {type: sqlite, path: data/online.db}\n";

/// Commands whose output is a table; Feast prints rows in the order of its registry, ours are sorted.
const TABLES: [&str; 13] = [
    "entities list",
    "data-sources list",
    "feature-views list",
    "feature-services list",
    "on-demand-feature-views list",
    "stream-feature-views list",
    "label-views list",
    "projects list",
    "permissions list",
    "saved-datasets list",
    "validation-references list",
    "features list",
    "feature-views list-versions user_behavior_features",
];

const DESCRIPTIONS: [&str; 2] =
    ["entities describe user", "feature-views describe product_features"];

fn shoply() -> Folder {
    let folder = Folder::empty();
    let registry = workspace().join("tests/vectors/registry/registry.db");
    folder.write("data/registry.db", std::fs::read(registry).expect("the vector"));
    folder.write("feature_store.yaml", CONFIGURATION);
    folder
}

/// What `feast COMMAND` printed the first time.
fn printed_by_feast(command: &str) -> String {
    let path = workspace().join("tests/vectors/registry/transcript.txt");
    let transcript = std::fs::read_to_string(path).expect("the vector");
    let section = transcript
        .split("$ feast ")
        .find_map(|section| section.strip_prefix(&format!("{command}\n[exit 0]\n")))
        .unwrap_or_else(|| panic!("the transcript has no {command}"));
    section.to_owned()
}

fn sorted_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(untimed).collect();
    lines.sort();
    lines
}

/// Times and identifiers of the run that made the registry.
fn untimed(line: &str) -> String {
    let is_stamp = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        digits >= 8 && word.contains(['-', ':'])
    };
    line.split(' ')
        .map(|word| if is_stamp(word) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn tables_have_the_rows_and_columns_that_feast_prints() {
    let folder = shoply();
    for command in TABLES {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ours = folder.stdout(&arguments);
        assert_eq!(sorted_lines(&ours), sorted_lines(&printed_by_feast(command)), "{command}");
    }
}

#[test]
fn descriptions_are_those_of_feast() {
    let folder = shoply();
    for command in DESCRIPTIONS {
        let arguments: Vec<&str> = command.split(' ').collect();
        let untimed_text =
            |text: &str| text.trim_end().lines().map(untimed).collect::<Vec<_>>().join("\n");
        let ours = folder.stdout(&arguments);
        assert_eq!(untimed_text(&ours), untimed_text(&printed_by_feast(command)), "{command}");
    }
}

#[test]
fn a_registry_of_feast_can_be_dumped_also_with_python_views() {
    let dump = shoply().stdout(&["registry-dump"]);
    let dump: serde_json::Value = serde_json::from_str(&dump).expect("JSON");
    assert_eq!(dump["project"], "shoply");
    let names = |list: &str| -> Vec<&str> {
        let objects = dump[list].as_array().expect("a list");
        objects.iter().filter_map(|object| object["spec"]["name"].as_str()).collect()
    };
    assert_eq!(
        names("featureViews"),
        ["product_features", "user_behavior_features", "user_behavior_fresh"]
    );
    assert_eq!(names("onDemandFeatureViews"), ["basket_features"]);
    assert_eq!(names("streamFeatureViews"), ["user_click_stream"]);
}

//! What commands print, as snapshots.

mod program;

use insta::assert_snapshot;
use program::{Folder, transcript, workspace};

/// The example repository.
fn shop() -> Folder {
    let folder = Folder::empty();
    for name in ["feature_store.yaml", ".feastignore", "entities.py", "sources.py", "features.py"] {
        let path = workspace().join("feature_repo").join(name);
        folder.write(name, std::fs::read(path).expect("the example repository"));
    }
    folder
}

/// How a run ended and what it said, with the folder's path as `[DIR]`.
fn said(folder: &Folder, arguments: &[&str]) -> String {
    let text = transcript(&folder.run(arguments));
    let mut paths = vec![folder.path().to_path_buf()];
    paths.extend(std::fs::canonicalize(folder.path()));
    paths.iter().fold(text, |text, path| text.replace(&path.display().to_string(), "[DIR]"))
}

/// Binds filters for what differs from run to run.
fn stable(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "[TIME]");
    settings.add_filter(r"\.fs-[A-Za-z0-9]+", "[TEMP]");
    settings.add_filter(r"\d+ B|\d+\.\d+ s", "[AMOUNT]");
    settings.bind(check);
}

/// A repository made by `fs init`, which is where most users begin.
fn rides() -> Folder {
    let folder = Folder::empty();
    folder.stdout(&["init", "rides", "--repo-path", "."]);
    folder
}

const FAR: [&str; 2] = ["2020-01-01T00:00:00", "2100-01-01T00:00:00"];

#[test]
fn help_shows_every_command() {
    stable(|| assert_snapshot!("help", said(&Folder::empty(), &["--help"])));
}

#[test]
fn help_of_serve_keeps_h_for_the_host() {
    stable(|| assert_snapshot!("help_serve", said(&Folder::empty(), &["serve", "--help"])));
}

#[test]
fn help_of_serve_offline_answers_to_both_names() {
    stable(|| {
        let folder = Folder::empty();
        let help = said(&folder, &["serve-offline", "--help"]);
        assert_eq!(said(&folder, &["serve_offline", "--help"]), help);
        assert_snapshot!("help_serve_offline", help);
    });
}

#[test]
fn an_offline_server_that_cannot_verify_tokens_does_not_start() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        let settings = "\nauth: {type: oidc, auth_discovery_url: http://idp}\n";
        let path = folder.path().join("feature_store.yaml");
        let yaml = std::fs::read_to_string(&path).expect("the settings");
        std::fs::write(&path, yaml + settings).expect("the settings");
        assert_snapshot!("offline_auth", said(&folder, &["serve-offline", "--port", "0"]));
    });
}

#[test]
fn the_version_names_feast_too() {
    stable(|| assert_snapshot!("version", said(&Folder::empty(), &["version"])));
}

#[test]
fn a_new_repository_can_be_planned_applied_materialized_and_read() {
    stable(|| {
        let folder = Folder::empty();
        assert_snapshot!("init", said(&folder, &["init", "rides", "--repo-path", "."]));
        assert_snapshot!("init_again", said(&folder, &["init", "rides", "--repo-path", "."]));
        assert_snapshot!("plan", said(&folder, &["plan"]));
        assert_snapshot!("apply", said(&folder, &["apply"]));
        assert_snapshot!("apply_again", said(&folder, &["apply"]));
        let materialize = ["materialize", FAR[0], FAR[1]];
        assert_snapshot!("materialize", said(&folder, &materialize));
        let incremental = ["materialize-incremental", FAR[1], "-v", "driver_hourly_stats"];
        assert_snapshot!("materialize_incremental", said(&folder, &incremental));
        let read = ["get-online-features", "-e", "driver_id=1001", "-e", "driver_id=9", "-f"];
        let features = "driver_hourly_stats:conv_rate,driver_hourly_stats:avg_daily_trips";
        let read: Vec<&str> = read.into_iter().chain([features]).collect();
        assert_snapshot!("get_online_features", said(&folder, &read));
    });
}

#[test]
fn objects_are_listed_as_tables_and_as_json() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        assert_snapshot!("feature_views", said(&folder, &["feature-views", "list"]));
        let json = ["feature-views", "list", "--output-format", "json"];
        assert_snapshot!("feature_views_json", said(&folder, &json));
        let tagged = ["feature-views", "list", "--tags", "team:driver_performance"];
        assert_snapshot!("feature_views_tagged", said(&folder, &tagged));
        assert_snapshot!(
            "describe",
            said(&folder, &["feature-services", "describe", "driver_activity_v1"])
        );
        assert_snapshot!("describe_missing", said(&folder, &["entities", "describe", "nobody"]));
    });
}

#[test]
fn a_view_can_be_disabled_and_enabled_and_moved_between_states() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        let name = "driver_hourly_stats";
        let steps: [&[&str]; 6] = [
            &["feature-views", "disable", name],
            &["feature-views", "disable", name],
            &["feature-views", "enable", name],
            &["feature-views", "set-state", name, "created"],
            &["feature-views", "set-state", name, "AVAILABLE_ONLINE"],
            &["feature-views", "list"],
        ];
        let said: Vec<String> = steps.iter().map(|step| said(&folder, step)).collect();
        assert_snapshot!("view_switches", said.join("\n\n"));
    });
}

#[test]
fn a_disabled_view_is_neither_read_nor_materialized() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        folder.stdout(&["feature-views", "disable", "driver_hourly_stats"]);
        let read =
            ["get-online-features", "-e", "driver_id=1", "-f", "driver_hourly_stats:conv_rate"];
        assert_snapshot!("read_disabled", said(&folder, &read));
        let materialize = ["materialize", FAR[0], FAR[1], "-v", "driver_hourly_stats"];
        assert_snapshot!("materialize_disabled", said(&folder, &materialize));
    });
}

#[test]
fn historical_features_are_printed_or_written() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        let rows = r#"[{"driver_id": 1001, "event_timestamp": "2100-01-01T00:00:00", "val_to_add": 1, "val_to_add_2": 2}]"#;
        let printed =
            ["get-historical-features", "-d", rows, "-f", "driver_hourly_stats:conv_rate"];
        assert_snapshot!("historical_printed", said(&folder, &printed));
        folder.write("rows.csv", "driver_id,event_timestamp\n1001,2020-01-01\n1002,2020-01-02\n");
        let written = [
            "get-historical-features",
            "--entity-df",
            "rows.csv",
            "--features",
            "driver_hourly_stats:conv_rate,driver_hourly_stats:acc_rate",
            "--output",
            "joined.csv",
            "--full-feature-names",
        ];
        assert_snapshot!("historical_written", said(&folder, &written));
        let joined = std::fs::read_to_string(folder.path().join("joined.csv")).expect("a file");
        assert_snapshot!("historical_file", joined);
    });
}

#[test]
fn a_retrieval_is_explained_and_as_served_sees_only_what_was_materialized() {
    let folder = rides();
    folder.stdout(&["apply"]);
    let rows = r#"[{"driver_id": 1001, "event_timestamp": "2100-01-01T00:00:00"}]"#;
    let asked = ["get-historical-features", "-d", rows, "-f", "driver_hourly_stats:conv_rate"];
    let plan = folder.stdout(&[&asked[..], &["--explain", "--memory-limit", "1KiB"]].concat());
    for fact in ["1 entity rows", "of 1.0 KiB", "feature view \"driver_hourly_stats\"", "pruned"] {
        assert!(plan.contains(fact), "{fact} in {plan}");
    }
    let served = folder.stdout(&[&asked[..], &["--as-served"]].concat());
    assert!(served.contains("\"conv_rate\": null"), "{served}");
    let refused = folder.run(&[&asked[..], &["--memory-limit", "plenty"]].concat());
    assert!(!refused.status.success());
}

#[test]
fn deleting_and_tearing_down_name_what_they_did() {
    stable(|| {
        let folder = rides();
        folder.stdout(&["apply"]);
        assert_snapshot!("delete", said(&folder, &["delete", "driver_activity_v2"]));
        assert_snapshot!("delete_missing", said(&folder, &["delete", "driver_activity_v2"]));
        assert_snapshot!("delete_project_unasked", said(&folder, &["projects", "delete", "rides"]));
        assert_snapshot!("teardown", said(&folder, &["teardown"]));
        assert_snapshot!("projects_after_teardown", said(&folder, &["projects", "list"]));
    });
}

#[test]
fn the_configuration_says_where_each_value_came_from() {
    stable(|| {
        let folder = Folder::empty();
        folder.write(
            "feature_store.yaml",
            "project: p\nregistry: r.db\nonline_store:\n  type: sqlite\n",
        );
        folder.write("larder.yaml", "compat: feast\n");
        let text = folder.stdout(&["configuration"]);
        // Built-in values are the registry's business and stand in its tests.
        let named: Vec<&str> = text.lines().filter(|line| !line.ends_with("default")).collect();
        assert_snapshot!("configuration", named.join("\n"));
    });
}

#[test]
fn errors_name_place_and_remedy() {
    stable(|| {
        let empty = Folder::empty();
        assert_snapshot!("no_repository", said(&empty, &["apply"]));
        let broken = shop();
        broken.write("extra.py", "from feast import Entity\n\nuser = Entity(name=\n");
        assert_snapshot!("broken_python", said(&broken, &["apply"]));
        assert_snapshot!("not_applied", said(&shop(), &["serve", "-p", "0"]));
        assert_snapshot!("usage", said(&empty, &["materialize"]));
        assert_snapshot!("tls", said(&shop(), &["serve", "--key", "k", "--cert", "c"]));
    });
}

#[test]
fn the_repository_can_be_given_as_a_path() {
    stable(|| {
        let folder = Folder::empty();
        folder.stdout(&["init", "rides"]);
        assert_snapshot!("apply_path", said(&folder, &["apply", "rides/feature_repo/"]));
        let list = ["-c", "rides/feature_repo", "feature-services", "list"];
        assert_snapshot!("list_with_chdir", said(&folder, &list));
    });
}

#[test]
fn completions_are_scripts_of_the_shell() {
    let script = Folder::empty().stdout(&["completions", "bash"]);
    assert!(script.contains("_fs()") && script.contains("materialize-incremental"), "{script}");
}

/// Set to write the page instead of comparing it.
const UPDATE: &str = "UPDATE_REFERENCE";

#[test]
fn the_page_of_all_commands_is_up_to_date() {
    let page = workspace().join("docs/reference/cli.md");
    let now = Folder::empty().stdout(&["reference"]);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(page.parent().expect("a folder")).expect("the folder");
        std::fs::write(&page, &now).expect("the page");
    }
    let committed = std::fs::read_to_string(&page).unwrap_or_default();
    let differs = committed.lines().zip(now.lines()).find(|(old, new)| old != new);
    assert!(
        committed == now,
        "docs/reference/cli.md is out of date: {UPDATE}=1 cargo test -p larder-cli --test commands writes it. \
         First difference: {differs:?}"
    );
}

//! `kill -9` at any moment loses nothing that was acknowledged, and processes share their files.
//!
//! `FS_TEST_ROUNDS` repeats the loops; `cargo xtask soak` sets it high.

use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use larder_tests::{Feast, Outcome, Repository, Server};
use serde_json::{Value, json};

/// Views of the repository that is applied again and again.
const VIEWS: usize = 150;

/// Keys of the view that is materialized again and again.
const KEYS: usize = 2_000;

/// Days of that view's data.
const DAYS: usize = 20;

fn rounds() -> usize {
    std::env::var("FS_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// A repository file with `VIEWS` views, each of which says in which generation it was written.
fn definitions(generation: usize) -> String {
    let mut text = String::from(
        "from datetime import timedelta\n\
         from feast import Entity, FeatureView, Field, FileSource, ValueType\n\
         from feast.types import Int64\n\
         key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)\n\
         source = FileSource(name=\"rows\", path=\"data/rows.parquet\", timestamp_field=\"event_timestamp\")\n",
    );
    for view in 0..VIEWS {
        writeln!(
            text,
            "view_{view} = FeatureView(name=\"view_{view}\", entities=[key], ttl=timedelta(0), \
             schema=[Field(name=\"key\", dtype=Int64), Field(name=\"counter\", dtype=Int64)], \
             source=source, description=\"generation {generation}\")"
        )
        .expect("writing to a string never fails");
    }
    text
}

fn settings(project: &str, registry: &str) -> String {
    format!(
        "project: {project}\nprovider: local\nregistry: {registry}\n\
         offline_store: {{type: file}}\nentity_key_serialization_version: 3\n"
    )
}

/// The generation that each view of the registry is of.
fn generations(repository: &Repository) -> Vec<usize> {
    let dump = repository.fs().json(&["registry-dump"]);
    let views = dump["featureViews"].as_array().cloned().unwrap_or_default();
    views
        .iter()
        .map(|view| {
            let text = view["spec"]["description"].as_str().expect("a description");
            text.trim_start_matches("generation ").parse().expect("a generation")
        })
        .collect()
}

/// Starts a command and kills it after a while; `true` if it had ended well before.
fn killed_after(repository: &Repository, arguments: &[&str], delay: Duration) -> bool {
    let mut child = repository
        .fs()
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("fs can be started");
    sleep(delay);
    // Killing a child that has ended does nothing.
    child.kill().expect("a child can be killed");
    child.wait().expect("a killed child ends").success()
}

/// Delays that are spread over the whole run of a command, early and late ones alternating.
fn delay(round: usize, whole: Duration) -> Duration {
    // The golden ratio spreads any number of rounds evenly.
    let share = (round as f64 * 0.618_034) % 1.0;
    whole.mul_f64(share * 1.2)
}

#[test]
fn an_apply_that_is_killed_changes_all_or_nothing() {
    let repository = Repository::with(&[
        ("feature_store.yaml", &settings("crash", "data/registry.db")),
        ("views.py", &definitions(0)),
    ]);
    let start = Instant::now();
    repository.fs().ok(&["apply"]);
    let whole = start.elapsed();
    let mut acknowledged = 0;
    for round in 1..=rounds() {
        repository.write("views.py", definitions(round));
        let done = killed_after(&repository, &["apply"], delay(round, whole));
        let found = generations(&repository);
        assert_eq!(found.len(), VIEWS, "round {round}");
        assert!(found.iter().all(|generation| *generation == found[0]), "round {round}: {found:?}");
        assert!(
            found[0] == round || (!done && found[0] == acknowledged),
            "round {round}: {found:?}"
        );
        acknowledged = found[0];
    }
    repository.fs().ok(&["apply"]);
    assert_eq!(generations(&repository), vec![rounds(); VIEWS]);
}

/// A repository with one view, `counters`, over rows that say which row they are.
fn counters(feast: &Feast) -> Repository {
    let repository = Repository::with(&[
        ("feature_store.yaml", &settings("crash", "data/registry.db")),
        ("data/.keep", ""),
        (
            "views.py",
            "from datetime import timedelta\n\
             from feast import Entity, FeatureView, Field, FileSource, ValueType\n\
             from feast.types import Int64\n\
             key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)\n\
             source = FileSource(name=\"rows\", path=\"data/rows.parquet\", timestamp_field=\"event_timestamp\")\n\
             counters = FeatureView(name=\"counters\", entities=[key], ttl=timedelta(0),\n\
             \x20   schema=[Field(name=\"key\", dtype=Int64), Field(name=\"counter\", dtype=Int64)], source=source)\n",
        ),
    ]);
    let (file, keys, days) =
        (repository.file("data/rows.parquet"), KEYS.to_string(), DAYS.to_string());
    feast.script("counter_data.py", &[&file, &keys, &days]);
    repository.fs().ok(&["apply"]);
    repository
}

/// Midnight of a day of the data.
fn midnight(day: usize) -> String {
    format!("2026-01-{:02}T00:00:00", day + 1)
}

/// The last day that the registry says was materialized.
fn recorded_day(repository: &Repository) -> Option<usize> {
    let dump = repository.fs().json(&["registry-dump"]);
    let intervals = dump["featureViews"][0]["meta"]["materializationIntervals"].as_array().cloned();
    let ends = intervals.unwrap_or_default();
    let days = ends.iter().map(|interval| {
        let end = interval["endTime"].as_str().expect("an end");
        end[8..10].parse::<usize>().expect("a day") - 1
    });
    days.max()
}

/// The day that each key's online value is of; `None` where nothing is stored.
fn stored_days(server: &Server) -> Vec<Option<usize>> {
    let keys: Vec<usize> = (0..KEYS).collect();
    let request = json!({"features": ["counters:counter"], "entities": {"key": keys}});
    let answer = server.post("/get-online-features", &request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let names = answer["metadata"]["feature_names"].as_array().expect("names").clone();
    let column = names.iter().position(|name| name == "counter").expect("the feature is answered");
    let values = answer["results"][column]["values"].as_array().expect("values").clone();
    assert_eq!(values.len(), KEYS);
    values.iter().enumerate().map(|(key, value)| day_of(key, value)).collect()
}

fn day_of(key: usize, value: &Value) -> Option<usize> {
    let value = usize::try_from(value.as_u64()?).expect("counters are small");
    assert_eq!(value % 1_000_000, key, "the value of another key");
    Some(value / 1_000_000)
}

#[test]
fn a_materialization_that_is_killed_loses_no_recorded_interval() {
    let repository = counters(&Feast::get());
    let start = Instant::now();
    repository.fs().ok(&["materialize", &midnight(0), &midnight(0)]);
    let whole = start.elapsed();
    for round in 1..=rounds() {
        let day = (round % (DAYS - 1)).max(1);
        let arguments = ["materialize", &midnight(0), &midnight(day)];
        let done = killed_after(&repository, &arguments, delay(round, whole));
        let recorded = recorded_day(&repository);
        assert!(!done || recorded >= Some(day), "round {round}: acknowledged, not recorded");
        let stored = stored_days(&Server::fs(&repository.path()));
        assert!(stored.iter().all(|day| *day >= recorded), "round {round}: recorded, not stored");
    }
    repository.fs().ok(&["materialize", &midnight(0), &midnight(DAYS - 1)]);
    let stored = stored_days(&Server::fs(&repository.path()));
    assert_eq!(stored, vec![Some(DAYS - 1); KEYS]);
}

#[test]
fn a_server_answers_what_another_process_materializes_meanwhile() {
    let repository = counters(&Feast::get());
    let server = Server::fs(&repository.path());
    assert_eq!(stored_days(&server), vec![None; KEYS]);
    let ended = AtomicBool::new(false);
    scope(|threads| {
        threads.spawn(|| {
            for day in 0..DAYS {
                repository.fs().ok(&["materialize", &midnight(0), &midnight(day)]);
            }
            ended.store(true, Ordering::SeqCst);
        });
        let mut before = vec![None; KEYS];
        while !ended.load(Ordering::SeqCst) {
            let now = stored_days(&server);
            assert!(
                before.iter().zip(&now).all(|(before, now)| before <= now),
                "a value went back"
            );
            before = now;
        }
    });
    assert_eq!(stored_days(&server), vec![Some(DAYS - 1); KEYS]);
}

#[test]
fn a_server_takes_up_an_apply_without_dropping_a_request() {
    let repository = counters(&Feast::get());
    repository.fs().ok(&["materialize", &midnight(0), &midnight(1)]);
    let server = Server::fs(&repository.path());
    let ask = |service: &str| {
        let request = json!({"feature_service": service, "entities": {"key": [7]}});
        server.post("/get-online-features", &request)
    };
    assert_eq!(ask("counting").status, 404);
    let definitions = repository.read("views.py");
    let service = "\nfrom feast import FeatureService\n\
        counting = FeatureService(name=\"counting\", features=[counters])\n";
    repository.write("views.py", definitions + service);
    repository.fs().ok(&["apply"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let answer = loop {
        // Whatever the server knows by now, it goes on answering.
        assert_eq!(stored_days(&server), vec![Some(1); KEYS]);
        let answer = ask("counting");
        if answer.status != 404 {
            break answer;
        }
        assert!(Instant::now() < deadline, "the apply was not noticed: {}", server.log());
    };
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["results"][1]["values"], json!([1_000_007]));
}

#[test]
fn a_killed_server_leaves_a_store_that_the_next_one_serves() {
    let repository = counters(&Feast::get());
    let server = Server::fs(&repository.path());
    repository.fs().ok(&["materialize", &midnight(0), &midnight(1)]);
    assert_eq!(stored_days(&server), vec![Some(1); KEYS]);
    server.kill();
    repository.fs().ok(&["materialize", &midnight(0), &midnight(2)]);
    assert_eq!(stored_days(&Server::fs(&repository.path())), vec![Some(2); KEYS]);
}

#[test]
fn projects_that_are_applied_at_once_to_one_registry_all_survive() {
    const PROJECTS: usize = 6;
    let shared = Repository::empty();
    let registry = shared.file("registry.db");
    let repositories: Vec<Repository> = (0..PROJECTS)
        .map(|project| {
            Repository::with(&[
                ("feature_store.yaml", &settings(&format!("project_{project}"), &registry)),
                ("views.py", &definitions(project)),
            ])
        })
        .collect();
    for _ in 0..rounds().div_ceil(4) {
        scope(|threads| {
            for repository in &repositories {
                threads.spawn(|| repository.fs().ok(&["apply"]));
            }
        });
    }
    for (project, repository) in repositories.iter().enumerate() {
        assert_eq!(generations(repository), vec![project; VIEWS], "project {project}");
    }
}

#[test]
fn of_two_applies_of_one_view_at_once_each_is_kept_or_told() {
    let shared = Repository::empty();
    let registry = shared.file("registry.db");
    let repositories: Vec<Repository> = (1..=4)
        .map(|generation| {
            Repository::with(&[
                ("feature_store.yaml", &settings("crash", &registry)),
                ("views.py", &definitions(generation)),
            ])
        })
        .collect();
    let outcomes: Vec<Outcome> = scope(|threads| {
        let running: Vec<_> =
            repositories.iter().map(|r| threads.spawn(|| r.fs().run(&["apply"]))).collect();
        running.into_iter().map(|thread| thread.join().expect("fs ran")).collect()
    });
    let found = generations(&repositories[0]);
    assert_eq!(found.len(), VIEWS);
    assert!(found.iter().all(|generation| *generation == found[0]), "a mixture: {found:?}");
    assert_eq!(outcomes[found[0] - 1].code, Some(0), "what is kept was acknowledged");
    for outcome in outcomes.iter().filter(|outcome| outcome.code != Some(0)) {
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains("error:"), "{}", outcome.stderr);
    }
}

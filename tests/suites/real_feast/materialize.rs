//! `/materialize` and `/materialize-incremental` of both servers over one repository: what they refuse, and why first.

use larder_tests::{Answer, Feast, Repository, Server};
use serde_json::{Value, json};

const STORE: &str = "project: shop\nprovider: local\nregistry: data/registry.db\n\
                     entity_key_serialization_version: 3\nonline_store: {type: sqlite, path: data/online.db}\n";

/// Times, each with a fault of its own, and none.
fn times() -> Vec<Value> {
    vec![
        json!({"start_ts": "2024-02-01", "end_ts": "2024-01-01"}),
        json!({"start_ts": "soon", "end_ts": "2024-01-01"}),
        json!({"start_ts": "2024-01-01", "end_ts": "later"}),
        json!({"start_ts": "", "end_ts": "2024-01-01"}),
        json!({"end_ts": "2024-01-01"}),
        json!({"start_ts": "2024-01-01", "end_ts": ""}),
        json!({"start_ts": "2024-01-01", "end_ts": "2024-02-01"}),
    ]
}

/// Views, each list with a fault of its own but the last.
fn views() -> Vec<Value> {
    vec![
        json!({"feature_views": ["nope"]}),
        json!({"feature_views": ["off", "nope"]}),
        json!({"feature_views": ["nope", "off"]}),
        json!({"feature_views": ["ratios"]}),
        json!({"feature_views": ["offline_only"]}),
        json!({"feature_views": ["nope"], "version": "v1"}),
        json!({"feature_views": ["clicks"], "version": "two"}),
        json!({"feature_views": ["clicks", "off"], "version": "v1"}),
        json!({"version": "v1"}),
        json!({"feature_views": ["clicks"]}),
    ]
}

/// Every pair of them that has a fault.
fn bodies() -> Vec<Value> {
    let (times, views) = (times(), views());
    let pairs = views.iter().flat_map(|views| times.iter().map(move |times| (views, times)));
    let mut bodies: Vec<Value> = pairs
        .map(|(views, times)| {
            let both = [views, times].map(|part| part.as_object().expect("an object").clone());
            Value::Object(both.into_iter().flatten().collect())
        })
        .collect();
    bodies.pop();
    bodies
}

fn outcome(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

fn compare(versioning: bool) {
    let feast = Feast::get();
    let repository = Repository::copy_of("tests/repositories/unmaterializable");
    let registry =
        "registry: {path: data/registry.db, enable_online_feature_view_versioning: true}";
    let settings = if versioning {
        STORE.replace("registry: data/registry.db", registry)
    } else {
        STORE.to_owned()
    };
    repository.write("feature_store.yaml", settings);
    repository.write("larder.yaml", "compat: feast\n");
    repository.fs().ok(&["apply"]);
    let theirs = Server::feast(&feast, &repository.path());
    let ours = Server::fs(&repository.path());
    for body in bodies() {
        for path in ["/materialize", "/materialize?async=true"] {
            let asked = [&theirs, &ours].map(|server| outcome(&server.post(path, &body)));
            assert!(asked[0].0 >= 400, "Feast materializes {body}");
            assert_eq!(asked[1], asked[0], "{path} {body}");
        }
        let Some(end @ ("later" | "")) = body["end_ts"].as_str() else { continue };
        let asked =
            [&theirs, &ours].map(|server| outcome(&server.post("/materialize-incremental", &body)));
        assert_eq!(asked[1], asked[0], "/materialize-incremental until {end} {body}");
    }
}

#[test]
fn of_several_faults_the_one_that_feast_names_is_named() {
    compare(false);
}

#[test]
fn so_it_is_where_views_have_versions() {
    compare(true);
}

//! Feast's own `remote` offline store as the client of `fs serve-offline`.

use std::sync::atomic::{AtomicBool, Ordering};

use larder_tests::{Certificate, Feast, Repository, Server};
use serde_json::{Value, json};

/// A client: the registry of a repository, and the server as its offline store. Its online store is a file of its own.
fn client(repository: &Repository, project: &str, server: &Server, more: &str) -> Repository {
    Repository::with(&[(
        "feature_store.yaml",
        &format!(
            "project: {project}\nprovider: local\nregistry: {}\nentity_key_serialization_version: 3\n\
             online_store: {{type: sqlite, path: online.db}}\n\
             offline_store:\n  type: remote\n  host: localhost\n  port: {}\n{more}",
            repository.file("data/registry.db"),
            server.port()
        ),
    )])
}

fn calls(feast: &Feast, repository: &Repository, calls: &Value) -> Value {
    feast.script("offline_calls.py", &[&repository.file(""), &calls.to_string()])
}

/// Hours ago, as ISO 8601 in UTC.
fn ago(feast: &Feast, hours: u32) -> String {
    let time = feast.script("time_ago.py", &[&hours.to_string()]);
    format!("{}+00:00", time.as_str().expect("a time"))
}

/// An applied shop with a file of its own for saved datasets.
fn shop(feast: &Feast) -> Repository {
    let repository = Repository::shop(feast, "online_store: {type: sqlite, path: data/online.db}");
    let saved = format!(
        "\nsaved_file = FileSource(name=\"{0}\", path=\"{0}\", timestamp_field=\"event_timestamp\")\n\
         saved_folder = FileSource(name=\"{1}\", path=\"{1}\", timestamp_field=\"event_timestamp\")\n",
        repository.file("data/saved.parquet"),
        repository.file("data/saved")
    );
    let sources = repository.read("sources.py");
    repository.write("sources.py", sources + &saved);
    feast.ok(&repository.path(), &["apply"]);
    repository
}

fn shop_retrievals(feast: &Feast) -> Value {
    let (now, month) = (ago(feast, 0), ago(feast, 24 * 29));
    let entities = json!({
        "user_id": ["u1", "u2", "u3", "nobody"], "product_id": ["p1", "p2", "nothing", "p3"],
        "session_device": ["mobile", "desktop", "tablet", "mobile"], "label": [1, 0, 1, 0],
        "event_timestamp": [now, now, now, now],
    });
    let price = "product_features:price";
    let orders = "user_behavior_features:avg_order_value";
    let ratio = "interaction_features:price_vs_avg_order";
    json!([
        {"call": "historical", "features": [price, orders], "entities": entities},
        {"call": "historical", "features": [price, orders], "entities": entities,
         "full_feature_names": true},
        {"call": "historical", "feature_service": "user_profile", "entities": entities},
        {"call": "historical", "feature_service": "recommendation_v1", "entities": entities},
        {"call": "historical", "feature_service": "recommendation_v1", "entities": entities,
         "full_feature_names": true},
        {"call": "historical", "features": [ratio, "product_features:popularity_score"],
         "entities": entities},
        {"call": "historical", "features": [price], "start": month, "end": now},
        {"call": "pull", "view": "product_features", "rows": "latest", "start": month, "end": now},
        {"call": "pull", "view": "product_features", "rows": "all", "start": month, "end": now},
        {"call": "columns", "source": "products_file"},
        {"call": "validate", "source": "user_behavior_file"},
        {"call": "historical", "features": ["no_such_view:price"], "entities": entities},
        {"call": "historical", "features": [ratio],
         "entities": {"user_id": ["u1"], "product_id": ["p1"], "event_timestamp": [now]}},
    ])
}

#[test]
fn training_sets_of_the_shop_are_those_of_feast() {
    let feast = Feast::get();
    let repository = shop(&feast);
    let retrievals = shop_retrievals(&feast);
    let from_feast = calls(&feast, &repository, &retrievals);
    let server = Server::fs_offline(&repository.path(), &[]);
    let from_fs = calls(&feast, &client(&repository, "ecommerce", &server, ""), &retrievals);
    for (index, request) in retrievals.as_array().expect("requests").iter().enumerate() {
        let (left, right) = (&from_feast[index], &from_fs[index]);
        if left.get("error").is_some() {
            assert_eq!(left["error"], right["error"], "{request}: {right}");
        } else {
            assert_eq!(left, right, "{request}");
        }
    }
    assert_eq!(from_fs[0]["rows"].as_array().map(Vec::len), Some(4), "{from_fs}");
    assert_eq!(from_fs[6]["rows"].as_array().map(Vec::len), Some(40), "{from_fs}");
}

#[test]
fn training_sets_of_the_init_template_are_those_of_feast() {
    let feast = Feast::get();
    let folder = Repository::empty();
    feast.ok(&folder.path(), &["init", "template"]);
    let repository = folder.subfolder("template/feature_repo");
    feast.ok(&repository.path(), &["apply"]);
    let now = ago(&feast, 0);
    let entities = json!({
        "driver_id": [1001, 1002, 1003], "val_to_add": [1, 2, 3], "val_to_add_2": [10, 20, 30],
        "event_timestamp": [now, now, now],
    });
    let rate = "driver_hourly_stats:conv_rate";
    let trips = "driver_hourly_stats:avg_daily_trips";
    let plus = "transformed_conv_rate:conv_rate_plus_val1";
    let (none, three) = (json!([rate, trips]), json!([rate, trips, plus]));
    let (week, features) = (ago(&feast, 24 * 7), json!([trips]));
    let retrievals = json!([
        {"call": "historical", "features": none, "entities": entities},
        {"call": "historical", "features": three, "entities": entities},
        {"call": "historical_df", "features": none, "entities": entities},
        {"call": "historical", "feature_service": "driver_activity_v1", "entities": entities},
        {"call": "historical", "features": features, "start": week, "end": now},
        {"call": "columns", "source": "driver_hourly_stats_source"},
    ]);
    let from_feast = calls(&feast, &repository, &retrievals);
    let server = Server::fs_offline(&repository.path(), &[]);
    let from_fs = calls(&feast, &client(&repository, "template", &server, ""), &retrievals);
    assert_eq!(from_fs, from_feast);
    assert!(from_fs[1]["rows"][0][0].is_number(), "{from_fs}");
    // Feast's template logs the served features of this service.
    let logs = json!({"call": "logs", "feature_service": "driver_activity_v1", "rows": 3});
    let before = repository.contents().len();
    let client = client(&repository, "template", &server, "");
    assert_eq!(calls(&feast, &client, &json!([logs, logs])), json!([3, 3]));
    assert_eq!(repository.contents().len(), before + 2, "a file per write");
}

#[test]
fn logs_partitioned_by_columns_are_read_back_as_the_client_wrote_them() {
    let feast = Feast::get();
    let folder = Repository::empty();
    feast.ok(&folder.path(), &["init", "template"]);
    let repository = folder.subfolder("template/feature_repo");
    let definitions = repository.read("feature_definitions.py");
    let start = definitions.find("FileLoggingDestination(path=").expect("a logging destination");
    let end = start + definitions[start..].find(')').expect("its end");
    let destination = format!(
        "FileLoggingDestination(path=\"{}\", partition_by=[\"__log_date\", \"driver_id\"]",
        repository.file("logs")
    );
    let definitions = format!("{}{destination}{}", &definitions[..start], &definitions[end..]);
    repository.write("feature_definitions.py", definitions);
    feast.ok(&repository.path(), &["apply"]);
    let server = Server::fs_offline(&repository.path(), &[]);
    let client = client(&repository, "template", &server, "");
    let logs = |first: u32| {
        json!({"call": "partitioned_logs", "feature_service": "driver_activity_v1",
               "first": first, "rows": 20})
    };
    let at_once = json!({"call": "at_once", "calls": [logs(20), logs(40), logs(60), logs(80)]});
    let whole = json!({"as_written": true, "in_feast": true});
    let answers = calls(&feast, &client, &json!([logs(0), at_once]));
    assert_eq!(answers, json!([whole, [whole, whole, whole, whole]]));
    let logs = repository.subfolder("logs").contents();
    assert_eq!(logs.len(), 100, "a file per write and partition");
}

#[test]
fn rows_written_pushed_and_saved_through_the_client_are_there() {
    let feast = Feast::get();
    let repository = shop(&feast);
    let server = Server::fs_offline(&repository.path(), &[]);
    let client = client(&repository, "ecommerce", &server, "");
    let now = ago(&feast, 0);
    let product = |id: &str, price: f64| {
        json!({"product_id": [id], "category": ["books"], "price": [price],
               "popularity_score": [0.5], "event_timestamp": [now], "created": [now]})
    };
    let ask =
        |ids: &[&str]| json!({"product_id": ids, "event_timestamp": vec![now.clone(); ids.len()]});
    let price = json!(["product_features:price"]);
    let saved = |name: &str, path: &str, ids: &[&str], overwrite: bool| {
        json!({"call": "save", "name": name, "path": repository.file(path), "features": price,
               "entities": ask(ids), "allow_overwrite": overwrite})
    };
    let answers = calls(
        &feast,
        &client,
        &json!([
            {"call": "write", "view": "product_features", "rows": product("written", 12.5)},
            {"call": "push", "source": "product_push", "rows": product("pushed", 7.25)},
            {"call": "historical", "features": price, "entities": ask(&["pushed", "written"])},
            saved("one", "data/saved.parquet", &["pushed"], false),
            saved("two", "data/saved", &["pushed", "written"], false),
            saved("two_again", "data/saved", &["pushed"], false),
            saved("three", "data/saved", &["written"], true),
            saved("four", "data/unknown.parquet", &["written"], true),
        ]),
    );
    assert_eq!(answers[0], Value::Null, "{answers}");
    assert_eq!(answers[1], Value::Null, "{answers}");
    let column = |index: usize, name: &str| {
        let names = answers[index]["columns"].as_array().expect("columns");
        let position = names.iter().position(|known| known == name).expect("the column");
        let rows = answers[index]["rows"].as_array().expect("rows").iter();
        let mut values: Vec<f64> = rows.filter_map(|row| row[position].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    assert_eq!(column(2, "price"), [7.25, 12.5], "{answers}");
    assert_eq!(column(3, "price"), [7.25], "{answers}");
    assert_eq!(column(4, "price"), [7.25, 12.5], "{answers}");
    assert_eq!(answers[5]["error"], "SavedDatasetLocationAlreadyExists", "{answers}");
    assert_eq!(column(6, "price"), [12.5], "{answers}");
    assert_eq!(answers[7]["error"], "DataSourceObjectNotFoundException", "{answers}");
}

#[test]
fn a_client_materializes_from_the_server_what_it_materializes_from_files() {
    let feast = Feast::get();
    let repository = shop(&feast);
    let server = Server::fs_offline(&repository.path(), &[]);
    let client = client(&repository, "ecommerce", &server, "");
    // With the tables that `feast apply` made.
    let tables = std::fs::copy(repository.file("data/online.db"), client.file("online.db"));
    tables.expect("an online store can be copied");
    let (start, end) = (ago(&feast, 24 * 29), ago(&feast, 0));
    let materialize = json!([{"call": "materialize", "start": start, "end": end,
                              "views": ["product_features", "user_behavior_features"]}]);
    let request = json!([{
        "features": ["product_features:price", "user_behavior_features:avg_order_value",
                     "user_behavior_features:total_purchases_30d"],
        "entities": {"product_id": ["p1", "p2", "nothing"], "user_id": ["u1", "u2", "u3"]},
    }])
    .to_string();
    let [from_server, from_files] = [&client, &repository].map(|reader| {
        assert_eq!(calls(&feast, reader, &materialize), json!([null]));
        feast.script("online_read.py", &[&reader.file(""), &request])
    });
    assert_eq!(from_server, from_files);
    assert!(from_server[0]["price"][0].is_number(), "{from_server}");
}

#[test]
fn a_large_table_is_one_batch_and_reads_run_at_once() {
    let feast = Feast::get();
    let repository = shop(&feast);
    let server = Server::fs_offline(&repository.path(), &[]);
    let client = client(&repository, "ecommerce", &server, "");
    let now = ago(&feast, 0);
    let large = |count: usize| {
        json!({"call": "large", "count": count, "key": "product_id", "keys": ["p1", "p2", "nothing"],
               "at": now, "features": ["product_features:price", "product_features:category"]})
    };
    let eight = json!({"call": "at_once", "calls": vec![large(3_000); 8]});
    let answers = calls(&feast, &client, &json!([large(600_000), eight]));
    assert_eq!(answers[0], json!({"rows": 600_000, "nulls": 200_000}));
    assert_eq!(answers[1], json!(vec![json!({"rows": 3_000, "nulls": 1_000}); 8]));
}

#[test]
fn tokens_and_tls_are_those_of_feasts_client() {
    let feast = Feast::get();
    let repository = shop(&feast);
    Certificate::new().write(&repository.path());
    repository.write("larder.yaml", "serving: {offline: {token: open sesame}}\n");
    let keys = ["--key", "key.pem", "--cert", "cert.pem"];
    let server = Server::fs_offline(&repository.path(), &keys);
    let read = json!([{"call": "columns", "source": "products_file"}]);
    let tls = format!(
        "  scheme: https\n  connection_retries: 0\n  cert: {}\n",
        repository.file("cert.pem")
    );
    let answer = |more: &str| {
        calls(&feast, &client(&repository, "ecommerce", &server, more), &read)[0].clone()
    };
    let with = |token: &str| format!("{tls}auth: {{type: oidc, token: \"{token}\"}}\n");
    let opened = answer(&with("open sesame"));
    assert_eq!(opened[0], json!(["category", "string"]), "{opened}");
    for refused in [with("open, please"), tls.clone()] {
        assert_eq!(answer(&refused)["error"], "FlightUnauthenticatedError");
    }
    let plain = "  connection_retries: 0\nauth: {type: oidc, token: open sesame}\n";
    assert_eq!(answer(plain)["error"], "FlightUnavailableError");
}

/// Feast's own server kept two of eight rows that were written at once, and said four times that all was well.
#[test]
fn writers_at_once_through_flight_and_http_lose_nothing() {
    let feast = Feast::get();
    let repository = shop(&feast);
    let (offline, online) =
        (Server::fs_offline(&repository.path(), &[]), Server::fs(&repository.path()));
    let client = client(&repository, "ecommerce", &offline, "");
    let (start, now) = (ago(&feast, 24 * 29), ago(&feast, 0));
    let product = |id: String| {
        json!({"product_id": [id], "category": ["books"], "price": [1.5],
               "popularity_score": [0.5], "event_timestamp": [now], "created": [now]})
    };
    let writes: Vec<Value> = (0..8)
        .map(|writer| {
            let rows = product(format!("written{writer}"));
            json!({"call": "write", "view": "product_features", "rows": rows})
        })
        .collect();
    let all = json!([{"call": "at_once", "calls": writes}]);
    let is_done = AtomicBool::new(false);
    let (written, pushed) = std::thread::scope(|scope| {
        // Pushes go on for as long as the clients write.
        let pushers: Vec<_> = (0..8)
            .map(|pusher| {
                let (online, is_done, product) = (&online, &is_done, &product);
                scope.spawn(move || {
                    let mut pushed = 0;
                    while pushed == 0 || !is_done.load(Ordering::Relaxed) {
                        let rows = product(format!("pushed{pusher}-{pushed}"));
                        let push = json!({"push_source_name": "product_push", "df": rows,
                                          "to": "offline"});
                        assert_eq!(online.post("/push", &push).status, 200);
                        pushed += 1;
                    }
                    pushed
                })
            })
            .collect();
        let written = calls(&feast, &client, &all);
        is_done.store(true, Ordering::Relaxed);
        let pushed: usize = pushers.into_iter().map(|it| it.join().expect("it pushed")).sum();
        (written, pushed)
    });
    assert_eq!(written[0], json!(vec![Value::Null; 8]));
    let pull = json!([{"call": "pull", "view": "product_features", "rows": "all",
                       "start": start, "end": ago(&feast, 0)}]);
    let answer = calls(&feast, &client, &pull);
    let rows = answer[0]["rows"].as_array().expect("rows");
    let count = |word: &str| rows.iter().filter(|row| row.to_string().contains(word)).count();
    assert_eq!((count("written"), count("pushed")), (8, pushed));
}

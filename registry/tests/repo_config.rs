//! Layers of configuration: what is accepted, what is refused and where each value came from.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use larder_core::{ErrorKind, Result};
use larder_registry::repo_config::{
    Compat, FixedEnvironment, Flag, LoadOptions, OfflineStoreConfig, OnlineStoreConfig, Origin,
    RedisLayout, RepoConfig,
};

/// A repository folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn options(folder: &Path) -> LoadOptions {
    LoadOptions { repo_path: folder.to_owned(), ..LoadOptions::default() }
}

fn load_with<const N: usize>(
    files: &[(&str, &str)],
    environment: [(&str, &str); N],
) -> Result<RepoConfig> {
    let folder = folder(files);
    RepoConfig::load(&options(folder.path()), &FixedEnvironment::from(environment))
}

fn load(feature_store: &str) -> Result<RepoConfig> {
    load_with(&[("feature_store.yaml", feature_store)], [])
}

const BASE: &str = "project: shop\nregistry: data/registry.db\n";

fn origin_of(config: &RepoConfig, key: &str) -> (String, String) {
    let setting = config.settings().iter().find(|setting| setting.key == key).unwrap();
    (setting.value.clone(), setting.origin.to_string())
}

#[test]
fn a_folder_without_files_gets_defaults_that_work() {
    let config = load_with(&[], []).unwrap();
    assert!(config.files.is_empty());
    assert!(config.project.starts_with("shop"));
    let registry = config.registry.local_path(&config.repo_path).unwrap();
    assert_eq!(registry, config.repo_path.join("data/registry.db"));
    let OnlineStoreConfig::Embedded(store) = config.online_store.unwrap() else { panic!() };
    assert_eq!(store.path, config.repo_path.join("data/online_store"));
    assert_eq!((config.serving.http_port, config.serving.grpc_port), (6566, 6567));
}

#[test]
fn the_online_store_is_feasts_when_named_and_embedded_when_not() {
    for (text, expected) in [
        ("", "embedded"),
        ("online_store: sqlite\n", "sqlite"),
        ("online_store:\n  path: x.db\n", "sqlite"),
        ("online_store: {}\n", "sqlite"),
        ("online_store:\n  type: redis\n  connection_string: h:1\n", "redis"),
        ("online_store:\n  type: scylladb\n  hosts: [a, b]\n", "scylladb"),
        ("online_store: redis\n", "redis"),
        ("online_store:\n  type: postgres\n  host: h\n  anything: 1\n", "postgres"),
    ] {
        let config = load(&format!("{BASE}{text}")).unwrap();
        assert_eq!(config.online_store.unwrap().type_name(), expected, "{text}");
    }
    assert_eq!(load(&format!("{BASE}online_store: null\n")).unwrap().online_store, None);
    let files = [("feature_store.yaml", BASE), ("larder.yaml", "compat: feast\n")];
    let config = load_with(&files, []).unwrap();
    assert_eq!(config.online_store.unwrap().type_name(), "sqlite");
    assert_eq!((config.compat, config.guard), (Compat::Feast, false));
}

#[test]
fn wrong_settings_name_file_line_and_key() {
    let cases = [
        ("registry: r\n", 0, "project"),
        ("project: p\n", 0, "registry"),
        ("project: 12\nregistry: r\n", 1, "project"),
        ("project: a-b\nregistry: r\n", 1, "project"),
        ("project: _a\nregistry: r\n", 1, "project"),
        (
            "project: p\nregistry: r\nonline_store:\n  type: sqlite\n  pth: x\n",
            5,
            "online_store.pth",
        ),
        ("project: p\nregistry: r\nonline_store:\n  map_size: 1\n", 4, "online_store.map_size"),
        ("project: p\nregistry: r\nonline_store:\n  type: scylladb\n", 4, "hosts"),
        ("project: p\nregistry: r\noffline_store:\n  type: dask\n  x: 1\n", 5, "offline_store.x"),
        ("project: p\nregistry:\n  registry_type: files\n", 3, "registry.registry_type"),
        (
            "project: p\nregistry:\n  path: r\n  cache_ttl_seconds: ten\n",
            4,
            "registry.cache_ttl_seconds",
        ),
        ("project: p\nregistry: r\nauth:\n  type: basic\n", 4, "auth.type"),
        (
            "project: p\nregistry: r\nmaterialization:\n  online_write_batch_size: 0\n",
            4,
            "online_write_batch_size",
        ),
        ("project: p\n  registry: r\n", 2, "YAML"),
        ("- a\n- b\n", 0, "map"),
        ("", 0, "empty"),
    ];
    for (text, line, word) in cases {
        let error = load(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert!(error.to_string().contains(word), "{text}: {error}");
        if line > 0 {
            let place = error.location().unwrap();
            assert_eq!(
                (place.file.as_str(), place.line),
                ("feature_store.yaml", line),
                "{text}: {error}"
            );
        }
    }
}

#[test]
fn a_misspelt_key_inside_a_store_is_an_error_with_a_suggestion() {
    let error =
        load(&format!("{BASE}online_store:\n  type: redis\n  conection_string: h\n")).unwrap_err();
    assert!(error.hint().unwrap().contains("connection_string"));
}

#[test]
fn a_misspelt_key_at_the_top_is_only_a_warning() {
    let config =
        load(&format!("{BASE}onlin_store: sqlite\nteam: growth\nserving: {{}}\n")).unwrap();
    assert_eq!(config.warnings.len(), 2);
    assert!(config.warnings[0].contains("online_store"), "{}", config.warnings[0]);
    assert!(config.warnings[1].contains("larder.yaml"), "{}", config.warnings[1]);
}

#[test]
fn larder_yaml_adds_to_the_store_of_the_same_type_and_replaces_another() {
    let redis = format!("{BASE}online_store:\n  type: redis\n  connection_string: h:1\n");
    let config = load_with(
        &[("feature_store.yaml", &redis), ("larder.yaml", "online_store:\n  layout: packed\n")],
        [],
    )
    .unwrap();
    let Some(OnlineStoreConfig::Redis(store)) = config.online_store else { panic!() };
    assert_eq!(
        (store.connection_string.expose().as_str(), store.layout),
        ("h:1", RedisLayout::Packed)
    );

    let larder = "online_store:\n  type: embedded\n  map_size: 64MiB\nserving:\n  http_port: 0\n";
    let config = load_with(&[("feature_store.yaml", &redis), ("larder.yaml", larder)], []).unwrap();
    let Some(OnlineStoreConfig::Embedded(store)) = config.online_store else { panic!() };
    assert_eq!((store.map_size.0, config.serving.http_port), (64 << 20, 0));
}

#[test]
fn larder_yaml_is_strict() {
    for (text, line) in [
        ("compatt: feast\n", 1),
        ("compat: postgres\n", 1),
        ("serving:\n  limits:\n    entity_row: 5\n", 3),
        ("serving:\n  http_port: 70000\n", 2),
        ("online_store:\n  type: embedded\n  connection_string: x\n", 3),
        ("transform:\n  python_worker: {}\n", 2),
        ("transform:\n  python_workers:\n    counts: 2\n", 3),
        ("transform:\n  python_workers:\n    count: 0\n", 3),
        ("transform:\n  python_workers:\n    timeout_ms: 0\n", 3),
        ("transform:\n  python_workers:\n    memory_limit: much\n", 3),
        ("stream:\n  kafka:\n    brokers: a:9092\n", 3),
        ("stream:\n  kafka:\n    replication: 0\n", 3),
        ("stream:\n  kafka:\n    security_protocol: tls\n", 3),
        ("stream:\n  kafka:\n    security_protocol: sasl_ssl\n    sasl_username: u\n", 4),
        ("stream:\n  kafka:\n    sasl_username: u\n    sasl_password: p\n", 3),
    ] {
        let error =
            load_with(&[("feature_store.yaml", BASE), ("larder.yaml", text)], []).unwrap_err();
        let place = error.location().unwrap();
        assert_eq!((place.file.as_str(), place.line), ("larder.yaml", line), "{error}");
    }
}

#[test]
fn flags_win_over_environment_over_larder_yaml_over_feature_store_yaml() {
    let yaml = format!("{BASE}online_store:\n  type: redis\n  connection_string: file:1\n");
    let folder = folder(&[
        ("feature_store.yaml", &yaml),
        ("larder.yaml", "serving:\n  http_port: 1\n  grpc_port: 2\n"),
    ]);
    let environment = FixedEnvironment::from([
        ("FS_HTTP_PORT", "11"),
        ("FS_GRPC_PORT", "12"),
        ("FS_ONLINE_STORE_CONNECTION_STRING", "env:1,password=pw"),
        ("FS_GUARD", "0"),
    ]);
    let mut options = options(folder.path());
    options.flags =
        vec![Flag { name: "--port", path: &["serving", "http_port"], value: "21".to_owned() }];
    let config = RepoConfig::load(&options, &environment).unwrap();
    assert_eq!((config.serving.http_port, config.serving.grpc_port, config.guard), (21, 12, false));
    for (key, value, origin) in [
        ("serving.http_port", "21", "flag --port"),
        ("serving.grpc_port", "12", "environment FS_GRPC_PORT"),
        ("online_store.type", "redis", "feature_store.yaml:4"),
        (
            "online_store.connection_string",
            "env:1,password=***",
            "environment FS_ONLINE_STORE_CONNECTION_STRING",
        ),
        ("serving.registry_port", "6570", "default"),
        ("registry.path", "data/registry.db", "feature_store.yaml:2"),
    ] {
        assert_eq!(origin_of(&config, key), (value.to_owned(), origin.to_owned()));
    }
    assert!(!format!("{config:?}").contains("pw"), "a secret must not be printed");
}

#[test]
fn a_wrong_environment_variable_is_named() {
    let error = load_with(&[("feature_store.yaml", BASE)], [("FS_HTTP_PORT", "many")]).unwrap_err();
    assert!(error.to_string().contains("FS_HTTP_PORT"), "{error}");
}

#[test]
fn variables_in_the_text_are_expanded_before_yaml_is_read() {
    let yaml = "project: $NAME\nregistry: ${DIR}/r.db\nproject_description: $UNSET stays\n";
    let config =
        load_with(&[("feature_store.yaml", yaml)], [("NAME", "shop"), ("DIR", "/srv")]).unwrap();
    assert_eq!(config.project, "shop");
    assert_eq!(config.registry.path.expose(), "/srv/r.db");
    assert_eq!(config.project_description, "$UNSET stays");
}

#[test]
fn the_file_may_come_from_a_flag_the_environment_or_base64() {
    let elsewhere = folder(&[("other.yaml", "project: other\nregistry: r\n")]);
    let path = elsewhere.path().join("other.yaml");
    let folder = folder(&[("feature_store.yaml", BASE)]);
    let environment = FixedEnvironment::from([
        ("FEAST_FS_YAML_FILE_PATH", path.to_str().unwrap()),
        ("FEATURE_STORE_YAML_BASE64", "cHJvamVjdDogYjY0CnJlZ2lzdHJ5OiByCg=="),
    ]);
    let mut options = options(folder.path());
    assert_eq!(RepoConfig::load(&options, &environment).unwrap().project, "other");
    options.allow_base64 = true;
    assert_eq!(RepoConfig::load(&options, &environment).unwrap().project, "b64");
    options.feature_store_yaml = Some(folder.path().join("feature_store.yaml"));
    let config = RepoConfig::load(&options, &environment).unwrap();
    assert_eq!(config.project, "shop");
    options.feature_store_yaml = Some(folder.path().join("absent.yaml"));
    assert_eq!(RepoConfig::load(&options, &environment).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn local_and_remote_offline_stores_are_told_apart() {
    let config = load(&format!("{BASE}offline_store: file\n")).unwrap();
    assert!(matches!(config.offline_store, OfflineStoreConfig::Local { .. }));
    let config = load(&format!("{BASE}offline_store:\n  type: remote\n  host: h\n")).unwrap();
    assert!(matches!(config.offline_store, OfflineStoreConfig::Remote { port: None, .. }));
}

#[test]
fn a_cluster_is_named_by_host_and_port() {
    let section = |keys: &str| format!("{BASE}offline_store:\n  type: ballista\n{keys}");
    let config = load(&section("  scheduler: head:50050\n  s3: {region: r}\n")).unwrap();
    let OfflineStoreConfig::Ballista { scheduler, partitions, s3 } = &config.offline_store else {
        panic!("no cluster")
    };
    assert_eq!((scheduler.as_str(), *partitions), ("head:50050", 8));
    assert_eq!(s3.region.as_deref(), Some("r"));
    for wrong in [
        "",
        "  scheduler: head\n",
        "  scheduler: http://head:50050\n",
        "  scheduler: head:0\n",
        "  scheduler: head:50050\n  partitions: 0\n",
        "  scheduler: head:50050\n  executors: 2\n",
    ] {
        assert_eq!(load(&section(wrong)).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn larder_yaml_says_how_s3_is_reached_and_shows_no_key() {
    let larder = "offline_store:\n  s3: {endpoint: \"http://h:9\", access_key_id: AKIAHUSH, \
        secret_access_key: hush, timeout_ms: 7}\n";
    let config = load_with(&[("feature_store.yaml", BASE), ("larder.yaml", larder)], []).unwrap();
    let OfflineStoreConfig::Local { s3, .. } = &config.offline_store else { panic!("not local") };
    assert_eq!(s3.endpoint.as_deref(), Some("http://h:9"));
    assert_eq!(s3.timeout, Duration::from_millis(7));
    assert_eq!(s3.keys.as_ref().unwrap().1.expose(), "hush");
    let shown = format!("{config:?} {:?}", config.settings()).to_lowercase();
    assert!(!shown.contains("hush"));
    for wrong in ["{secret_access_key: hush}", "{timeout_ms: 0}", "{endpont: h}"] {
        let larder = format!("offline_store:\n  s3: {wrong}\n");
        let files = [("feature_store.yaml", BASE), ("larder.yaml", larder.as_str())];
        assert_eq!(load_with(&files, []).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
    // Feast knows no such key.
    let feast = format!("{BASE}offline_store:\n  type: file\n  s3: {{region: r}}\n");
    assert_eq!(load(&feast).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn only_local_paths_are_files() {
    for (path, local) in
        [("data/r.db", true), ("/abs/r.db", true), ("s3://b/k", false), ("gs://b/k", false)]
    {
        let config = load(&format!("project: p\nregistry: {path}\n")).unwrap();
        assert_eq!(config.registry.local_path(&config.repo_path).is_some(), local, "{path}");
    }
}

#[test]
fn garbage_is_refused() {
    let big = "x: y\n".repeat(300_000);
    assert_eq!(load(&big).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(load("\u{0}\u{1}: [").unwrap_err().kind(), ErrorKind::Invalid);
    let origin = Origin::Default;
    assert_eq!(origin.to_string(), "default");
}

#[test]
fn tls_files_are_absolute_and_come_in_pairs() {
    let larder = "serving:\n  tls: {key: k.pem, cert: c.pem}\n";
    let config = load_with(&[("larder.yaml", larder)], [("FS_TLS_KEY", "/keys/k.pem")]).unwrap();
    let tls = config.serving.tls.unwrap();
    assert_eq!(tls.key, Path::new("/keys/k.pem"));
    assert_eq!(tls.certificate, config.repo_path.join("c.pem"));
    let error = load_with(&[], [("FS_TLS_CERT", "c.pem")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.hint().is_some());
}

#[test]
fn python_workers_are_off_until_their_section_is_there() {
    let load = |larder: &str| load_with(&[("larder.yaml", larder)], []).unwrap();
    for larder in ["", "transform: {}\n", "transform:\n  python_workers:\n"] {
        assert_eq!(load(larder).transform.python_workers, None, "{larder}");
    }
    let config = load("transform: {python_workers: {}}\n");
    let workers = config.transform.python_workers.unwrap();
    assert_eq!((workers.count, workers.queue, workers.memory_limit.0), (2, 64, 512 << 20));
    assert_eq!(
        (workers.python.as_path(), workers.timeout.as_millis()),
        (Path::new("python3"), 1000)
    );

    let config = load("transform: {python_workers: {python: venv/bin/python, count: 1}}\n");
    let workers = config.transform.python_workers.unwrap();
    assert_eq!(workers.python, config.repo_path.join("venv/bin/python"));
}

#[test]
fn the_password_of_a_broker_comes_from_the_environment_and_is_shown_nowhere() {
    let larder = "stream:\n  kafka:\n    bootstrap_servers: a:9092\n    security_protocol: SASL_SSL\n    \
                  sasl_mechanism: PLAIN\n    sasl_username: larder\n    sasl_password: ${PASSWORD}\n    \
                  properties: {ssl.key.password: hidden-key, fetch.max.bytes: 1000}\n";
    let files = [("feature_store.yaml", BASE), ("larder.yaml", larder)];
    let variables = [("PASSWORD", "opensesame"), ("FS_KAFKA_BOOTSTRAP_SERVERS", "b:9092")];
    let config = load_with(&files, variables).unwrap();
    let kafka = config.stream.kafka.as_ref().unwrap();
    assert_eq!((kafka.bootstrap_servers.as_deref(), kafka.replication), (Some("b:9092"), 3));
    let expected = [
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "larder"),
        ("sasl.password", "opensesame"),
        ("fetch.max.bytes", "1000"),
        ("ssl.key.password", "hidden-key"),
    ];
    assert_eq!(kafka.client_properties(), expected);
    let shown = format!("{:?} {config:?}", config.settings());
    assert!(!shown.contains("opensesame") && !shown.contains("hidden-key"), "{shown}");
    assert_eq!(load_with(&[("feature_store.yaml", BASE)], []).unwrap().stream.kafka, None);
}

#[test]
fn the_state_of_streams_is_in_a_bucket_or_a_folder() {
    let state = |text: &str| {
        let larder = format!("stream: {{state: '{text}'}}\n");
        let files = [("feature_store.yaml", BASE), ("larder.yaml", larder.as_str())];
        load_with(&files, []).map(|config| config.stream.state)
    };
    for text in ["s3://lake/streams", "/mnt/shared/streams", "data/state"] {
        assert_eq!(state(text).unwrap().as_deref(), Some(text));
    }
    for text in ["s3:///streams", "gs://lake/streams", "s3://AKIA:hush@lake/streams"] {
        let error = state(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("hush"));
    }
}

#[test]
fn materialization_is_set_in_either_file() {
    let config = load(&format!("{BASE}materialization: {{online_write_batch_size: 7}}\n")).unwrap();
    let unset = &config.materialization;
    assert_eq!((unset.overlap.0.as_secs(), unset.memory_limit, &unset.state), (0, None, &None));
    assert_eq!(unset.checkpoint_interval.0.as_millis(), 500);
    let larder = "materialization: {overlap: 1h30m, memory_limit: 256MiB, state: data/runs, \
                  checkpoint_interval: 0s}\n";
    let config = load_with(&[("larder.yaml", larder)], []).unwrap();
    let set = &config.materialization;
    assert_eq!(set.overlap.0.as_secs(), 5_400);
    assert!(set.checkpoint_interval.0.is_zero());
    assert_eq!(set.memory_limit.map(|limit| limit.0), Some(256 << 20));
    assert_eq!(set.state, Some(config.repo_path.join("data/runs")));
    for wrong in
        ["overlap: soon", "memory_limit: 0", "memory_limit: much", "state: ''", "overlapp: 1h"]
    {
        let larder = format!("materialization:\n  {wrong}\n");
        let error = load_with(&[("larder.yaml", &larder)], []).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong}");
        assert!(error.to_string().contains("larder.yaml:2"), "{error}");
    }
}

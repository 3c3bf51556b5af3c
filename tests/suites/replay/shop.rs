//! The recorded repository, served from the stores that Feast recorded with.

use larder_tests::{RedisServer, Repository, Server};
use serde_json::Value;

/// A server over an empty store, and what it needs.
pub(crate) struct Shop {
    pub(crate) server: Server,
    _repository: Repository,
    _redis: Option<RedisServer>,
}

impl Shop {
    pub(crate) fn on_redis() -> Self {
        let redis = RedisServer::start(&[]);
        let store = format!("type: redis\n  connection_string: {}", redis.address());
        Self::open(&store, Some(redis))
    }

    pub(crate) fn on_sqlite() -> Self {
        Self::open("type: sqlite\n  path: data/online.db", None)
    }

    fn open(online_store: &str, redis: Option<RedisServer>) -> Self {
        let repository = Repository::copy_of("tests/vectors/online/serving");
        let settings = format!(
            "project: shop\nprovider: local\nregistry: data/registry.db\n\
             entity_key_serialization_version: 3\nonline_store:\n  {online_store}\n"
        );
        repository.write("feature_store.yaml", settings);
        repository.write("larder.yaml", "compat: feast\n");
        repository.fs().ok(&["apply"]);
        let server = Server::fs(&repository.path());
        Self { server, _repository: repository, _redis: redis }
    }
}

/// A recording among the vectors.
pub(crate) fn recording(name: &str) -> Vec<Value> {
    let path = Repository::workspace().join("tests/vectors/online").join(name);
    let text = std::fs::read_to_string(path).expect("the recording can be read");
    let recording: Value = serde_json::from_str(&text).expect("JSON");
    recording["exchanges"].as_array().expect("exchanges").clone()
}

/// The recording of everything else.
pub(crate) fn misc() -> Value {
    let path = Repository::workspace().join("tests/vectors/online/misc.json");
    let text = std::fs::read_to_string(path).expect("the recording can be read");
    serde_json::from_str(&text).expect("JSON")
}

/// The rows that were there when a store was recorded: those that the exchanges of `http.json` wrote.
pub(crate) fn stock(shop: &Shop, online_store: &str) {
    for exchange in recording("http.json") {
        let request = &exchange["request"];
        let path = request["path"].as_str().unwrap_or_default();
        let writes = matches!(path, "/push" | "/write-to-online-store");
        if writes && exchange["online_store"] == online_store {
            shop.server.post(path, &request["json"]);
        }
    }
}

/// Columns of an answer by name: inside a view Feast's order is that of a Python set, random per process.
pub(crate) fn by_name(answer: &Value, names: &Value) -> Value {
    let (Some(results), Some(names)) = (answer["results"].as_array(), names.as_array()) else {
        return answer.clone();
    };
    assert_eq!(results.len(), names.len(), "a column per name: {answer}");
    let columns = names.iter().zip(results);
    let columns = columns.map(|(name, column)| {
        let name = name.as_str().expect("names are texts").to_owned();
        (name, column.clone())
    });
    let mut answer = answer.clone();
    answer["results"] = Value::Object(columns.collect());
    answer["metadata"]["feature_names"] = Value::Null;
    answer
}

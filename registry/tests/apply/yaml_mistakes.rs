//! What is wrong in YAML definitions, by file, line and key.

use larder_core::ErrorKind;
use larder_proto::wire::registry_file::RegistryFile;

use crate::shop::Repository;

const STORE: (&str, &str) = ("feature_store.yaml", "project: shop\nregistry: data/registry.db\n");

/// Two views, a source and an entity that the documents may name.
const KNOWN: &str = "kind: entity\nname: user\nvalue_type: Int64\n---\n\
    kind: file_source\nname: events\npath: e.parquet\ntimestamp_field: ts\n---\n\
    kind: request_source\nname: basket\nschema: {total: Float64}\n---\n\
    kind: feature_view\nname: behavior\nentities: [user]\nsource: events\nschema: {views: Int64}\n";

/// Document, line and what the error or its hint says.
const MISTAKES: [(&str, u32, &[&str]); 48] = [
    ("kind: entty\nname: e\n", 1, &["kind", "entity"]),
    ("kind: saved_dataset\nname: e\n", 1, &["retrieval"]),
    ("kind: entity\n", 1, &["name"]),
    ("kind: entity\nname: e\ndescripton: x\n", 3, &["descripton", "description"]),
    ("kind: entity\nname: e\nvalue_type: INT46\n", 3, &["value_type"]),
    ("kind: entity\nname: e\nvalue_type: 'Int46'\n", 3, &["value_type", "Int64"]),
    ("kind: entity\nname: e\njoin_keys: [a, b]\n", 1, &["join key"]),
    ("kind: entity\nname: e\n---\nname: f\n", 4, &["kind"]),
    ("kind: entity\nname: 12\n", 2, &["name", "quotes"]),
    ("kind: entity\n  name: e\n", 2, &["YAML"]),
    ("kind: file_source\nname: s\n", 1, &["path"]),
    ("kind: file_source\npath: s\nfile_format: parqet\n", 3, &["file_format", "parquet"]),
    ("kind: file_source\npath: s\nevent_timestamp_column: ts\n", 3, &["event_timestamp_column"]),
    ("kind: file_source\npath: s\nfield_mapping: [a]\n", 3, &["field_mapping", "map"]),
    ("kind: push_source\nname: p\nbatch_source: event\n", 3, &["batch_source", "events"]),
    ("kind: push_source\nname: p\nbatch_source: p\n", 1, &["itself"]),
    ("kind: kafka_source\nname: k\ntimestamp_field: t\n", 1, &["message_format"]),
    (
        "kind: kafka_source\nname: k\ntimestamp_field: t\nmessage_format: {jsn: x}\n",
        4,
        &["message_format", "json"],
    ),
    (
        "kind: kafka_source\nname: k\ntimestamp_field: t\nmessage_format: {json: x, avro: y}\n",
        4,
        &["message_format", "exactly one"],
    ),
    ("kind: snowflake_source\nname: s\n", 1, &["table or a query"]),
    ("kind: spark_source\nname: s\npath: p\n", 1, &["file_format"]),
    (
        "kind: spark_source\nname: s\npath: p\ntable_format: {iceberg: {catlog: c}}\n",
        4,
        &["table_format.iceberg.catlog", "catalog"],
    ),
    ("kind: ray_source\nname: s\nreader_type: excel\n", 1, &["reader_type", "parquet"]),
    ("kind: feature_view\nname: v\nsource: nope\n", 3, &["source", "nope"]),
    ("kind: feature_view\nname: v\nsource: event\n", 3, &["source", "events"]),
    ("kind: feature_view\nname: v\nttl: 7x\nsource: {path: p}\n", 3, &["ttl", "36h"]),
    ("kind: feature_view\nname: v\nsource: {path: p, pth: q}\n", 3, &["source.pth"]),
    ("kind: feature_view\nname: v\nsource: {kind: entity, name: e}\n", 3, &["no data source"]),
    ("kind: feature_view\nname: v\nentities: [usr]\nsource: events\n", 3, &["entities[0]", "user"]),
    (
        "kind: feature_view\nname: v\nsource: events\nschema:\n  - {name: a, dtype: Int64}\n  - {name: b, dtype: Array(Nope)}\n",
        6,
        &["schema[1].dtype", "Nope"],
    ),
    (
        "kind: feature_view\nname: v\nsource: events\nschema: {a: {Struct: {}}}\n",
        4,
        &["schema.a", "at least one"],
    ),
    (
        "kind: feature_view\nname: v\nsource: events\nschema: {a: {Struct: {b: Nope}}}\n",
        4,
        &["schema.a.Struct.b", "Nope"],
    ),
    (
        "kind: feature_view\nname: v\nsource: events\nschema: {a: {List: Int64}}\n",
        4,
        &["schema.a", "Struct"],
    ),
    (
        "kind: feature_view\nname: v\nsource_views: [behaviour]\n",
        3,
        &["source_views[0]", "behavior"],
    ),
    ("kind: feature_view\nname: v\nsource_views: [behavior]\n", 1, &["sink_source"]),
    ("kind: feature_view\nname: v\nsource_views: [v]\nsink_source: events\n", 1, &["itself"]),
    (
        "kind: feature_view\nname: v\nsource: events\nsource_views: [behavior]\n",
        4,
        &["source_views", "sink_source"],
    ),
    ("kind: stream_feature_view\nname: v\nsource: events\n", 1, &["stream source"]),
    ("kind: label_view\nname: v\nsource: events\nconflict_policy: oldest\n", 4, &["MAJORITY_VOTE"]),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [bascet]\nschema: {a: Int64}\nexpressions: {a: x}\n",
        3,
        &["sources[0]", "basket"],
    ),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [basket]\nschema: {a: Int64}\nexpressions: {b: x}\n",
        5,
        &["expressions", "a"],
    ),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [basket]\nschema: {a: Int64}\n",
        1,
        &["function", "SQL"],
    ),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [basket]\nschema: {a: Int64}\nfunction: |\n\n  # doubles\n  def f(x):\n    return x +\n",
        9,
        &["syntax error"],
    ),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [basket]\nschema: {a: Int64}\nfunction: |\n  import math\n  def f(x):\n    return x\n",
        6,
        &["one function"],
    ),
    (
        "kind: on_demand_feature_view\nname: v\nsources: [{view: behavior, features: [view]}]\nschema: {a: Int64}\nexpressions: {a: x}\n",
        3,
        &["sources[0]", "views"],
    ),
    ("kind: feature_service\nname: f\nfeatures: [':x']\n", 3, &["features[0]", "view@v2"]),
    ("kind: feature_service\nname: f\nfeatures: [behaviour]\n", 3, &["features[0]", "behavior"]),
    (
        "kind: permission\nname: p\ntypes: [FeatureVew]\nactions: [READ]\n",
        3,
        &["types[0]", "FeatureView"],
    ),
];

#[test]
fn mistakes_name_file_line_and_key() {
    for (text, line, words) in MISTAKES {
        let repository = Repository::with(&[STORE, ("known.yaml", KNOWN), ("defs.yaml", text)]);
        let error = repository.contents(&RegistryFile::new()).unwrap_err();
        let shown = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported),
            "{text}: {shown}"
        );
        for word in words {
            assert!(shown.contains(word), "{text}: {word} is not in: {shown}");
        }
        let place = error.location().unwrap();
        assert_eq!((place.file.as_str(), place.line), ("defs.yaml", line), "{text}: {shown}");
    }
}

#[test]
fn a_type_that_nests_without_end_is_refused() {
    let dtype = format!("{}Int64{}", "Array(".repeat(5_000), ")".repeat(5_000));
    let text = format!("kind: feature_view\nname: v\nsource: events\nschema: {{a: \"{dtype}\"}}\n");
    let repository = Repository::with(&[STORE, ("known.yaml", KNOWN), ("defs.yaml", &text)]);
    let error = repository.contents(&RegistryFile::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.location().unwrap().line, 4);
}

#[test]
fn a_function_that_uses_names_from_outside_is_warned_of_at_its_line() {
    let text = "kind: on_demand_feature_view\nname: v\nsources: [basket]\nschema: {a: Float64}\n\
        mode: python\nfunction: |\n  def f(inputs):\n    return {'a': [math.sqrt(t) for t in inputs['total']]}\n";
    let repository = Repository::with(&[STORE, ("known.yaml", KNOWN), ("defs.yaml", text)]);
    let warnings = repository.contents(&RegistryFile::new()).unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("defs.yaml:8") && warning.contains("math")),
        "{warnings:?}"
    );
}

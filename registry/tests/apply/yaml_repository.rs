//! The YAML form of definitions.

use larder_core::{ErrorKind, SQL_TAG, ValueType};
use larder_proto::wire::registry_file::RegistryFile;

use crate::json::{assert_same, registry};
use crate::shop::{Repository, texts, vectors};

const STORE: (&str, &str) = ("feature_store.yaml", "project: shoply\nregistry: data/registry.db\n");

/// The sources and entities of the golden repository, the views that need no function, and its service.
const SHOP: &str = r"
kind: project
name: shoply
description: Online shop demo used for registry compatibility checks
---
kind: entity
name: user
join_keys: [user_id]
value_type: INT64
description: A registered shopper
tags: {pii: indirect}
owner: growth@shoply.example
---
kind: entity
name: product_id
value_type: String
---
kind: file_source
name: user_events_file
path: data/user_behavior.parquet
timestamp_field: event_timestamp
created_timestamp_column: created_at
description: Hourly roll-up of the click log
owner: data-eng@shoply.example
---
kind: file_source
name: product_stats_file
path: data/product_stats.parquet
file_format: parquet
field_mapping: {avg_stars: avg_rating}
tags: {refresh: daily}
---
kind: push_source
name: user_events_push
batch_source: user_events_file
---
kind: feature_view
name: user_behavior_features
entities: [user]
ttl: 7d
schema:
  - {name: views_1h, dtype: Int64}
  - {name: views_24h, dtype: Int64}
  - {name: cart_rate, dtype: Float32, description: adds to cart per view}
  - {name: is_member, dtype: Bool}
  - {name: recent_categories, dtype: Array(String)}
source: user_events_file
tags: {team: growth, tier: 1}
owner: growth@shoply.example
description: Shopper activity over short windows
---
kind: feature_view
name: product_features
entities: [product_id]
ttl: 36h
source: product_stats_file
offline: true
---
kind: feature_view
name: user_behavior_fresh
entities: [user]
schema: {views_1h: Int64, cart_rate: Float32}
source: user_events_push
";

#[test]
fn yaml_and_python_make_the_same_registry() {
    let yaml = Repository::with(&[STORE, ("shop.yaml", SHOP)]);
    yaml.copy_data();
    let python = Repository::shop();
    let text = std::fs::read_to_string(vectors().join("repo/features.py")).unwrap();
    let views_only = text.split("@stream_feature_view").next().unwrap();
    python.write("features.py", &views_only.replace("clicks_stream, ", ""));
    let sources = std::fs::read_to_string(vectors().join("repo/sources.py")).unwrap();
    python.write("sources.py", sources.split("clicks_batch =").next().unwrap());
    for repository in [&yaml, &python] {
        repository.apply().unwrap();
    }
    assert_same(&registry(&yaml.registry()), &registry(&python.registry()));
}

const SQL_VIEW: &str = "
kind: request_source
name: basket
schema: {basket_total: Float64, item_count: Int64}
---
kind: on_demand_feature_view
name: basket_features
sources: [user_behavior_features, basket]
schema: {mean_item_price: Float64, cart_pressure: Float64}
mode: sql
expressions:
  mean_item_price: basket_total / nullif(item_count, 0)
  cart_pressure: coalesce(cart_rate, 0) * item_count
";

#[test]
fn a_view_in_sql_is_stored_so_that_feast_can_load_it() {
    let repository = Repository::with(&[STORE, ("shop.yaml", SHOP), ("sub/basket.yml", SQL_VIEW)]);
    repository.copy_data();
    repository.apply().unwrap();
    let contents = repository.contents(&RegistryFile::new()).unwrap();
    let view = &contents.on_demand_feature_views[0].value;
    assert_eq!(view.mode, "python");
    let expressions: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&view.tags[SQL_TAG]).unwrap();
    assert_eq!(
        expressions,
        texts(&[
            ("mean_item_price", "basket_total / nullif(item_count, 0)"),
            ("cart_pressure", "coalesce(cart_rate, 0) * item_count")
        ])
    );
    let inputs: Vec<_> = view.projections().map(|projection| projection.features.len()).collect();
    assert_eq!(inputs, [5], "the view's features are filled in");
    assert_eq!(view.request_fields().next().unwrap().value_type, ValueType::Double);
    assert!(repository.plan().unwrap().is_empty(), "and applying again changes nothing");
    repository.edit("sub/basket.yml", "coalesce(cart_rate, 0)", "coalesce(cart_rate, 1)");
    assert_eq!(
        crate::shop::changed(&repository.plan().unwrap()),
        ["on demand feature view basket_features"]
    );
}

#[test]
fn yaml_views_may_use_sources_of_python_files() {
    let python = "from feast import FileSource, Entity, ValueType\n\
        u = Entity(name='user', join_keys=['user_id'], value_type=ValueType.INT64)\n\
        s = FileSource(name='py_source', path='data/user_behavior.parquet', timestamp_field='event_timestamp')\n";
    let yaml = "kind: feature_view\nname: v\nentities: [user]\nschema: {views_1h: Int64}\nsource: py_source\n";
    let repository = Repository::with(&[STORE, ("s.py", python), ("v.yaml", yaml)]);
    repository.apply().unwrap();
}

#[test]
fn yaml_files_without_kinds_and_ignored_files_are_left_alone() {
    let repository = Repository::with(&[
        STORE,
        ("models/daily.yaml", "sql: select 1\n"),
        ("ignored/x.yaml", "kind: nonsense\n"),
        (".hidden/y.yaml", "kind: nonsense\n"),
        (".feastignore", "ignored\n"),
        ("e.yaml", "kind: entity\nname: e\n"),
    ]);
    assert_eq!(repository.contents(&RegistryFile::new()).unwrap().entities.len(), 2);
}

#[test]
fn mistakes_name_file_line_and_key() {
    for (text, line, word) in [
        ("kind: entty\nname: e\n", 1, "entity"),
        ("kind: entity\n", 1, "name"),
        ("kind: entity\nname: e\ndescripton: x\n", 3, "descripton"),
        ("kind: entity\nname: e\nvalue_type: INT46\n", 3, "value_type"),
        ("kind: entity\nname: e\n---\nname: f\n", 4, "kind"),
        ("kind: entity\nname: 12\n", 2, "name"),
        ("kind: file_source\nname: s\n", 1, "path"),
        ("kind: feature_view\nname: v\nsource: nope\n", 3, "nope"),
        ("kind: feature_view\nname: v\nttl: 7x\nsource: {path: p}\n", 3, "ttl"),
        ("kind: feature_view\nname: v\nsource: {path: p, pth: q}\n", 3, "pth"),
        (
            "kind: on_demand_feature_view\nname: v\nsources: [w]\nschema: {a: Int64}\nexpressions: {b: x}\n",
            5,
            "expressions",
        ),
        (
            "kind: kafka_source\nname: k\nkafka_bootstrap_servers: h\ntopic: t\n",
            1,
            "message_format",
        ),
        ("kind: feature_service\nname: f\nfeatures: [':x']\n", 3, "features[0]"),
        ("kind: entity\n  name: e\n", 2, "YAML"),
    ] {
        let repository = Repository::with(&[STORE, ("defs.yaml", text)]);
        let error = repository.contents(&RegistryFile::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}: {error}");
        let shown = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(shown.contains(word), "{text}: {shown}");
        let place = error.location().unwrap();
        assert_eq!((place.file.as_str(), place.line), ("defs.yaml", line), "{text}: {error}");
    }
}

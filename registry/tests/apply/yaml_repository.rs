//! The YAML form of definitions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use larder_core::{Location, OnDemandFeatureView, Result, SQL_TAG, ValueType};
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::validation::{TransformCheck, validate};

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
    let expressions: BTreeMap<String, String> = serde_json::from_str(&view.tags[SQL_TAG]).unwrap();
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

/// Remembers where functions were said to start.
#[derive(Default)]
struct Places(RefCell<BTreeMap<String, String>>);

impl TransformCheck for Places {
    fn check(&self, view: &OnDemandFeatureView, location: &Location) -> Result<()> {
        let place = format!("{}:{}", location.file, location.line);
        self.0.borrow_mut().insert(view.name.clone(), place);
        Ok(())
    }
}

#[test]
fn functions_are_checked_where_they_stand() {
    let python = "from feast import Field, OnDemandFeatureView, RequestSource\n\
        from feast.on_demand_feature_view import on_demand_feature_view\n\
        from feast.types import Float64\n\
        r = RequestSource(name='r', schema=[Field(name='x', dtype=Float64)])\n\
        def f(inputs):\n    return {'y': inputs['x']}\n\
        a = OnDemandFeatureView(name='by_class', sources=[r], schema=[Field(name='y', dtype=Float64)], mode='python', udf=f)\n\
        b = OnDemandFeatureView(name='by_text', sources=[r], schema=[Field(name='y', dtype=Float64)], mode='python', udf=f,\n    \
        udf_string='def f(inputs): return {}')\n\
        @on_demand_feature_view(sources=[r], schema=[Field(name='y', dtype=Float64)], mode='python')\n\
        def decorated(inputs):\n    return {'y': inputs['x']}\n";
    let yaml = "kind: on_demand_feature_view\nname: in_yaml\nsources: [r]\nschema: {y: Float64}\nmode: python\n\
        function: |\n  # first\n  def f(inputs):\n    return {'y': inputs['x']}\n---\n\
        kind: on_demand_feature_view\nname: in_sql\nsources: [r]\nschema: {y: Float64}\nexpressions: {y: x}\n";
    let repository = Repository::with(&[STORE, ("v.py", python), ("v.yaml", yaml)]);
    let places = Places::default();
    validate(&repository.contents(&RegistryFile::new()).unwrap(), &places).unwrap();
    let expected = texts(&[
        ("by_class", "v.py:5"),
        // A text of its own stands nowhere: the definition is all that can be named.
        ("by_text", "v.py:8"),
        ("decorated", "v.py:10"),
        ("in_sql", "v.yaml:11"),
        ("in_yaml", "v.yaml:7"),
    ]);
    assert_eq!(places.0.into_inner(), expected);
}

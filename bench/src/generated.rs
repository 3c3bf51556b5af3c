//! Feature repositories for benchmarks.

use std::fmt::Write as _;

use larder_tests::{Feast, Repository};

/// A SQLite online store, which both programs share.
pub(crate) const SQLITE: &str = "{type: sqlite, path: data/online.db}";

fn settings(project: &str, online_store: &str) -> String {
    format!(
        "project: {project}\nprovider: local\nregistry: data/registry.db\nonline_store: {online_store}\n\
         offline_store: {{type: file}}\nentity_key_serialization_version: 3\n"
    )
}

const IMPORTS: &str = "from datetime import timedelta\n\
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType\n\
    from feast.types import Float64, Int64, String\n\
    key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)\n";

/// A repository of `views` views with ten features each, over one source per hundred views.
pub(crate) fn many_views(views: usize) -> Repository {
    let mut text = IMPORTS.to_owned();
    for source in 0..views.div_ceil(100) {
        push(
            &mut text,
            format_args!(
                "source_{source} = FileSource(name=\"source_{source}\", \
             path=\"data/source_{source}.parquet\", timestamp_field=\"event_timestamp\")\n"
            ),
        );
    }
    for view in 0..views {
        push(
            &mut text,
            format_args!(
                "view_{view} = FeatureView(\n    name=\"view_{view}\",\n    entities=[key],\n    \
             ttl=timedelta(days={}),\n    schema=[\n        Field(name=\"key\", dtype=Int64),\n",
                view % 90 + 1
            ),
        );
        for feature in 0..10 {
            let dtype = ["Float64", "Int64", "String"][feature % 3];
            push(
                &mut text,
                format_args!("        Field(name=\"feature_{feature}\", dtype={dtype}),\n"),
            );
        }
        push(
            &mut text,
            format_args!(
                "    ],\n    source=source_{},\n    tags={{\"team\": \"team_{}\"}},\n)\n",
                view / 100,
                view % 7
            ),
        );
    }
    Repository::with(&[("feature_store.yaml", &settings("bench", SQLITE)), ("views.py", &text)])
}

/// The online workload: `VIEWS` views of `FEATURES` floats each, one row per key.
pub(crate) const VIEWS: usize = 5;
/// Features of each view.
pub(crate) const FEATURES: usize = 10;

/// The repository of the online workload; its files are written by `tests/python/bench_data.py`.
pub(crate) fn online_views(project: &str, online_store: &str) -> Repository {
    let mut text = IMPORTS.to_owned();
    for view in 0..VIEWS {
        push(
            &mut text,
            format_args!(
                "source_{view} = FileSource(name=\"source_{view}\", path=\"data/view_{view}.parquet\", \
             timestamp_field=\"event_timestamp\")\n\
             view_{view} = FeatureView(name=\"view_{view}\", entities=[key], ttl=timedelta(days=3650), \
             schema=[Field(name=f\"v{view}_f{{i}}\", dtype=Float64) for i in range({FEATURES})], \
             source=source_{view})\n"
            ),
        );
    }
    let views: Vec<String> = (0..VIEWS).map(|view| format!("view_{view}")).collect();
    push(
        &mut text,
        format_args!(
            "everything = FeatureService(name=\"everything\", features=[{}])\n",
            views.join(", ")
        ),
    );
    Repository::with(&[
        ("feature_store.yaml", &settings(project, online_store)),
        ("views.py", &text),
    ])
}

/// Writes the files of the online workload: a row of random floats per key and view.
pub(crate) fn write_files(feast: &Feast, repository: &Repository, keys: u32) {
    let (views, features, keys) = (VIEWS.to_string(), FEATURES.to_string(), keys.to_string());
    feast.script("bench_data.py", &[&repository.file("data"), &views, &features, &keys]);
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string never fails");
}

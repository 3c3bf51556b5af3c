//! Repositories that cannot be applied.

use std::time::{Duration, Instant};

use larder_tests::Repository;

use crate::{Case, applied};

const APPLY: &[&str] = &["apply"];

/// A case with one more Python file, `extra.py`.
const fn python(
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    names: &'static [&'static str],
) -> Case<'static> {
    Case { name, files, command: APPLY, names }
}

const CASES: &[Case<'static>] = &[
    python(
        "python that does not parse",
        &[("extra.py", "from feast import Entity\nuser = Entity(name=\n")],
        &["extra.py:"],
    ),
    python(
        "a construct that is not declarative",
        &[("extra.py", "import os\n\nfor line in os.popen('ls'):\n    pass\n")],
        &["extra.py:3:", "popen"],
    ),
    python(
        "a name that is not defined",
        &[(
            "extra.py",
            "from feast import FeatureView\n\nview = FeatureView(name='x', entities=[nobody])\n",
        )],
        &["extra.py:3:", "nobody"],
    ),
    python(
        "an entity that nobody defines, by name",
        &[(
            "extra.py",
            "from definitions import source\nfrom feast import FeatureView, Field\nfrom feast.types import Int64\n\
             view = FeatureView(name='x', entities=['nobody'], schema=[Field(name='y', dtype=Int64)], source=source)\n",
        )],
        &["nobody"],
    ),
    python(
        "two views of one name, ignoring case",
        &[(
            "extra.py",
            "from definitions import key, source\nfrom feast import FeatureView, Field\nfrom feast.types import Int64\n\
             view = FeatureView(name='Counters', entities=[key], schema=[Field(name='y', dtype=Int64)], source=source)\n",
        )],
        &["ounters"],
    ),
    python(
        "a view with two entities of one join key",
        &[(
            "extra.py",
            "from definitions import key, source\nfrom feast import Entity, FeatureView\n\
             other = Entity(name='other', join_keys=['key'])\n\
             view = FeatureView(name='x', entities=[key, other], source=source)\n",
        )],
        &["key"],
    ),
    python(
        "two sources of one name",
        &[(
            "extra.py",
            "from feast import FileSource\n\nother = FileSource(name='rows', path='data/other.parquet')\n",
        )],
        &["rows"],
    ),
    python(
        "a missing Parquet file that inference needs",
        &[(
            "extra.py",
            "from definitions import key\nfrom feast import FeatureView, FileSource\n\
             missing = FileSource(name='missing', path='data/missing.parquet', timestamp_field='t')\n\
             view = FeatureView(name='x', entities=[key], source=missing)\n",
        )],
        &["missing"],
    ),
    python(
        "a data type that is a text",
        &[("extra.py", "from feast import Field\n\nfield = Field(name='x', dtype='Int64')\n")],
        &["extra.py:3:", "dtype"],
    ),
    python(
        "a ttl that is a text",
        &[(
            "extra.py",
            "from definitions import key, source\nfrom feast import FeatureView\n\
             view = FeatureView(name='x', entities=[key], ttl='1 day', source=source)\n",
        )],
        &["extra.py:3:", "ttl"],
    ),
    python(
        "an argument that does not exist",
        &[(
            "extra.py",
            "from feast import Entity\n\nother = Entity(name='other', join_kees=['x'])\n",
        )],
        &["extra.py:3:", "join_kees"],
    ),
    python(
        "an argument that is missing",
        &[("extra.py", "from feast import Entity\n\nother = Entity(join_keys=['x'])\n")],
        &["extra.py:3:", "name"],
    ),
    python(
        "a feature that the view does not have",
        &[(
            "extra.py",
            "from definitions import counters\nfrom feast import FeatureService\n\
             service = FeatureService(name='x', features=[counters[['no_such_feature']]])\n",
        )],
        &["no_such_feature"],
    ),
    python(
        "a view name that references cannot hold",
        &[(
            "extra.py",
            "from definitions import key, source\nfrom feast import FeatureView, Field\nfrom feast.types import Int64\n\
             view = FeatureView(name='a:b', entities=[key], schema=[Field(name='y', dtype=Int64)], source=source)\n",
        )],
        &["a:b"],
    ),
    python(
        "modules that import each other",
        &[
            ("extra.py", "from other import b\na = b\n"),
            ("other.py", "from extra import a\nb = a\n"),
        ],
        &["import"],
    ),
    python(
        "a module that does not exist",
        &[(
            "extra.py",
            "\nfrom no_such_module import thing\n\nother = thing\nnames = [other.name]\n",
        )],
        &["extra.py:", "no_such_module"],
    ),
    python(
        "a loop without end",
        &[("extra.py", "\nnumbers = [a for a in range(10 ** 12)]\n")],
        &["extra.py:2:"],
    ),
    python("a text without end", &[("extra.py", "\ntext = 'x' * 10 ** 12\n")], &["extra.py:2:"]),
    python(
        "a function that calls itself without end",
        &[("extra.py", "def f(x):\n    return f(x)\n\nvalue = f(1)\n")],
        &["extra.py:"],
    ),
    python(
        "an on-demand function that is no expression",
        &[(
            "extra.py",
            "from definitions import counters\nfrom feast import Field\n\
             from feast.on_demand_feature_view import on_demand_feature_view\nfrom feast.types import Int64\n\n\
             @on_demand_feature_view(sources=[counters], schema=[Field(name='y', dtype=Int64)], mode='python')\n\
             def doubled(inputs: dict) -> dict:\n    import urllib\n    return {'y': urllib.open(inputs['counter'])}\n",
        )],
        &["extra.py:8:"],
    ),
    python(
        "YAML that does not parse",
        &[("extra.yaml", "kind: entity\nname: [a,\n")],
        &["extra.yaml:"],
    ),
    python(
        "a YAML kind that does not exist",
        &[("extra.yaml", "kind: entitty\nname: a\n")],
        &["extra.yaml:1", "entitty"],
    ),
    python(
        "a YAML key that does not exist",
        &[("extra.yaml", "kind: entity\nname: a\njoin_kees: [x]\n")],
        &["extra.yaml:3", "join_kees"],
    ),
    python(
        "settings that do not parse",
        &[("feature_store.yaml", "project: strict\nregistry: [\n")],
        &["feature_store.yaml:"],
    ),
    python(
        "settings without a project",
        &[("feature_store.yaml", "registry: data/registry.db\n")],
        &["project"],
    ),
    python(
        "settings without a registry",
        &[("feature_store.yaml", "project: strict\n")],
        &["registry"],
    ),
    python(
        "an unknown key of the online store",
        &[(
            "feature_store.yaml",
            "project: strict\nregistry: data/registry.db\nonline_store:\n  type: sqlite\n  pathh: x\n",
        )],
        &["feature_store.yaml:5", "pathh"],
    ),
    python(
        "an online store that does not exist",
        &[(
            "feature_store.yaml",
            "project: strict\nregistry: data/registry.db\nonline_store: {type: sqlyte}\n",
        )],
        &["sqlyte"],
    ),
    python(
        "a project name that Feast refuses",
        &[("feature_store.yaml", "project: _strict\nregistry: data/registry.db\n")],
        &["_strict"],
    ),
    python(
        "an unknown key of larder.yaml",
        &[("larder.yaml", "compatt: feast\n")],
        &["larder.yaml:1", "compatt"],
    ),
    python(
        "an unknown value in larder.yaml",
        &[("larder.yaml", "compat: feats\n")],
        &["larder.yaml:1", "feats"],
    ),
];

#[test]
fn a_repository_that_cannot_be_applied_names_the_place_and_changes_nothing() {
    let mut failed = Vec::new();
    for case in CASES {
        let repository = applied();
        let checked = std::panic::catch_unwind(|| case.check(&repository));
        if checked.is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), CASES.len());
}

#[test]
fn a_plan_of_a_broken_repository_fails_as_apply_does() {
    let case = Case {
        name: "plan",
        files: &[("extra.py", "user = Entity(\n")],
        command: &["plan"],
        names: &["extra.py:"],
    };
    case.check(&applied());
}

#[test]
fn ten_megabytes_of_garbage_are_refused_in_seconds() {
    let mut garbage = b"x = '".to_vec();
    let mut state = 1_u64;
    garbage.extend((0..10 << 20).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56).to_le_bytes()[0]
    }));
    for name in ["extra.py", "extra.yaml", "feature_store.yaml", "larder.yaml"] {
        let repository = applied();
        repository.write(name, &garbage);
        let start = Instant::now();
        Case { name, files: &[], command: APPLY, names: &[name] }.check(&repository);
        assert!(start.elapsed() < Duration::from_secs(20), "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn nesting_without_end_is_refused() {
    for (name, text) in [
        ("extra.py", format!("x = {}", "[".repeat(200_000))),
        ("extra.py", format!("x = {}1{}", "(".repeat(50_000), ")".repeat(50_000))),
        ("extra.yaml", format!("kind: {}", "[".repeat(200_000))),
    ] {
        let repository = applied();
        repository.write(name, text);
        Case { name, files: &[], command: APPLY, names: &[name] }.check(&repository);
    }
}

#[test]
fn a_folder_that_is_no_repository_is_told_apart() {
    let case =
        Case { name: "no settings", files: &[], command: APPLY, names: &["feature_store.yaml"] };
    case.check(&Repository::empty());
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let repository = applied();
    for arguments in [&["aply"][..], &["apply", "--no-such-flag"], &["materialize"], &[]] {
        let outcome = repository.fs().run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?} {}", outcome.text());
    }
}

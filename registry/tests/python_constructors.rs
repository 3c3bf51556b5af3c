//! What Feast's constructors refuse, what older dialects still load, and how failures are told.

use std::collections::BTreeMap;

use larder_core::{
    Error, ErrorKind, FeatureView, OnDemandSource, SourceKind, Transformation, ValueType,
};
use larder_registry::definitions::{Definitions, Object};
use larder_registry::python::{Failures, Limits, MemoryFiles, load};

/// What most definitions below need.
const PRELUDE: &str = "\
from datetime import timedelta
from feast import *
from feast.types import *
from feast.data_format import *
from feast.on_demand_feature_view import on_demand_feature_view
from feast.stream_feature_view import stream_feature_view
from feast.batch_feature_view import batch_feature_view
from feast.permissions.permission import Permission
user = Entity(name='user', join_keys=['user_id'], value_type=ValueType.INT64)
batch = FileSource(name='batch', path='b.parquet', timestamp_field='ts', field_mapping={'raw': 'cooked'})
asked = RequestSource(name='asked', schema=[Field(name='x', dtype=Float64)])
";

fn read(files: &[(&str, &str)]) -> Result<Definitions, Failures> {
    let repository = files
        .iter()
        .fold(MemoryFiles::new("/repo"), |repository, (path, text)| repository.with(*path, *text));
    load(&repository, &BTreeMap::new(), Limits::default())
}

fn define(text: &str) -> Result<Definitions, Failures> {
    read(&[("repo.py", &format!("{PRELUDE}{text}"))])
}

fn defined(text: &str) -> Definitions {
    define(text).unwrap_or_else(|failures| panic!("{text}\n{failures}"))
}

fn refused(text: &str) -> Error {
    match define(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(failures) => failures.into_first(),
    }
}

fn view(definitions: &Definitions, name: &str) -> FeatureView {
    let found = definitions.objects.iter().find_map(|object| match &object.value {
        Object::FeatureView(view) if view.name == name => Some(view.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no view {name}"))
}

/// One wrong definition each.
const REFUSED: &[&str] = &[
    "Entity(name='e', join_keys=['a', 'b'])",
    "Entity(name=5)",
    "Entity()",
    "Entity(name='e', value_type='INT64')",
    "Entity(name='e', tags={'a': 1})",
    "Field(name='f', dtype=Int65)",
    "Field(name='f', dtype='Int64')",
    "Field(name='f', dtype=Array(ZonedTimestamp))",
    "Field(name='f', dtype=Set(Map))",
    "Struct({})",
    "FileSource(path=5)",
    "FileSource(path='p', timestamp_field='t', created_timestamp_column='t')",
    "BigQuerySource(name='b')",
    "BigQuerySource(query='SELECT 1')",
    "SnowflakeSource(table='t', query='q')",
    "KafkaSource(name='k', timestamp_field='t')",
    "KinesisSource(name='k', region='r', stream_name='s', record_format=None)",
    "FeatureView(name='v', entities=[user], source=batch, ttl=5)",
    "FeatureView(name='v', entities=user, source=batch)",
    "FeatureView(name='v', entities=[user, Entity(name='o', join_keys=['user_id'])], source=batch)",
    "FeatureView(name='v', entities=[user], schema=[Field(name='user_id', dtype=String)], source=batch)",
    "FeatureView(name='v', schema=[Field(name='raw', dtype=String)], source=batch)",
    "FeatureView(name='v', source=PushSource(name='p'))",
    "FeatureView(name='v', source=FeatureView(name='w', source=batch))",
    "FeatureView(name='v', source=batch, version='newest')",
    "FeatureView(name='v', source=batch, schema=[Field(name=n, dtype=Array(Float32), vector_index=True) for n in 'ab'])",
    "FeatureView(name='v', source=batch, schema=[Field(name='a', dtype=Int64)])[['b']]",
    "FeatureView(name='v', source=batch)['a']",
    "StreamFeatureView(name='v', source=batch)",
    "StreamFeatureView(name='v', source=KinesisSource(name='k', region='r', stream_name='s', record_format=JsonFormat(''), batch_source=batch))",
    "StreamFeatureView(name='v', source=PushSource(name='p', batch_source=batch), aggregations=[Aggregation(column='a', function='sum')])",
    "StreamFeatureView(name='v', source=PushSource(name='p', batch_source=batch), enable_tiling=True, timestamp_field='t', aggregations=[Aggregation(column='a', function='sum', time_window=timedelta(minutes=5))])",
    "StreamFeatureView(name='v', source=PushSource(name='p', batch_source=batch), mode='ray', udf=lambda x: x)",
    "BatchFeatureView(name='v')",
    "BatchFeatureView(name='v', source=PushSource(name='p', batch_source=batch))",
    "BatchFeatureView(name='v', aggregations=[Aggregation(column='a', function='sum')])",
    "OnDemandFeatureView(name='v', schema=[], udf=lambda x: x)",
    "OnDemandFeatureView(name='v', schema=[], sources=[asked])",
    "OnDemandFeatureView(name='v', schema=[], sources=[asked], udf=lambda x: x, singleton=True)",
    "OnDemandFeatureView(name='v', schema=[], sources=[asked], udf=lambda x: x, mode='sql')",
    "OnDemandFeatureView(name='v', schema=[], sources=[batch], udf=lambda x: x)",
    "OnDemandFeatureView(name='v', input_schema=[], schema=[], udf=lambda x: x, aggregations=[Aggregation(column='z', function='sum')])",
    "on_demand_feature_view(lambda x: x)",
    "FeatureService(name='s', features=[batch])",
    "FeatureService(name='s', features=['view@2'])",
    "FeatureService(name='s')",
    "Permission(name='p', types=[int])",
    "Permission(name='p', actions=[])",
    "Project(name='p', tag={})",
    "DataSource(name='d')",
];

#[test]
fn constructors_refuse_what_feast_refuses() {
    for text in REFUSED {
        let error = refused(text);
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported),
            "{text}: {error}"
        );
        let location = error.location().unwrap_or_else(|| panic!("{text}: {error}"));
        assert_eq!((location.file.as_str(), location.line), ("repo.py", 12), "{text}: {error}");
    }
}

#[test]
fn an_unknown_keyword_is_named_with_the_nearest_known_one() {
    let error =
        refused("v = FeatureView(\n    name='v',\n    entites=[user],\n    source=batch,\n)");
    let location = error.location().unwrap();
    assert_eq!((location.line, location.column), (14, 5));
    assert!(error.message().contains("entites"), "{error}");
    assert!(error.hint().unwrap().contains("entities"), "{error}");

    let error = refused("from feast import FeatureVeiw");
    assert!(error.hint().unwrap().contains("FeatureView"), "{error}");
    let error = refused("Field(name='a', dtype=Flaot64)");
    assert!(error.hint().unwrap().contains("Float64"), "{error}");
    let view =
        "w = FeatureView(name='w', source=batch, schema=[Field(name='price', dtype=Int64)])\n";
    let error = refused(&format!("{view}w[['pricee']]"));
    assert!(error.hint().unwrap().contains("price"), "{error}");
    let error = refused(&format!("{view}w.scheema"));
    assert!(error.hint().unwrap().contains("schema"), "{error}");
}

/// Definitions as they were written for Feast 0.10 to 0.21.
const OLDER: &str = "\
old_user = Entity('old_user', ValueType.INT64, join_key='uid')
old_source = FileSource('o.parquet', event_timestamp_column='ts', created_timestamp_column='c')
old_kafka = KafkaSource(name='k', bootstrap_servers='b:1', topic='t', event_timestamp_column='ts',
                        message_format=JsonFormat('a int'))
old_view = FeatureView(
    name='old_view',
    entities=['old_user'],
    ttl=timedelta(hours=1),
    features=[Feature(name='uid', dtype=ValueType.INT64), Feature('rate', ValueType.FLOAT, labels={'a': 'b'})],
    batch_source=old_source,
    stream_source=old_kafka,
)
old_request = RequestSource('old_request', {'v': ValueType.DOUBLE})
@on_demand_feature_view(inputs={'a': old_view, 'b': old_request}, features=[Feature('y', ValueType.DOUBLE)])
def old_on_demand(df):
    return df
typed = FeatureView(name='typed', source=batch, schema=[Field(name='a', dtype=ValueType.INT64)])
old_service = FeatureService('old_service', [old_view, typed[['a']]])
";

#[test]
fn the_older_dialect_loads_with_a_warning_for_each_place() {
    let definitions = defined(OLDER);
    let lines: Vec<u32> = definitions
        .warnings
        .iter()
        .filter_map(|warning| warning.location.as_ref().map(|location| location.line))
        .collect();
    for line in [12, 13, 14, 16, 20, 21, 22, 24, 25, 28, 29] {
        assert!(lines.contains(&line), "no warning in line {line}: {:#?}", definitions.warnings);
    }

    let old_view = view(&definitions, "old_view");
    assert_eq!(old_view.entities, ["old_user"]);
    // Which column is the join key is known only when the whole repository has been read.
    let types: Vec<_> =
        old_view.features.iter().map(|field| (field.name.as_str(), field.value_type)).collect();
    assert_eq!(types, [("uid", ValueType::Int64), ("rate", ValueType::Float)]);
    assert_eq!(old_view.features[1].tags["a"], "b");
    assert_eq!(old_view.batch_source.unwrap().timestamp_field, "ts");
    let stream = old_view.stream_source.unwrap();
    assert!(
        matches!(stream.kind, SourceKind::Kafka { bootstrap_servers, .. } if bootstrap_servers == "b:1")
    );
    assert_eq!(view(&definitions, "typed").features[0].value_type, ValueType::Int64);

    for object in &definitions.objects {
        match &object.value {
            Object::Entity(entity) if entity.name == "old_user" => {
                assert_eq!(
                    (entity.join_key.as_str(), entity.value_type),
                    ("uid", ValueType::Int64)
                );
            }
            Object::OnDemandFeatureView(on_demand) => {
                assert_eq!(on_demand.features[0].value_type, ValueType::Double);
                let names: Vec<_> =
                    on_demand.sources.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(names, ["old_request", "old_view"]);
                assert!(matches!(&on_demand.sources[0].1, OnDemandSource::Request(_)));
            }
            Object::FeatureService(service) => {
                assert!(service.projections[0].features.is_empty());
                assert_eq!(service.projections[1].features[0].value_type, ValueType::Int64);
            }
            _ => {}
        }
    }
}

#[test]
fn a_function_that_needs_names_of_its_module_is_warned_about() {
    let definitions = defined(
        "\
import math
import numpy as np
import pandas as pd
FACTOR = 2
@on_demand_feature_view(sources=[asked], schema=[Field(name='y', dtype=Float64)], mode='python')
def computed(inputs: dict) -> dict:
    import json
    def inner(v):
        return v * FACTOR
    values = [inner(x) for x in inputs['x']]
    try:
        total = np.sum(values) + len(values)
    except ValueError as error:
        total = str(error)
    return {'y': math.sqrt(total), 'z': pd.NA, 'j': json.dumps(values)}
",
    );
    let warned: Vec<(u32, u32)> = definitions
        .warnings
        .iter()
        .filter_map(|warning| warning.location.as_ref())
        .map(|location| (location.line, location.column))
        .collect();
    assert_eq!(warned, [(20, 20), (26, 18)], "{:#?}", definitions.warnings);
}

#[test]
fn the_text_of_a_class_form_is_that_of_its_function() {
    let definitions = defined(
        "def double(df):\n    return df * 2\n\n\nv = OnDemandFeatureView(name='v', sources=[asked], \
         schema=[Field(name='y', dtype=Float64)], udf=double, mode='pandas')",
    );
    let found = definitions.objects.iter().find_map(|object| match &object.value {
        Object::OnDemandFeatureView(view) => view.transformation.clone(),
        _ => None,
    });
    let wanted = Transformation::Function {
        name: "double".to_owned(),
        body: Vec::new(),
        body_text: "def double(df):\n    return df * 2\n".to_owned(),
        mode: "pandas".to_owned(),
    };
    assert_eq!(found, Some(wanted));
}

#[test]
fn objects_are_told_apart_by_identity() {
    let definitions = read(&[
        ("a.py", "from feast import Entity\nx = Entity(name='x')\ny = x\nz = Entity(name='x')\nhidden = [Entity(name='h')]"),
        ("b.py", "from a import x\nimport a as other\nw = other.z\ndef f():\n    from feast import Entity\n    return Entity(name='f')"),
    ])
    .unwrap();
    let names: Vec<_> =
        definitions.objects.iter().map(|object| object.value.name().to_owned()).collect();
    // Two equal entities are two objects; the one in a list is not found.
    assert_eq!(names, ["x", "x"]);
}

#[test]
fn a_copy_of_a_view_in_a_variable_is_a_view_of_its_own() {
    let definitions = defined(
        "v = FeatureView(name='v', source=batch, schema=[Field(name='a', dtype=Int64)])\nw = v.with_name('other')",
    );
    let views =
        definitions.objects.iter().filter(|object| matches!(object.value, Object::FeatureView(_)));
    assert_eq!(views.count(), 2);
}

#[test]
fn imports_resolve_from_the_root_and_relative_to_the_package() {
    let definitions = read(&[
        ("pkg/__init__.py", "from .inner.names import A"),
        ("pkg/inner/names.py", "from ..other import B as A\nfrom . import sibling\nC = sibling.D"),
        ("pkg/inner/sibling.py", "D = 'd'"),
        ("pkg/other.py", "B = 'b'"),
        ("folder/deep.py", "E = 'e'"),
        (
            "main.py",
            "import pkg.inner.names as n\nimport folder.deep\nfrom folder import deep as again\nfrom feast import Entity\n\
             e = Entity(name=pkg_name) if (pkg_name := n.A + n.C + folder.deep.E + again.E) else None",
        ),
    ])
    .unwrap();
    assert_eq!(definitions.objects[0].value.name(), "bdee");
}

#[test]
fn modules_that_import_each_other_see_what_is_there_already() {
    let definitions = read(&[
        ("a.py", "from feast import Entity\nx = Entity(name='x')\nimport b"),
        ("b.py", "import a\nfrom a import x\ny = a.x"),
    ])
    .unwrap();
    assert_eq!(definitions.objects.len(), 1);
    let failures = read(&[("a.py", "from b import y\nx = 1"), ("b.py", "from a import x\ny = 1")])
        .unwrap_err();
    assert_eq!(failures.errors()[0].kind(), ErrorKind::Invalid);
}

#[test]
fn every_file_with_an_error_is_reported_once() {
    let failures = read(&[
        ("a.py", "from broken import x"),
        ("b.py", "import broken"),
        ("broken.py", "y = 1\nx = nothing"),
        ("c.py", "def f(:"),
        ("d.py", "from feast import Entity\nd = Entity(name='d')"),
        ("e.py", "import pandas\nframe = pandas.DataFrame()"),
    ])
    .unwrap_err();
    let places: Vec<(String, u32)> = failures
        .errors()
        .iter()
        .map(|error| error.location().map(|place| (place.file.clone(), place.line)).unwrap())
        .collect();
    assert_eq!(
        places,
        [("broken.py".to_owned(), 2), ("c.py".to_owned(), 1), ("e.py".to_owned(), 2)]
    );
    assert_eq!(failures.errors()[2].kind(), ErrorKind::Unsupported);
    assert!(failures.to_string().lines().count() == 3);
}

#[test]
fn a_missing_module_of_the_repository_is_an_error_and_a_foreign_one_is_not() {
    assert!(read(&[("a.py", "import pandas, numpy.linalg\nfrom sklearn.base import X\nfrom feast.infra.some.store import Y")]).is_ok());
    for text in [
        "from . import nothing",
        "from pkg import nothing",
        "import pkg.nothing",
        "from pkg.nothing import x",
    ] {
        let failures = read(&[("a.py", text), ("pkg/m.py", "")]).unwrap_err();
        assert_eq!(failures.errors()[0].kind(), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn a_repository_with_too_many_files_is_refused() {
    let files: Vec<(String, String)> =
        (0..20).map(|n| (format!("f{n}.py"), String::new())).collect();
    let repository = files.iter().fold(MemoryFiles::new("/r"), |repository, (path, text)| {
        repository.with(path.clone(), text.clone())
    });
    let failures =
        load(&repository, &BTreeMap::new(), Limits { files: 10, ..Limits::default() }).unwrap_err();
    assert_eq!(failures.into_first().kind(), ErrorKind::Unsupported);
}

#[test]
fn the_steps_of_all_files_together_are_limited() {
    let busy = "x = sum(i for i in range(2000))";
    let repository =
        (0..20).fold(MemoryFiles::new("/r"), |files, n| files.with(format!("f{n}.py"), busy));
    let limits = Limits { steps: 30_000, ..Limits::default() };
    let failures = load(&repository, &BTreeMap::new(), limits).unwrap_err();
    assert_eq!(failures.errors().len(), 1);
    assert!(load(&repository, &BTreeMap::new(), Limits::default()).is_ok());
}

#[test]
fn a_file_that_is_no_text_is_an_error() {
    let repository = MemoryFiles::new("/r").with("a.py", vec![0xff, 0xfe, 0x00]);
    let failures = load(&repository, &BTreeMap::new(), Limits::default()).unwrap_err();
    assert_eq!(failures.into_first().kind(), ErrorKind::Invalid);
}

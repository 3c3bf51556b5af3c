//! Which name of which `feast` module stands for what.

use std::rc::Rc;

use super::{field, formats, service, sources, types, views};
use crate::python::eval::exception::Outcome;
use crate::python::eval::function::Function;
use crate::python::eval::interpreter::{Interpreter, Library, LibraryName};
use crate::python::eval::member::Member;
use crate::python::eval::record::ClassSpec;
use crate::python::eval::value::{PendingDecorator, Value};

/// The `feast` package.
pub(in crate::python) struct Feast;

/// Names that `import feast` offers in 0.67.
const TOP_LEVEL: [&str; 24] = [
    "Aggregation",
    "AthenaSource",
    "BatchFeatureView",
    "BigQuerySource",
    "ChrononSource",
    "ConflictPolicy",
    "Entity",
    "Feature",
    "FeatureService",
    "FeatureView",
    "Field",
    "FileSource",
    "KafkaSource",
    "KinesisSource",
    "LabelView",
    "OnDemandFeatureView",
    "OracleSource",
    "Project",
    "PushSource",
    "RedshiftSource",
    "RequestSource",
    "SnowflakeSource",
    "StreamFeatureView",
    "ValueType",
];

/// Names that `import feast` offers too, but that no definition can use.
const NOT_FOR_DEFINITIONS: [&str; 23] = [
    "FeatureViewState",
    "BaseChunker",
    "BaseEmbedder",
    "ChunkingConfig",
    "DataFrameEngine",
    "DocEmbedder",
    "EmbeddingConfig",
    "EmbeddingProvider",
    "FeastDataFrame",
    "FeastVectorStore",
    "FeatureStore",
    "FilterTranslator",
    "MultiModalEmbedder",
    "RepoConfig",
    "SchemaTransformFn",
    "SentenceTransformersEmbeddingProvider",
    "TextChunker",
    "copy_demo_notebooks",
    "get_embedding_provider",
    "type_map",
    "utils",
    "errors",
    "version",
];

fn classes() -> impl Iterator<Item = &'static ClassSpec> {
    static OTHERS: [&ClassSpec; 30] = [
        &field::FIELD,
        &field::FEATURE,
        &field::ENTITY,
        &field::PROJECT,
        &types::ARRAY,
        &types::SET,
        &types::STRUCT,
        &types::PRIMITIVE_CLASS,
        &types::VALUE_TYPE_CLASS,
        &formats::PARQUET,
        &formats::DELTA_FILE,
        &formats::AVRO,
        &formats::JSON,
        &formats::PROTO,
        &formats::ICEBERG,
        &formats::DELTA_TABLE,
        &formats::HUDI,
        &formats::LANCE,
        &formats::CONNECTION_REF,
        &formats::AGGREGATION,
        &formats::LOGGING,
        &formats::FILE_LOG,
        &formats::BIGQUERY_LOG,
        &formats::REDSHIFT_LOG,
        &formats::SNOWFLAKE_LOG,
        &formats::ATHENA_LOG,
        &formats::COUCHBASE_LOG,
        &service::FEATURE_SERVICE,
        &service::PERMISSION,
        &service::ROLE_POLICY,
    ];
    static POLICIES: [&ClassSpec; 6] = [
        &service::GROUP_POLICY,
        &service::NAMESPACE_POLICY,
        &service::COMBINED_POLICY,
        &MODES,
        &CONFLICT_POLICY,
        &ACTION,
    ];
    static STORED: [&ClassSpec; 2] = [&SAVED_DATASET, &VALIDATION_REFERENCE];
    OTHERS
        .into_iter()
        .chain(POLICIES)
        .chain(STORED)
        .chain(views::CLASSES.iter().copied())
        .chain(sources::classes())
}

/// `TransformationMode`.
static MODES: ClassSpec = ClassSpec {
    name: "TransformationMode",
    module: "feast.transformation.mode",
    class_attribute: Some(|name| {
        let modes = [
            "PYTHON",
            "PANDAS",
            "SPARK_SQL",
            "SPARK",
            "FLINK",
            "RAY",
            "SQL",
            "TRINO_SQL",
            "SUBSTRAIT",
        ];
        let value = Value::text(name.to_lowercase());
        modes
            .contains(&name)
            .then(|| Value::Member(Member::valued("TransformationMode", name, value)))
    }),
    refused: Some((
        "calling TransformationMode",
        "name the member, for instance TransformationMode.PYTHON",
    )),
    ..ClassSpec::BASE
};

/// `ConflictPolicy`.
static CONFLICT_POLICY: ClassSpec = ClassSpec {
    name: "ConflictPolicy",
    module: "feast.labeling.conflict_policy",
    class_attribute: Some(|name| {
        let known = ["LAST_WRITE_WINS", "LABELER_PRIORITY", "MAJORITY_VOTE"];
        let value = Value::text(name.to_lowercase());
        known.contains(&name).then(|| Value::Member(Member::valued("ConflictPolicy", name, value)))
    }),
    refused: Some((
        "calling ConflictPolicy",
        "name the member, for instance ConflictPolicy.MAJORITY_VOTE",
    )),
    ..ClassSpec::BASE
};

/// `AuthzedAction`.
static ACTION: ClassSpec = ClassSpec {
    name: "AuthzedAction",
    module: "feast.permissions.action",
    class_attribute: Some(service::action),
    refused: Some((
        "calling AuthzedAction",
        "name the member, for instance AuthzedAction.DESCRIBE",
    )),
    ..ClassSpec::BASE
};

/// `SavedDataset`, as a type of permission only.
static SAVED_DATASET: ClassSpec = ClassSpec {
    name: "SavedDataset",
    module: "feast.saved_dataset",
    refused: Some(("a saved dataset in a definition", "it is made from a retrieval, not defined")),
    ..ClassSpec::BASE
};

/// `ValidationReference`, as a type of permission only.
static VALIDATION_REFERENCE: ClassSpec = ClassSpec {
    name: "ValidationReference",
    module: "feast.saved_dataset",
    refused: Some((
        "a validation reference in a definition",
        "it is made from a saved dataset, not defined",
    )),
    ..ClassSpec::BASE
};

/// The class of a name; when two share it, the one of this module.
pub(in crate::python) fn class(module: &str, name: &str) -> Option<&'static ClassSpec> {
    let named = || classes().filter(|spec| spec.name == name);
    named().find(|spec| spec.module == module).or_else(|| named().next())
}

/// The members of an enumeration with this name, or the names of all.
pub(in crate::python) fn members(
    enumeration: &str,
    name: &str,
) -> Result<Vec<Value>, Vec<&'static str>> {
    let list = |value: Value| match value {
        Value::List(list) => list.0.borrow().clone(),
        member => vec![member],
    };
    if enumeration == "AuthzedAction" {
        let found = service::action(name).or_else(|| service::actions(name));
        return found.map(list).ok_or_else(service::action_names);
    }
    let attribute = class("", enumeration).and_then(|spec| spec.class_attribute);
    let found = attribute.and_then(|attribute| attribute(name));
    found.map(list).ok_or_else(views::policy_names)
}

fn known(module: &str, name: &str) -> Option<Value> {
    match (module, name) {
        ("feast.types", name) if types::alias(name).is_some() => types::alias(name),
        ("feast.data_source", "RequestDataSource") => class("", "RequestSource").map(Value::Record),
        (_, "AllowAll") => Some(Value::None),
        ("feast.permissions.action", name) if service::actions(name).is_some() => {
            service::actions(name)
        }
        _ => class(module, name).map(Value::Record),
    }
}

impl Library for Feast {
    fn attribute(&self, module: &str, name: &str) -> Option<LibraryName> {
        if !self.has_module(module) {
            return None;
        }
        Some(match known(module, name) {
            Some(_) if module == "feast" && !TOP_LEVEL.contains(&name) => LibraryName::Missing,
            Some(value) => LibraryName::Known(value),
            None if module == "feast" && name == "__version__" => {
                LibraryName::Known(Value::text("0.67.0"))
            }
            None if module == "feast" && NOT_FOR_DEFINITIONS.contains(&name) => {
                LibraryName::Foreign
            }
            None if module == "feast" || module == "feast.types" => LibraryName::Missing,
            None => LibraryName::Foreign,
        })
    }

    fn has_module(&self, module: &str) -> bool {
        // Every module below `feast` is let through: which ones exist depends on the version.
        let below = module.strip_prefix("feast.").and_then(|rest| rest.rsplit('.').next());
        module == "feast"
            || below.is_some_and(|name| !name.is_empty() && !name.starts_with(char::is_uppercase))
    }

    fn names(&self, module: &str) -> Vec<&'static str> {
        match module {
            "feast" => TOP_LEVEL.to_vec(),
            "feast.types" => types::aliases().chain(["Array", "Set", "Struct"]).collect(),
            _ => classes().filter(|spec| spec.module == module).map(|spec| spec.name).collect(),
        }
    }

    fn decorate(
        &self,
        interpreter: &mut Interpreter<'_>,
        decorator: &PendingDecorator,
        function: &Rc<Function>,
    ) -> Outcome<Value> {
        views::decorate(interpreter, decorator, function)
    }
}

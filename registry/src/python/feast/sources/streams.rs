//! Kafka, Kinesis, push and request sources.

use std::rc::Rc;

use super::{OLD_TIMESTAMP, SOURCE};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, Parameter, nullable, optional, required,
};
use crate::python::eval::value::Value;
use crate::python::feast::{field, types};

const DESCRIBED: &[Parameter] = &[
    nullable("description", Kind::Text, Fallback::Text("")),
    optional("tags", Kind::TextMap),
    nullable("owner", Kind::Text, Fallback::Text("")),
];

const STREAMED: &[Parameter] = &[
    nullable("created_timestamp_column", Kind::Text, Fallback::Text("")),
    optional("field_mapping", Kind::TextMap),
    nullable("description", Kind::Text, Fallback::Text("")),
    optional("tags", Kind::TextMap),
    nullable("owner", Kind::Text, Fallback::Text("")),
    optional("batch_source", Kind::Object("DataSource")),
];

/// `KafkaSource`.
static KAFKA: ClassSpec = ClassSpec {
    name: "KafkaSource",
    module: "feast.data_source",
    parameters: &[
        required("name", Kind::Text),
        required("timestamp_field", Kind::Text),
        required("message_format", Kind::Object("StreamFormat")),
        optional("bootstrap_servers", Kind::Text),
        optional("kafka_bootstrap_servers", Kind::Text),
        optional("topic", Kind::Text),
        optional("watermark_delay_threshold", Kind::Duration),
    ],
    shared: STREAMED,
    ..SOURCE
};

/// `KinesisSource`.
static KINESIS: ClassSpec = ClassSpec {
    name: "KinesisSource",
    module: "feast.data_source",
    parameters: &[
        required("name", Kind::Text),
        required("record_format", Kind::Object("StreamFormat")),
        required("region", Kind::Text),
        required("stream_name", Kind::Text),
        nullable("timestamp_field", Kind::Text, Fallback::Text("")),
    ],
    shared: STREAMED,
    ..SOURCE
};

/// `PushSource`.
static PUSH: ClassSpec = ClassSpec {
    name: "PushSource",
    module: "feast.data_source",
    parameters: &[
        required("name", Kind::Text),
        optional("batch_source", Kind::Object("DataSource")),
    ],
    shared: DESCRIBED,
    legacy: &[],
    ..SOURCE
};

/// `RequestSource`, and its older name `RequestDataSource`.
pub(super) static REQUEST: ClassSpec = ClassSpec {
    name: "RequestSource",
    module: "feast.data_source",
    parameters: &[
        required("name", Kind::Text),
        required("schema", Kind::AnyOf(&[Kind::List(&Kind::Object("Field")), Kind::Map])),
        optional("timestamp_field", Kind::Text),
    ],
    shared: DESCRIBED,
    legacy_positional: &["name", "schema"],
    legacy: OLD_TIMESTAMP,
    ..SOURCE
};

/// All of them.
pub(super) const CLASSES: &[&ClassSpec] = &[&KAFKA, &KINESIS, &PUSH, &REQUEST];

/// Fields of a request source, also from the older `{name: ValueType}`.
pub(super) fn request_schema(
    interpreter: &mut Interpreter<'_>,
    object: &Rc<Object>,
) -> Outcome<()> {
    let Value::Dict(schema) = object.get("schema") else { return Ok(()) };
    let message = format!(
        "request source \"{}\": a schema is a list of fields since Feast 0.22",
        object.name()
    );
    interpreter.warn(message, object.location.clone());
    let mut fields = Vec::new();
    for (name, dtype) in schema.0.borrow().values() {
        let known = types::registry_type(dtype).ok().and_then(types::from_value_type);
        let Some(dtype) = known else {
            return Err(object.error("the schema of a request source maps names to types"));
        };
        let attributes = [("name", name.clone()), ("dtype", dtype), ("tags", Value::None)];
        let attributes =
            attributes.into_iter().map(|(name, value)| (Rc::from(name), value)).collect();
        let made = Object::new(&field::FIELD, attributes, object.location.clone());
        field::empty_tags(&made);
        fields.push(Value::Object(made));
    }
    object.set("schema", Value::list(fields));
    Ok(())
}

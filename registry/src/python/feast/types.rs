//! `feast.types`: primitive types, `Array`, `Set`, `Struct`; and their registry types.

use std::rc::Rc;

use larder_core::{Error, Result, ValueType};

use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::json;
use crate::python::eval::member::Member;
use crate::python::eval::record::{ClassSpec, Kind, Object, required};
use crate::python::eval::value::Value;

/// Name of the enumeration of primitive types.
pub(super) const PRIMITIVE: &str = "PrimitiveFeastType";
/// Name of the enumeration of registry types.
pub(super) const VALUE_TYPE: &str = "ValueType";

/// Tag in which Feast keeps the fields of a struct.
const STRUCT_SCHEMA_TAG: &str = "feast:struct_schema";
/// Tag in which Feast keeps what a nested collection holds.
const INNER_TYPE_TAG: &str = "feast:nested_inner_type";

/// Alias in `feast.types`, member of `PrimitiveFeastType`, registry type.
const PRIMITIVES: [(&str, &str, ValueType); 18] = [
    ("Invalid", "INVALID", ValueType::Unknown),
    ("Bytes", "BYTES", ValueType::Bytes),
    ("PdfBytes", "PDF_BYTES", ValueType::PdfBytes),
    ("ImageBytes", "IMAGE_BYTES", ValueType::ImageBytes),
    ("String", "STRING", ValueType::String),
    ("Bool", "BOOL", ValueType::Bool),
    ("Int32", "INT32", ValueType::Int32),
    ("Int64", "INT64", ValueType::Int64),
    ("Float32", "FLOAT32", ValueType::Float),
    ("Float64", "FLOAT64", ValueType::Double),
    ("UnixTimestamp", "UNIX_TIMESTAMP", ValueType::UnixTimestamp),
    ("Map", "MAP", ValueType::Map),
    ("Json", "JSON", ValueType::Json),
    ("Uuid", "UUID", ValueType::Uuid),
    ("TimeUuid", "TIME_UUID", ValueType::TimeUuid),
    ("Decimal", "DECIMAL", ValueType::Decimal),
    ("ScalarMap", "SCALAR_MAP", ValueType::ScalarMap),
    ("ZonedTimestamp", "ZONED_TIMESTAMP", ValueType::ZonedTimestamp),
];

/// What a `dtype` may be. Registry types are an older spelling.
pub(super) const DTYPE: Kind = Kind::AnyOf(&[
    Kind::Member(PRIMITIVE),
    Kind::Object("ComplexFeastType"),
    Kind::Member(VALUE_TYPE),
]);

const ELEMENT: Kind = Kind::AnyOf(&[Kind::Member(PRIMITIVE), Kind::Object("ComplexFeastType")]);

/// `Array(base_type)`.
pub(super) static ARRAY: ClassSpec = ClassSpec {
    name: "Array",
    module: "feast.types",
    ancestors: &["ComplexFeastType"],
    parameters: &[required("base_type", ELEMENT)],
    positional: 1,
    finish: Some(supported),
    display: Some(display),
    ..ClassSpec::BASE
};

/// `Set(base_type)`.
pub(super) static SET: ClassSpec = ClassSpec {
    name: "Set",
    module: "feast.types",
    ancestors: &["ComplexFeastType"],
    parameters: &[required("base_type", ELEMENT)],
    positional: 1,
    finish: Some(supported),
    display: Some(display),
    ..ClassSpec::BASE
};

/// `Struct({name: type})`.
pub(super) static STRUCT: ClassSpec = ClassSpec {
    name: "Struct",
    module: "feast.types",
    ancestors: &["ComplexFeastType"],
    parameters: &[required("fields", Kind::Map)],
    positional: 1,
    finish: Some(|interpreter, object| {
        if object.get("fields").truth() {
            supported(interpreter, object)
        } else {
            Err(object.error("Struct must have at least one field"))
        }
    }),
    display: Some(display),
    ..ClassSpec::BASE
};

/// The class `PrimitiveFeastType` itself.
pub(super) static PRIMITIVE_CLASS: ClassSpec = ClassSpec {
    name: PRIMITIVE,
    module: "feast.types",
    class_attribute: Some(member_of_primitive),
    class_item: Some(|_, index| {
        let member = index.as_str().and_then(member_of_primitive);
        member.ok_or_else(|| unknown_member(PRIMITIVE, index))
    }),
    refused: Some(("calling PrimitiveFeastType", "use a name of feast.types, for instance Int64")),
    ..ClassSpec::BASE
};

/// The class `ValueType`.
pub(super) static VALUE_TYPE_CLASS: ClassSpec = ClassSpec {
    name: VALUE_TYPE,
    module: "feast.value_type",
    class_attribute: Some(value_type_member),
    class_item: Some(|_, index| {
        let member = index.as_str().and_then(value_type_member);
        member.ok_or_else(|| unknown_member(VALUE_TYPE, index))
    }),
    refused: Some(("calling ValueType", "name the member, for instance ValueType.INT64")),
    ..ClassSpec::BASE
};

fn unknown_member(class: &str, index: &Value) -> crate::python::eval::exception::Stop {
    let name = index.as_str().unwrap_or_default();
    let message = format!("{class} has no member \"{name}\"");
    crate::python::eval::exception::Exception::raise("KeyError", message)
}

fn member_of_primitive(name: &str) -> Option<Value> {
    let known = PRIMITIVES.iter().any(|(_, member, _)| *member == name);
    known.then(|| Value::Member(Member::plain(PRIMITIVE, name)))
}

/// A member of `ValueType`; its value is Feast's number.
pub(in crate::python) fn value_type_member(name: &str) -> Option<Value> {
    let value_type = ValueType::from_name(name).filter(|value_type| value_type.name() == name)?;
    let number = Value::Int(i128::from(value_type.number()));
    Some(Value::Member(Member::valued(VALUE_TYPE, name, number)))
}

/// A primitive type by its alias in `feast.types`.
pub(in crate::python) fn alias(name: &str) -> Option<Value> {
    let (_, member, _) = PRIMITIVES.iter().find(|(alias, _, _)| *alias == name)?;
    Some(Value::Member(Member::plain(PRIMITIVE, member)))
}

/// Every alias.
pub(in crate::python) fn aliases() -> impl Iterator<Item = &'static str> {
    PRIMITIVES.iter().map(|(alias, _, _)| *alias)
}

/// The feast type of a registry type, as `from_value_type` gives it.
pub(in crate::python) fn from_value_type(value_type: ValueType) -> Option<Value> {
    if let Some((_, member, _)) = PRIMITIVES.iter().find(|(_, _, known)| *known == value_type) {
        return Some(Value::Member(Member::plain(PRIMITIVE, member)));
    }
    let (spec, element) = match (value_type.list_element(), value_type.set_element()) {
        (Some(element), _) => (&ARRAY, element),
        (None, Some(element)) => (&SET, element),
        (None, None) => return None,
    };
    let attributes = [(Rc::from("base_type"), from_value_type(element)?)];
    let location = larder_core::Location { file: String::new(), line: 0, column: 0 };
    Some(Value::Object(Object::new(spec, attributes.into_iter().collect(), location)))
}

/// Construction fails for types that the registry cannot hold, as in Feast.
fn supported(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    match registry_type(&Value::Object(Rc::clone(object))) {
        Ok(_) => Ok(()),
        Err(error) => Err(object.error(error.message())),
    }
}

/// The registry type of a `dtype`.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for an element type that the collection cannot hold.
pub(in crate::python) fn registry_type(dtype: &Value) -> Result<ValueType> {
    match dtype {
        Value::Member(member) if *member.class == *VALUE_TYPE => {
            Ok(ValueType::from_name(&member.name).unwrap_or_default())
        }
        Value::Member(member) => {
            let known = PRIMITIVES.iter().find(|(_, name, _)| **name == *member.name);
            known.map(|(_, _, value_type)| *value_type).ok_or_else(|| no_type(dtype))
        }
        Value::Object(object) if object.is_a("Struct") => {
            for (_, field) in struct_fields(object) {
                registry_type(&field)?;
            }
            Ok(ValueType::Struct)
        }
        Value::Object(object) => collection(object),
        other => Err(no_type(other)),
    }
}

fn collection(object: &Object) -> Result<ValueType> {
    let base = object.get("base_type");
    let element = registry_type(&base)?;
    let nested = base.as_object().is_some_and(|base| base.is_a("Array") || base.is_a("Set"));
    let found = match (object.is_a("Array"), nested) {
        (true, true) => Some(ValueType::ValueList),
        (false, true) => Some(ValueType::ValueSet),
        (true, false) => element.list_of(),
        (false, false) => element.set_of(),
    };
    found.ok_or_else(|| {
        let what = text(&base);
        Error::invalid(format!("{}({what}) is no type that Feast can store", object.spec.name))
    })
}

fn no_type(value: &Value) -> Error {
    Error::invalid(format!("a value of type {} is no feature type", value.type_name()))
}

fn struct_fields(object: &Object) -> Vec<(String, Value)> {
    let Value::Dict(fields) = object.get("fields") else { return Vec::new() };
    let fields = fields.0.borrow();
    let field = |(name, dtype): &(Value, Value)| {
        (name.as_str().unwrap_or_default().to_owned(), dtype.clone())
    };
    fields.values().map(field).collect()
}

/// The tags in which Feast stores what the registry type does not say.
pub(super) fn internal_tags(dtype: &Value) -> Vec<(String, String)> {
    let Value::Object(object) = dtype else { return Vec::new() };
    if object.is_a("Struct") {
        return vec![(STRUCT_SCHEMA_TAG.to_owned(), schema(object))];
    }
    match object.get("base_type") {
        Value::Object(base) if base.is_a("Struct") && object.is_a("Array") => {
            vec![(STRUCT_SCHEMA_TAG.to_owned(), schema(&base))]
        }
        Value::Object(base) if !base.is_a("Struct") => {
            vec![(INNER_TYPE_TAG.to_owned(), stored_text(dtype))]
        }
        _ => Vec::new(),
    }
}

/// JSON object of a struct's fields, written as Python's `json.dumps` does.
fn schema(object: &Object) -> String {
    let field = |(name, dtype): (String, Value)| {
        format!("{}: {}", json::quoted(&name), json::quoted(&stored_text(&dtype)))
    };
    let fields: Vec<String> = struct_fields(object).into_iter().map(field).collect();
    format!("{{{}}}", fields.join(", "))
}

/// The text under which Feast stores a type inside those tags.
fn stored_text(dtype: &Value) -> String {
    match dtype {
        Value::Member(member) => member.name.as_ref().to_owned(),
        Value::Object(object) if object.is_a("Struct") => {
            format!("{{\"__struct__\": {}}}", schema(object))
        }
        Value::Object(object) => {
            format!("{}({})", object.spec.name, stored_text(&object.get("base_type")))
        }
        _ => String::new(),
    }
}

/// The text that `str(type)` gives: `Array(Int64)`.
fn text(dtype: &Value) -> String {
    match dtype {
        Value::Member(member) => {
            let known = PRIMITIVES.iter().find(|(_, name, _)| **name == *member.name);
            known.map_or(&*member.name, |(alias, _, _)| alias).to_owned()
        }
        Value::Object(object) if object.is_a("Struct") => {
            let field = |(name, dtype): (String, Value)| format!("{name}: {}", text(&dtype));
            let fields: Vec<String> = struct_fields(object).into_iter().map(field).collect();
            format!("Struct({{{}}})", fields.join(", "))
        }
        Value::Object(object) => {
            format!("{}({})", object.spec.name, text(&object.get("base_type")))
        }
        _ => String::new(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a display hook")]
fn display(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<String> {
    Ok(text(&Value::Object(Rc::clone(object))))
}

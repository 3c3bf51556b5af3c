//! Values of every type as Feast 0.67 encodes them and as its server shows them.

use larder_core::ValueType;
use larder_proto::wire::value::value_case;
use larder_tests::Repository;
use serde_json::Value as Json;

/// One recorded value.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    /// Name of a feature for it.
    pub(crate) feature: String,
    /// Type of that feature.
    pub(crate) value_type: ValueType,
    pub(crate) bytes: Vec<u8>,
    /// As JSON.
    pub(crate) json: Json,
}

/// All of them, and one for each type that is stored as another.
pub(crate) fn values() -> Vec<Recorded> {
    let path = Repository::workspace().join("tests/vectors/online/values.json");
    let text = std::fs::read_to_string(path).expect("the vectors can be read");
    let vectors: Json = serde_json::from_str(&text).expect("JSON");
    let recorded = vectors["values"].as_array().expect("values");
    let mut values: Vec<Recorded> = recorded.iter().map(value).collect();
    let bytes = values.iter().find(|value| value.name == "bytes").expect("bytes").clone();
    for value_type in [ValueType::PdfBytes, ValueType::ImageBytes] {
        let name = value_type.name().to_owned();
        values.push(Recorded { name, value_type, ..bytes.clone() });
    }
    for (at, value) in values.iter_mut().enumerate() {
        value.feature = format!("f{at}");
    }
    values
}

fn value(recorded: &Json) -> Recorded {
    let text = |key: &str| recorded[key].as_str().expect("text").to_owned();
    let hex = text("hex");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let case = value_case(&bytes).expect("a value");
    Recorded {
        name: text("name"),
        feature: String::new(),
        // A null may be one of any type.
        value_type: case.filter(|case| *case != ValueType::Null).unwrap_or(ValueType::Int64),
        bytes,
        json: recorded["http_json"].clone(),
    }
}

/// The `dtype` of a feature.
pub(crate) fn dtype(value_type: ValueType) -> String {
    match value_type {
        ValueType::ValueList => "Array(Array(Int64))".to_owned(),
        ValueType::ValueSet => "Set(Array(String))".to_owned(),
        other => format!("ValueType.{}", other.name()),
    }
}

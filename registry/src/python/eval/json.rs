//! `json.dumps` and `json.loads`.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::value::Value;
use super::{files, repr};

/// `json.dumps(value, indent=..., sort_keys=...)`, with Python's blanks after separators.
pub(super) fn dumps(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let value = arguments.value(0).cloned().unwrap_or(Value::None);
    let sort = arguments.keyword("sort_keys").is_some_and(Value::truth);
    let indent = arguments.keyword("indent").and_then(Value::as_int);
    let indent = indent.and_then(|indent| usize::try_from(indent).ok()).map(|width| width.min(16));
    let mut out = String::new();
    write(interpreter, &value, Layout { sort, indent }, 0, &mut out)?;
    Ok(Value::text(out))
}

#[derive(Clone, Copy)]
struct Layout {
    sort: bool,
    indent: Option<usize>,
}

/// Text of a value as `json.dumps` writes it by default.
pub(crate) fn dump(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<String> {
    let mut out = String::new();
    write(interpreter, value, Layout { sort: false, indent: None }, 0, &mut out)?;
    Ok(out)
}

fn write(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    layout: Layout,
    depth: usize,
    out: &mut String,
) -> Outcome<()> {
    interpreter.tick()?;
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) if number.is_finite() => out.push_str(&repr::float(*number)),
        Value::Str(text) => out.push_str(&quoted(text)),
        Value::List(_) | Value::Tuple(_) => {
            let items = super::iterate::collect(interpreter, value)?;
            let entries = items.into_iter().map(|item| (String::new(), item)).collect();
            block(interpreter, entries, ('[', ']'), layout, depth, out)?;
        }
        Value::Dict(dict) => {
            let mut entries: Vec<(Value, Value)> = dict.0.borrow().values().cloned().collect();
            if layout.sort {
                entries.sort_by(|left, right| left.0.as_str().cmp(&right.0.as_str()));
            }
            let mut named = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = match &key {
                    Value::Str(text) => quoted(text),
                    other => quoted(&dump(interpreter, other)?),
                };
                named.push((format!("{key}: "), value));
            }
            block(interpreter, named, ('{', '}'), layout, depth, out)?;
        }
        other => {
            let message = format!("a value of type {} has no JSON form", other.type_name());
            return Err(Exception::raise("TypeError", message));
        }
    }
    interpreter.charge_text(out.len().min(4096))
}

fn block(
    interpreter: &mut Interpreter<'_>,
    entries: Vec<(String, Value)>,
    (open, close): (char, char),
    layout: Layout,
    depth: usize,
    out: &mut String,
) -> Outcome<()> {
    out.push(open);
    let empty = entries.is_empty();
    let line = |out: &mut String, depth: usize| {
        if let Some(width) = layout.indent {
            out.push('\n');
            out.push_str(&" ".repeat(width * depth));
        }
    };
    for (position, (name, value)) in entries.into_iter().enumerate() {
        if position > 0 {
            out.push_str(if layout.indent.is_some() { "," } else { ", " });
        }
        line(out, depth + 1);
        out.push_str(&name);
        interpreter.nested(|interpreter| write(interpreter, &value, layout, depth + 1, out))?;
    }
    if !empty {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}

/// Text in quotes as `json.dumps` writes it: everything outside ASCII escaped.
pub(crate) fn quoted(text: &str) -> String {
    let json = Json::from(text).to_string();
    let mut out = String::with_capacity(json.len());
    for symbol in json.chars() {
        if symbol.is_ascii() && symbol != '\u{7f}' {
            out.push(symbol);
        } else {
            for unit in symbol.encode_utf16(&mut [0; 2]) {
                let _written = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// `json.loads(text)` and `json.load(file)`.
pub(super) fn loads(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let text = files::content(arguments.value(0)).unwrap_or_default();
    interpreter.charge(text.len())?;
    let json: Json = serde_json::from_str(&text).map_err(|error| bad(&error))?;
    Ok(value(json))
}

fn bad(error: &serde_json::Error) -> Stop {
    Exception::raise("ValueError", format!("the text is no JSON: {error}"))
}

pub(super) fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match number.as_i128() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.into_iter().map(value).collect()),
        Json::Object(entries) => {
            Value::text_dict(entries.into_iter().map(|(name, entry)| (name.into(), value(entry))))
        }
    }
}

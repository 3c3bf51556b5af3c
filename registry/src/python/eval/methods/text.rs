//! Methods of `str` and `bytes`.

use std::rc::Rc;

use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::value::Value;
use crate::python::eval::{format, iterate};

/// Methods of strings.
pub(super) const METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

/// Methods of bytes.
pub(super) const BYTES_METHODS: &[&str] = &["decode"];

/// `bytes.decode()`.
pub(super) fn decode(bytes: &[u8]) -> Outcome<Value> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) => Err(Exception::raise("ValueError", "the bytes are not UTF-8 text")),
    }
}

/// Calls a method of a string.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    text: &Rc<str>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    interpreter.charge_text(text.len())?;
    if let Some(value) = plain(text, name) {
        return Ok(value);
    }
    match name {
        "format" => Ok(Value::text(format::str_format(interpreter, text, arguments)?)),
        "format_map" => {
            let mapping = arguments.value(0).cloned().unwrap_or(Value::None);
            let spread = spread(interpreter, &mapping);
            Ok(Value::text(format::str_format(interpreter, text, &spread)?))
        }
        "join" => join(interpreter, text, arguments),
        "startswith" | "endswith" => affix(text, name, arguments),
        "encode" => Ok(Value::Bytes(Rc::from(text.as_bytes()))),
        "strip" | "lstrip" | "rstrip" => Ok(strip(text, name, arguments.value(0))),
        "split" | "rsplit" => split(text, name, arguments),
        "splitlines" => Ok(Value::list(text.lines().map(Value::text).collect())),
        "ljust" | "rjust" | "center" | "zfill" => justify(interpreter, text, name, arguments),
        _ => search(interpreter, text, name, arguments),
    }
}

/// Methods without arguments.
fn plain(text: &str, name: &str) -> Option<Value> {
    let all = |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
    Some(match name {
        "lower" => Value::text(text.to_lowercase()),
        "casefold" => Value::text(text.to_lowercase().replace('ß', "ss")),
        "upper" => Value::text(text.to_uppercase()),
        "capitalize" => {
            let mut symbols = text.chars();
            let first: String = symbols.next().into_iter().flat_map(char::to_uppercase).collect();
            Value::text(first + &symbols.as_str().to_lowercase())
        }
        "title" => Value::text(title(text)),
        "swapcase" => Value::text(
            text.chars()
                .flat_map(|symbol| -> Vec<char> {
                    if symbol.is_uppercase() {
                        symbol.to_lowercase().collect()
                    } else {
                        symbol.to_uppercase().collect()
                    }
                })
                .collect::<String>(),
        ),
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isdigit" | "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "islower" => Value::Bool(
            text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        ),
        "isupper" => Value::Bool(
            text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        ),
        "isidentifier" => {
            let word = text.chars().all(|symbol| symbol.is_alphanumeric() || symbol == '_');
            Value::Bool(word && text.chars().next().is_some_and(|first| !first.is_numeric()))
        }
        _ => return None,
    })
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for symbol in text.chars() {
        if inside {
            out.extend(symbol.to_lowercase());
        } else {
            out.extend(symbol.to_uppercase());
        }
        inside = symbol.is_alphabetic();
    }
    out
}

/// `format_map(mapping)` as `format(**mapping)`.
fn spread(interpreter: &Interpreter<'_>, mapping: &Value) -> Arguments {
    let mut arguments = Arguments::of(interpreter, Vec::new());
    if let Value::Dict(dict) = mapping {
        let range = arguments.range;
        let entries = dict.0.borrow();
        arguments.keywords = entries
            .values()
            .filter_map(|(key, value)| {
                let argument = super::super::call::Argument { value: value.clone(), range };
                Some((Rc::from(key.as_str()?), argument))
            })
            .collect();
    }
    arguments
}

fn join(
    interpreter: &mut Interpreter<'_>,
    separator: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [items] = arguments.bind("join", ["iterable"], 1)?;
    let mut out = String::new();
    let items = iterate::collect(interpreter, &items.unwrap_or(Value::None))?;
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push_str(separator);
        }
        let Some(text) = item.as_str() else {
            let message = format!("join() takes strings, not {}", item.type_name());
            return Err(Exception::raise("TypeError", message));
        };
        out.push_str(text);
        interpreter.charge_text(text.len() + separator.len())?;
    }
    Ok(Value::text(out))
}

fn affix(text: &str, name: &str, arguments: &Arguments) -> Outcome<Value> {
    let has = |affix: &str| match name {
        "startswith" => text.starts_with(affix),
        _ => text.ends_with(affix),
    };
    match arguments.value(0) {
        Some(Value::Tuple(affixes)) => {
            Ok(Value::Bool(affixes.0.iter().filter_map(Value::as_str).any(has)))
        }
        Some(affix) if affix.as_str().is_some() => {
            Ok(Value::Bool(has(affix.as_str().unwrap_or_default())))
        }
        _ => Err(Exception::raise("TypeError", format!("{name}() takes a string"))),
    }
}

fn strip(text: &str, name: &str, symbols: Option<&Value>) -> Value {
    let symbols = symbols.and_then(Value::as_str).map(str::to_owned);
    let strips = |symbol: char| match &symbols {
        Some(symbols) => symbols.contains(symbol),
        None => symbol.is_whitespace(),
    };
    Value::text(match name {
        "strip" => text.trim_matches(strips),
        "lstrip" => text.trim_start_matches(strips),
        _ => text.trim_end_matches(strips),
    })
}

fn split(text: &str, name: &str, arguments: &Arguments) -> Outcome<Value> {
    let [separator, limit] = arguments.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = limit.and_then(|limit| usize::try_from(limit.as_int()?).ok());
    let limit = limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
    let separator = separator.filter(|separator| !separator.is_none());
    let parts: Vec<&str> = match separator.as_ref().map(Value::as_str) {
        Some(Some("")) => return Err(Exception::raise("ValueError", "empty separator")),
        Some(Some(separator)) if name == "split" => text.splitn(limit, separator).collect(),
        Some(Some(separator)) => {
            let mut parts: Vec<&str> = text.rsplitn(limit, separator).collect();
            parts.reverse();
            parts
        }
        Some(None) => return Err(Exception::raise("TypeError", "the separator must be a string")),
        None if limit == usize::MAX => text.split_whitespace().collect(),
        None => split_blanks(text, limit),
    };
    Ok(Value::list(parts.into_iter().map(Value::text).collect()))
}

/// `split(None, n)`: at runs of blanks, the rest as it is.
fn split_blanks(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while parts.len() + 1 < limit
        && let Some(end) = rest.find(char::is_whitespace)
    {
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest.trim_end());
    }
    parts
}

fn justify(
    interpreter: &mut Interpreter<'_>,
    text: &str,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [width, fill] = arguments.bind(name, ["width", "fillchar"], 1)?;
    let width = width.and_then(|width| width.as_int()).unwrap_or(0).clamp(0, 10_000);
    let fill = fill.as_ref().and_then(Value::as_str).unwrap_or(" ");
    let (fill, align) = match name {
        "ljust" => (fill, '<'),
        "rjust" => (fill, '>'),
        "center" => (fill, '^'),
        _ => ("0", '='),
    };
    let spec = format!("{fill}{align}{width}");
    if align == '=' {
        let width = usize::try_from(width).unwrap_or(0);
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
        let zeros = "0".repeat(width.saturating_sub(text.chars().count()));
        return Ok(Value::text(format!("{sign}{zeros}{digits}")));
    }
    Ok(Value::text(format::format(interpreter, &Value::text(text), &spec)?))
}

/// Methods that look for a part.
fn search(
    interpreter: &mut Interpreter<'_>,
    text: &str,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let part = |position| {
        let part = arguments.value(position).and_then(Value::as_str);
        part.ok_or_else(|| Exception::raise("TypeError", format!("{name}() takes a string")))
    };
    let place = |found: Option<usize>| match found {
        Some(at) => i128::try_from(text[..at].chars().count()).unwrap_or(i128::MAX),
        None => -1,
    };
    Ok(match name {
        "replace" => {
            let limit = arguments.value(2).and_then(Value::as_int);
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
            let (old, new) = (part(0)?, part(1)?);
            let count = text.matches(old).count().min(limit);
            interpreter.charge_text(count.saturating_mul(new.len()))?;
            Value::text(text.replacen(old, new, limit))
        }
        "count" => Value::Int(i128::try_from(text.matches(part(0)?).count()).unwrap_or(i128::MAX)),
        "find" => Value::Int(place(text.find(part(0)?))),
        "rfind" => Value::Int(place(text.rfind(part(0)?))),
        "index" => match text.find(part(0)?) {
            Some(at) => Value::Int(place(Some(at))),
            None => return Err(Exception::raise("ValueError", "the part is not in the text")),
        },
        "removeprefix" => Value::text(text.strip_prefix(part(0)?).unwrap_or(text)),
        "removesuffix" => Value::text(text.strip_suffix(part(0)?).unwrap_or(text)),
        "partition" => {
            let separator = part(0)?;
            let (left, right) = text.split_once(separator).unwrap_or((text, ""));
            let found = if text.contains(separator) { separator } else { "" };
            Value::tuple([left, found, right].map(Value::text).to_vec())
        }
        _ => {
            let separator = part(0)?;
            let (left, right) = text.rsplit_once(separator).unwrap_or(("", text));
            let found = if text.contains(separator) { separator } else { "" };
            Value::tuple([left, found, right].map(Value::text).to_vec())
        }
    })
}

//! `str()` and `repr()` of values.

use std::fmt::Write as _;

use super::exception::Outcome;
use super::interpreter::Interpreter;
use super::operators::DAY;
use super::value::{DateTime, Value};

/// Python's `str(value)`.
pub(crate) fn display(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<String> {
    Ok(match value {
        Value::Str(text) | Value::Path(text) => text.as_ref().to_owned(),
        Value::Member(member) => match member.text() {
            Some(text) if member.plain_text() => text.to_owned(),
            _ => format!("{}.{}", member.class, member.name),
        },
        Value::DateTime(moment) => iso(*moment, ' '),
        Value::Date(date) => date.format("%Y-%m-%d").to_string(),
        Value::Duration(micros) => timedelta(*micros),
        Value::Instance(instance) => super::class::display(interpreter, instance)?,
        Value::Object(object) if object.spec.display.is_some() => {
            let display = object.spec.display.expect("checked in the guard");
            display(interpreter, object)?
        }
        other => repr(interpreter, other)?,
    })
}

/// Python's `repr(value)`.
pub(crate) fn repr(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<String> {
    interpreter.tick()?;
    let text = match value {
        Value::None => "None".to_owned(),
        Value::Ellipsis => "Ellipsis".to_owned(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Str(text) => quoted(text),
        Value::Bytes(bytes) => quoted_bytes(bytes),
        Value::Path(path) => format!("PosixPath({})", quoted(path)),
        Value::List(list) => {
            let items = list.0.borrow().clone();
            format!("[{}]", joined(interpreter, &items)?)
        }
        Value::Tuple(tuple) => {
            let comma = if tuple.0.len() == 1 { "," } else { "" };
            format!("({}{comma})", joined(interpreter, &tuple.0)?)
        }
        Value::Set(set) if set.0.borrow().is_empty() => "set()".to_owned(),
        Value::Set(set) => {
            let items: Vec<Value> = set.0.borrow().values().cloned().collect();
            format!("{{{}}}", joined(interpreter, &items)?)
        }
        Value::Dict(dict) => {
            let entries: Vec<(Value, Value)> = dict.0.borrow().values().cloned().collect();
            let mut parts = Vec::with_capacity(entries.len());
            interpreter.nested(|interpreter| {
                for (key, value) in &entries {
                    parts.push(format!(
                        "{}: {}",
                        repr(interpreter, key)?,
                        repr(interpreter, value)?
                    ));
                }
                Ok(())
            })?;
            format!("{{{}}}", parts.join(", "))
        }
        Value::Range(range) if range.step == 1 => format!("range({}, {})", range.start, range.stop),
        Value::Range(range) => format!("range({}, {}, {})", range.start, range.stop, range.step),
        Value::Duration(micros) => timedelta_repr(*micros),
        Value::Member(member) => {
            let value = repr(interpreter, &member.value)?;
            format!("<{}.{}: {value}>", member.class, member.name)
        }
        Value::Native(native) => format!("<built-in function {}>", native.name),
        Value::Type(kind) => format!("<class '{}'>", kind.name()),
        Value::Object(object) => match object.attribute("name") {
            Some(Value::Str(name)) => format!("<{} {}>", object.spec.name, quoted(&name)),
            _ => format!("<{}>", object.spec.name),
        },
        Value::DateTime(moment) => format!("datetime.datetime({})", iso(*moment, 'T')),
        other => format!("<{}>", other.type_name()),
    };
    interpreter.charge_text(text.len())?;
    Ok(text)
}

fn joined(interpreter: &mut Interpreter<'_>, items: &[Value]) -> Outcome<String> {
    interpreter.nested(|interpreter| {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            parts.push(repr(interpreter, item)?);
        }
        Ok(parts.join(", "))
    })
}

/// A float as Python prints it: shortest digits that read back, exponent from 1e16 and below 1e-4.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// Text in quotes, as Python writes it.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for symbol in text.chars() {
        match symbol {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            symbol if symbol == quote => {
                out.push('\\');
                out.push(symbol);
            }
            symbol if (symbol as u32) < 0x20 || symbol as u32 == 0x7f => {
                let _written = write!(out, "\\x{:02x}", symbol as u32);
            }
            symbol => out.push(symbol),
        }
    }
    out.push(quote);
    out
}

fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b'");
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(*byte)),
            other => {
                let _written = write!(out, "\\x{other:02x}");
            }
        }
    }
    out.push('\'');
    out
}

/// `!a` of an f-string: everything outside ASCII escaped.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for symbol in text.chars() {
        let _written = match symbol as u32 {
            0..0x80 => write!(out, "{symbol}"),
            code @ 0x80..0x100 => write!(out, "\\x{code:02x}"),
            code @ 0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        };
    }
    out
}

/// `str(timedelta)`: `1 day, 2:03:04.000005`.
fn timedelta(micros: i128) -> String {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let mut out = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    let _written = write!(out, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction != 0 {
        let _written = write!(out, ".{fraction:06}");
    }
    out
}

fn timedelta_repr(micros: i128) -> String {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let parts: Vec<String> =
        [("days", days), ("seconds", rest / 1_000_000), ("microseconds", rest % 1_000_000)]
            .into_iter()
            .filter(|(_, amount)| *amount != 0)
            .map(|(unit, amount)| format!("{unit}={amount}"))
            .collect();
    let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(", ") };
    format!("datetime.timedelta({parts})")
}

/// ISO text of a `datetime`.
pub(super) fn iso(moment: DateTime, separator: char) -> String {
    let mut out = moment.local.format(&format!("%Y-%m-%d{separator}%H:%M:%S")).to_string();
    let micros = moment.local.and_utc().timestamp_subsec_micros();
    if micros != 0 {
        let _written = write!(out, ".{micros:06}");
    }
    if let Some(offset) = moment.offset {
        let sign = if offset < 0 { '-' } else { '+' };
        let offset = offset.abs();
        let _written = write!(out, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60);
    }
    out
}

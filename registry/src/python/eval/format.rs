//! `format()`, f-string format specifications, `str.format` and `%`.

use std::rc::Rc;

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::operators::as_float;
use super::value::Value;
use super::{attribute, repr, subscript};

/// A parsed format specification: `[[fill]align][sign][#][0][width][,][.precision][type]`.
#[derive(Debug, Default, Clone)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Widest text that a format may ask for.
const MAX_WIDTH: usize = 10_000;

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let symbols: Vec<char> = text.chars().collect();
        let mut spec = Self::default();
        let mut at = 0;
        let is_align = |symbol: Option<&char>| matches!(symbol, Some('<' | '>' | '^' | '='));
        if is_align(symbols.get(1)) {
            spec.fill = symbols.first().copied();
            spec.align = symbols.get(1).copied();
            at = 2;
        } else if is_align(symbols.first()) {
            spec.align = symbols.first().copied();
            at = 1;
        }
        let mut take = |wanted: &[char]| {
            let found = symbols.get(at).copied().filter(|symbol| wanted.contains(symbol));
            at += usize::from(found.is_some());
            found
        };
        spec.sign = take(&['+', '-', ' ']);
        spec.alternate = take(&['#']).is_some();
        if take(&['0']).is_some() && spec.align.is_none() {
            spec.fill = Some('0');
            spec.align = Some('=');
        }
        spec.width = digits(&symbols, &mut at)?.unwrap_or(0);
        let mut take = |wanted: &[char]| {
            let found = symbols.get(at).copied().filter(|symbol| wanted.contains(symbol));
            at += usize::from(found.is_some());
            found
        };
        spec.grouping = take(&[',', '_']);
        if take(&['.']).is_some() {
            spec.precision = Some(digits(&symbols, &mut at)??);
        }
        spec.kind = symbols.get(at).copied();
        (at + usize::from(spec.kind.is_some()) == symbols.len() && spec.width <= MAX_WIDTH)
            .then_some(spec)
    }
}

/// A run of digits: `Some(None)` when there is none, `None` when it is too large.
#[expect(clippy::option_option, reason = "absent and too large are different answers")]
fn digits(symbols: &[char], at: &mut usize) -> Option<Option<usize>> {
    let run: String = symbols[*at..].iter().take_while(|symbol| symbol.is_ascii_digit()).collect();
    *at += run.len();
    if run.is_empty() {
        return Some(None);
    }
    run.parse().ok().filter(|number| *number <= MAX_WIDTH).map(Some)
}

/// Python's `format(value, spec)`.
pub(super) fn format(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    spec: &str,
) -> Outcome<String> {
    if spec.is_empty() {
        return repr::display(interpreter, value);
    }
    match value {
        Value::DateTime(moment) => return super::times::strftime(moment.local, spec),
        Value::Date(date) => {
            return super::times::strftime(date.and_time(chrono::NaiveTime::MIN), spec);
        }
        _ => {}
    }
    let bad = || Exception::raise("ValueError", format!("invalid format specification \"{spec}\""));
    let parsed = Spec::parse(spec).ok_or_else(bad)?;
    let (body, numeric) = match (value, parsed.kind) {
        (Value::Str(_) | Value::Path(_), None | Some('s')) => {
            let text = repr::display(interpreter, value)?;
            (text.chars().take(parsed.precision.unwrap_or(usize::MAX)).collect(), false)
        }
        (Value::Bool(_), None) => (repr::display(interpreter, value)?, false),
        (_, Some('s') | None) if as_float(value).is_none() => {
            let text = repr::display(interpreter, value)?;
            (text.chars().take(parsed.precision.unwrap_or(usize::MAX)).collect(), false)
        }
        _ => (number(value, &parsed).ok_or_else(bad)?, true),
    };
    Ok(pad(&body, &parsed, numeric))
}

fn number(value: &Value, spec: &Spec) -> Option<String> {
    let whole = value.as_int();
    let kind = spec.kind.unwrap_or_else(|| if whole.is_some() { 'd' } else { 'r' });
    let (negative, body) = match (kind, whole) {
        ('d' | 'n', Some(number)) => (number < 0, number.unsigned_abs().to_string()),
        ('b', Some(number)) => (number < 0, format!("{:b}", number.unsigned_abs())),
        ('o', Some(number)) => (number < 0, format!("{:o}", number.unsigned_abs())),
        ('x', Some(number)) => (number < 0, format!("{:x}", number.unsigned_abs())),
        ('X', Some(number)) => (number < 0, format!("{:X}", number.unsigned_abs())),
        ('c', Some(number)) => (false, char::from_u32(u32::try_from(number).ok()?)?.to_string()),
        _ => {
            let number = as_float(value)?;
            (number.is_sign_negative() && !number.is_nan(), decimal(number.abs(), kind, spec)?)
        }
    };
    let body = match spec.grouping {
        Some(separator) => {
            group(&body, separator, if kind == 'd' || whole.is_none() { 3 } else { 4 })
        }
        None => body,
    };
    let prefix = match (spec.alternate, kind) {
        (true, 'b' | 'o' | 'x' | 'X') => format!("0{kind}"),
        _ => String::new(),
    };
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    Some(format!("{sign}{prefix}{body}"))
}

/// A float that is not negative, in one of Python's presentations.
fn decimal(number: f64, kind: char, spec: &Spec) -> Option<String> {
    if !number.is_finite() {
        return Some(if number.is_nan() { "nan" } else { "inf" }.to_owned());
    }
    let precision = spec.precision.unwrap_or(6);
    Some(match kind {
        'f' | 'F' => format!("{number:.precision$}"),
        '%' => format!("{:.precision$}%", number * 100.0),
        'e' => exponent(number, precision, 'e'),
        'E' => exponent(number, precision, 'E'),
        'g' | 'G' => general(number, precision.max(1)),
        'r' => match spec.precision {
            None => repr::float(number),
            Some(precision) => {
                let text = general(number, precision.max(1));
                if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
            }
        },
        _ => return None,
    })
}

fn exponent(number: f64, precision: usize, letter: char) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{letter}{sign}{:02}", exponent.abs())
}

fn general(number: f64, precision: usize) -> String {
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let wide = i32::try_from(precision).unwrap_or(i32::MAX);
    let trim = |text: &str| {
        let trimmed = if text.contains('.') { text.trim_end_matches('0') } else { text };
        trimmed.trim_end_matches('.').to_owned()
    };
    if power < -4 || power >= wide {
        let text = exponent(number, precision - 1, 'e');
        let (digits, rest) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{rest}", trim(digits));
    }
    let decimals = usize::try_from(wide - 1 - power).unwrap_or(0);
    trim(&format!("{number:.decimals$}"))
}

fn group(body: &str, separator: char, size: usize) -> String {
    let (whole, rest) = match body.find(|symbol: char| !symbol.is_ascii_alphanumeric()) {
        Some(end) => body.split_at(end),
        None => (body, ""),
    };
    let mut out = String::new();
    for (position, symbol) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % size == 0 {
            out.push(separator);
        }
        out.push(symbol);
    }
    out + rest
}

fn pad(body: &str, spec: &Spec, numeric: bool) -> String {
    let missing = spec.width.saturating_sub(body.chars().count());
    let fill = |count: usize| spec.fill.unwrap_or(' ').to_string().repeat(count);
    match spec.align.unwrap_or(if numeric { '>' } else { '<' }) {
        '>' => fill(missing) + body,
        '^' => fill(missing / 2) + body + &fill(missing - missing / 2),
        '=' => {
            let sign = body.find(|symbol: char| !"+- ".contains(symbol)).unwrap_or(0);
            format!("{}{}{}", &body[..sign], fill(missing), &body[sign..])
        }
        _ => body.to_owned() + &fill(missing),
    }
}

/// `text.format(...)`.
pub(super) fn str_format(
    interpreter: &mut Interpreter<'_>,
    text: &str,
    arguments: &Arguments,
) -> Outcome<String> {
    let bad = || Exception::raise("ValueError", "single brace in a format string");
    let mut out = String::new();
    let mut automatic = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let end = rest.find('}').filter(|_| brace == "{").ok_or_else(bad)?;
        let replacement = replace(interpreter, &rest[..end], &mut automatic, arguments)?;
        out.push_str(&replacement);
        interpreter.charge_text(out.len())?;
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// One `{name.attribute[index]!conversion:spec}` of `str.format`.
fn replace(
    interpreter: &mut Interpreter<'_>,
    field: &str,
    automatic: &mut usize,
    arguments: &Arguments,
) -> Outcome<String> {
    let (field, spec) = field.split_once(':').unwrap_or((field, ""));
    let (field, conversion) = field.split_once('!').unwrap_or((field, ""));
    let end = field.find(['.', '[']).unwrap_or(field.len());
    let (name, mut path) = field.split_at(end);
    let missing = || Exception::raise("KeyError", format!("format has no value for \"{name}\""));
    let mut value = if name.is_empty() {
        *automatic += 1;
        arguments.value(*automatic - 1).cloned().ok_or_else(missing)?
    } else if let Ok(position) = name.parse::<usize>() {
        arguments.value(position).cloned().ok_or_else(missing)?
    } else {
        arguments.keyword(name).cloned().ok_or_else(missing)?
    };
    while !path.is_empty() {
        let (open, after) = path.split_at(1);
        let end = after.find(['.', '[']).unwrap_or(after.len());
        let (part, remaining) = after.split_at(end);
        value = if open == "." {
            attribute::get(interpreter, &value, part)?
        } else {
            let index = part.trim_end_matches(']');
            let index = index.parse().map_or_else(|_| Value::text(index), Value::Int);
            subscript::item(interpreter, &value, &index)?
        };
        path = remaining;
    }
    match conversion {
        "r" => value = Value::text(repr::repr(interpreter, &value)?),
        "s" => value = Value::text(repr::display(interpreter, &value)?),
        _ => {}
    }
    format(interpreter, &value, spec)
}

/// `text % values`.
pub(super) fn percent(
    interpreter: &mut Interpreter<'_>,
    text: &str,
    values: &Value,
) -> Outcome<String> {
    let mut next = match values {
        Value::Tuple(tuple) => tuple.0.clone(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((name, after)) => (Some(name), after),
            None => (None, rest),
        };
        let kind = after.find(|symbol: char| symbol.is_ascii_alphabetic()).ok_or_else(unfit)?;
        let value = match name {
            Some(name) => subscript::item(interpreter, values, &Value::text(name))?,
            None => next.next().ok_or_else(unfit)?,
        };
        out.push_str(&conversion(interpreter, &value, &after[..=kind])?);
        interpreter.charge_text(out.len())?;
        rest = &after[kind + 1..];
    }
    if next.next().is_some() && !matches!(values, Value::Dict(_)) {
        return Err(unfit());
    }
    out.push_str(rest);
    Ok(out)
}

fn conversion(interpreter: &mut Interpreter<'_>, value: &Value, spec: &str) -> Outcome<String> {
    let (flags, kind) = spec.split_at(spec.len() - 1);
    let left = flags.starts_with('-');
    let flags = flags.trim_start_matches('-');
    match kind {
        "s" | "r" => {
            let text = if kind == "s" {
                repr::display(interpreter, value)?
            } else {
                repr::repr(interpreter, value)?
            };
            let align = if left { "<" } else { ">" };
            format(interpreter, &Value::Str(Rc::from(text)), &format!("{align}{flags}"))
        }
        "d" | "i" | "u" => {
            let number = as_float(value).ok_or_else(unfit)?;
            #[expect(clippy::cast_possible_truncation, reason = "saturates, as good as any")]
            let number = value.as_int().unwrap_or(number as i128);
            let align = if left { "<" } else { "" };
            format(interpreter, &Value::Int(number), &format!("{align}{flags}d"))
        }
        "f" | "F" | "e" | "E" | "g" | "G" | "x" | "X" | "o" => {
            let align = if left { "<" } else { "" };
            format(interpreter, value, &format!("{align}{flags}{kind}"))
        }
        _ => Err(unfit()),
    }
}

fn unfit() -> Stop {
    Exception::raise("TypeError", "the values do not fit the format string")
}

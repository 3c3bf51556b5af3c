//! Regular expressions. Only what means the same in Python and here is taken.

use larder_core::Result;
use regex::Regex;

use super::method::literal_int;
use super::{Receiver, text_argument};
use crate::kernel::{Pattern, PatternUse, Replace, Text, TextFunction, call};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::Kind;
use crate::python::value::Value;

/// Whether a text is more than itself as a regular expression.
pub(super) fn is_special(text: &str) -> bool {
    text.contains(|letter: char| r"\.^$*+?{}[]|()".contains(letter))
}

/// Where a pattern must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Anywhere,
    Start,
    Whole,
}

/// A pattern of Python as one of this engine; `None` for what differs.
fn translate(pattern: &str, anchor: Anchor, ignore_case: bool) -> Option<Regex> {
    let mut translated = String::new();
    let mut letters = pattern.chars().peekable();
    let mut inside = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                'd' => translated.push_str(r"\p{Nd}"),
                'w' if inside => translated.push_str(r"\p{L}\p{N}_"),
                'w' => translated.push_str(r"[\p{L}\p{N}_]"),
                's' if inside => translated.push_str(r"\s\x1c-\x1f"),
                's' => translated.push_str(r"[\s\x1c-\x1f]"),
                'D' => translated.push_str(r"\P{Nd}"),
                'W' if !inside => translated.push_str(r"[^\p{L}\p{N}_]"),
                'S' if !inside => translated.push_str(r"[^\s\x1c-\x1f]"),
                escaped @ ('n' | 't' | 'r') => translated.extend(['\\', escaped]),
                escaped if escaped.is_ascii_punctuation() => translated.extend(['\\', escaped]),
                _ => return None,
            },
            // Nested sets and set operations mean something here.
            '[' if inside => translated.push_str(r"\["),
            '&' | '~' | '-' if inside && letters.peek() == Some(&letter) => return None,
            '[' => {
                inside = true;
                translated.push('[');
                if letters.peek() == Some(&'^') {
                    translated.extend(letters.next());
                }
                if letters.peek() == Some(&']') {
                    letters.next();
                    translated.push_str(r"\]");
                }
            }
            ']' if inside => {
                inside = false;
                translated.push(']');
            }
            '(' if !inside && letters.peek() == Some(&'?') => {
                letters.next();
                if letters.next()? != ':' {
                    return None;
                }
                translated.push_str("(?:");
            }
            // Python's $ matches before a last line break too, which only the end can tell.
            '$' if !inside && letters.peek().is_none() => translated.push_str(r"\n?\z"),
            '$' if !inside => return None,
            '{' if !inside && !letters.peek().is_some_and(char::is_ascii_digit) => return None,
            other => translated.push(other),
        }
    }
    let case = if ignore_case { "(?i)" } else { "" };
    let anchored = match anchor {
        Anchor::Anywhere => format!("{case}{translated}"),
        Anchor::Start => format!(r"{case}\A(?:{translated})"),
        Anchor::Whole => format!(r"{case}\A(?:{translated})\z"),
    };
    regex::RegexBuilder::new(&anchored).size_limit(1 << 20).build().ok()
}

fn compiled<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    pattern: &Value<'a>,
    anchor: Anchor,
    case: Option<&Value<'a>>,
) -> Result<Regex> {
    let ignore_case = match case {
        None | Some(Value::Bool(true) | Value::None) => false,
        Some(Value::Bool(false)) => true,
        Some(_) => return Err(c.unsupported(a.at, "this case argument", "use True or False")),
    };
    let Value::Text(pattern) = pattern else {
        return Err(c.unsupported(a.at, "a computed pattern", "write the pattern"));
    };
    translate(pattern, anchor, ignore_case).ok_or_else(|| {
        c.unsupported(
            a.at,
            "this regular expression",
            "look-arounds, back references, named groups, inline flags, \\b and $ before the end are not known",
        )
    })
}

/// What stands in for missing answers of a column.
pub(super) fn fill_missing<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    answer: Value<'a>,
    filler: Option<Value<'a>>,
) -> Result<Value<'a>> {
    match (&answer, filler) {
        (Value::Series(column), Some(filler)) if filler != Value::None => {
            Ok(Value::Series(c.filled_column(column, &filler, a)?))
        }
        _ => Ok(answer),
    }
}

/// `column.str.contains(pat, case=True, flags=0, na=None, regex=True)`.
pub(super) fn contains<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, pattern, case, flags, na, regex] =
        a.named(c, ["self", "pat", "case", "flags", "na", "regex"])?;
    if literal_int(c, a, flags.as_ref(), 0)? != 0 {
        return Err(c.unsupported(a.at, "flags of a pattern", "use case=False"));
    }
    let receiver = Receiver::of(c, a)?;
    let pattern = a.required(c, pattern)?;
    let plain = regex == Some(Value::Bool(false));
    let expr = if plain && !matches!(case, Some(Value::Bool(false))) {
        let part = text_argument(c, a, Some(pattern))?;
        call(Text(TextFunction::Contains), vec![receiver.text.expr.clone(), part.expr])
    } else {
        let pattern = match (plain, &pattern) {
            (true, Value::Text(text)) => Value::Text(regex::escape(text).into()),
            _ => pattern,
        };
        let regex = compiled(c, a, &pattern, Anchor::Anywhere, case.as_ref())?;
        call(Pattern::new(regex, PatternUse::Test), vec![receiver.text.expr.clone()])
    };
    let answer = receiver.result(expr, Kind::Bool, &[], false);
    fill_missing(c, a, answer, na)
}

/// `column.str.match(pat)`, `column.str.fullmatch(pat)`.
pub(super) fn matches<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    whole: bool,
) -> Result<Value<'a>> {
    let [_, pattern, case, flags, na] = a.named(c, ["self", "pat", "case", "flags", "na"])?;
    if literal_int(c, a, flags.as_ref(), 0)? != 0 {
        return Err(c.unsupported(a.at, "flags of a pattern", "use case=False"));
    }
    let receiver = Receiver::of(c, a)?;
    let anchor = if whole { Anchor::Whole } else { Anchor::Start };
    let regex = compiled(c, a, &a.required(c, pattern)?, anchor, case.as_ref())?;
    let expr = call(Pattern::new(regex, PatternUse::Test), vec![receiver.text.expr.clone()]);
    let answer = receiver.result(expr, Kind::Bool, &[], false);
    fill_missing(c, a, answer, na)
}

/// `column.str.count(pat)`.
pub(super) fn count<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, pattern] = a.named(c, ["self", "pat"])?;
    let receiver = Receiver::of(c, a)?;
    let regex = compiled(c, a, &a.required(c, pattern)?, Anchor::Anywhere, None)?;
    let expr = call(Pattern::new(regex, PatternUse::Count), vec![receiver.text.expr.clone()]);
    Ok(receiver.result(expr, Kind::Int, &[], false))
}

/// `column.str.extract(pat, expand=False)` of a pattern with one group.
pub(super) fn extract<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, pattern, flags, expand] = a.named(c, ["self", "pat", "flags", "expand"])?;
    let receiver = Receiver::of(c, a)?;
    let regex = compiled(c, a, &a.required(c, pattern)?, Anchor::Anywhere, None)?;
    let plain = literal_int(c, a, flags.as_ref(), 0)? == 0 && expand == Some(Value::Bool(false));
    // The end of the text may take a line break with it, which must not be part of a group.
    if regex.captures_len() != 2 || !plain {
        return Err(c.unsupported(a.at, "this extract", "use one group and expand=False"));
    }
    let expr = call(Pattern::new(regex, PatternUse::Extract(1)), vec![receiver.text.expr.clone()]);
    match receiver.result(expr, Kind::Text, &[], true) {
        // No match and a missing text both give not-a-number.
        Value::Series(column) => {
            Ok(Value::Series(crate::python::scalar::Scalar { nan: true, ..column }))
        }
        other => Ok(other),
    }
}

/// `column.str.replace(pat, repl, n=-1, regex=False)`.
pub(super) fn replace<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, pattern, new, times, case, flags, regex] =
        a.named(c, ["self", "pat", "repl", "n", "case", "flags", "regex"])?;
    let receiver = Receiver::of(c, a)?;
    let times = literal_int(c, a, times.as_ref(), -1)?;
    let Some(new @ Value::Text(_)) = new else {
        return Err(c.unsupported(a.at, "this replacement", "replace by a literal text"));
    };
    let plain =
        literal_int(c, a, flags.as_ref(), 0)? == 0 && case.is_none_or(|case| case == Value::None);
    if regex != Some(Value::Bool(true)) && plain {
        let (old, new) = (text_argument(c, a, pattern)?, text_argument(c, a, Some(new))?);
        let arguments = vec![receiver.text.expr.clone(), old.expr.clone(), new.expr.clone()];
        let times = if times == 0 { -1 } else { times };
        return Ok(receiver.result(call(Replace { times }, arguments), Kind::Text, &[], false));
    }
    let pattern = a.required(c, pattern)?;
    let fits = |text: &Value<'a>, special: &str| match text {
        Value::Text(text) => !text.contains(|letter: char| special.contains(letter)),
        _ => false,
    };
    // Back references in the replacement, and ends that take a line break with them, are not known.
    if !plain || times > 0 || !fits(&new, "\\") || !fits(&pattern, "$") {
        return Err(c.unsupported(
            a.at,
            "this replacement by a pattern",
            "replace all matches by a literal text",
        ));
    }
    let regex = compiled(c, a, &pattern, Anchor::Anywhere, None)?;
    let new = text_argument(c, a, Some(new))?;
    let arguments = vec![receiver.text.expr.clone(), new.expr.clone()];
    let expr = call(Pattern::new(regex, PatternUse::Replace), arguments);
    Ok(receiver.result(expr, Kind::Text, &[], false))
}

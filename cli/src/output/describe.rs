//! Descriptions as YAML, in the style in which `PyYAML` writes what Feast describes.

use serde_json::Value;

/// The value as a YAML document that ends with a newline.
///
/// Lists stand at the indent of their key; text that would read back as something else is quoted; long
/// lines are not folded.
pub(crate) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(_) | Value::Array(_) => block(&mut text, value, 0),
        scalar => {
            text.push_str(&scalar_text(scalar));
            text.push('\n');
        }
    }
    text
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (index, (key, item)) in map.iter().enumerate() {
                // The first key of a list item follows its dash.
                if index > 0 || !out.ends_with("- ") {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str(&quoted(key));
                out.push(':');
                entry(out, item, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                if !out.ends_with("- ") {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str("- ");
                list_item(out, item, indent);
            }
        }
        scalar => {
            out.push_str(&scalar_text(scalar));
            out.push('\n');
        }
    }
}

/// What follows `key:`.
fn entry(out: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, item, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(out, item, indent);
        }
        scalar => {
            out.push(' ');
            out.push_str(&scalar_text(scalar));
            out.push('\n');
        }
    }
}

/// What follows a dash.
fn list_item(out: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => block(out, item, indent + 2),
        Value::Array(items) if !items.is_empty() => block(out, item, indent + 2),
        scalar => {
            out.push_str(&scalar_text(scalar));
            out.push('\n');
        }
    }
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Plain where that reads back as the same text, else in single quotes, else in double quotes.
fn quoted(text: &str) -> String {
    if text.chars().any(|c| c.is_control() && c != '\n') || text.contains('\n') {
        return double_quoted(text);
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.extend(['\\', 'x', hex_digit(c, 4), hex_digit(c, 0)]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The hexadecimal digit of a control character below 256 at this bit.
fn hex_digit(c: char, shift: u32) -> char {
    char::from_digit((u32::from(c) >> shift) & 0xf, 16).expect("four bits are a digit")
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let indicator = "-?:,[]{}#&*!|>'\"%@`".contains(first);
    let lone_dash =
        matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_some_and(|c| c != ' ');
    (!indicator || lone_dash)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && text.trim() == text
        && !reads_as_other_type(text)
}

/// Whether YAML 1.1 would take the text for a boolean, null, number or time.
fn reads_as_other_type(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "~", "y", "n"];
    let lower = text.to_ascii_lowercase();
    let is_word = WORDS[..8].contains(&lower.as_str());
    let digits = text.trim_start_matches(['+', '-']);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (digits.replace('_', "").parse::<f64>().is_ok()
            || digits.starts_with("0x")
            || digits.chars().all(|c| c.is_ascii_digit() || c == ':'));
    is_word || is_number || is_date(text) || text == "="
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-'
        && bytes[8..10].iter().all(u8::is_ascii_digit)
        && (bytes.len() == 10 || matches!(bytes[10], b'T' | b't' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_look_as_feast_describes_them() {
        let value = json!({
            "spec": {
                "name": "product_features",
                "entities": ["product_id"],
                "features": [{"name": "price", "valueType": "DOUBLE"}, {"name": "stock"}],
                "ttl": "129600s",
                "format": {"parquetFormat": {}},
                "tags": {"tier": "1", "flag": "yes"},
            },
            "meta": {"createdTimestamp": "2026-11-23T14:36:15.862544Z"},
            "enabled": true,
        });
        let expected = "\
spec:
  name: product_features
  entities:
  - product_id
  features:
  - name: price
    valueType: DOUBLE
  - name: stock
  ttl: 129600s
  format:
    parquetFormat: {}
  tags:
    tier: '1'
    flag: 'yes'
meta:
  createdTimestamp: '2026-11-23T14:36:15.862544Z'
enabled: true
";
        assert_eq!(yaml(&value), expected);
    }

    #[test]
    fn text_that_reads_as_something_else_is_quoted() {
        for (text, expected) in [
            ("latest", "latest"),
            ("a b", "a b"),
            ("1.5", "'1.5'"),
            ("12:30", "'12:30'"),
            ("null", "'null'"),
            ("", "''"),
            ("- x", "'- x'"),
            ("-x", "-x"),
            ("a: b", "'a: b'"),
            ("it's", "it's"),
            ("'s", "'''s'"),
            ("two\nlines", "\"two\\nlines\""),
            ("2026-01-02", "'2026-01-02'"),
        ] {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }
}

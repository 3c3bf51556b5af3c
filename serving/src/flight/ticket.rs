//! Tickets of Feast's older clients.

use std::fmt::Write as _;

/// The ticket of a command: what Python prints of Feast 0.67's key of it, `(2, b'<command>', ())`.
///
/// It is compared, never parsed.
pub(super) fn of_command(command: &[u8]) -> String {
    format!("(2, {}, ())", python_bytes(command))
}

/// A Python literal of bytes.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing into a text cannot fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_python_writes_them() {
        for (bytes, text) in [
            (&b"{\"api\": 1}"[..], r#"b'{"api": 1}'"#),
            (b"it's", r#"b"it's""#),
            (b"'\"", r#"b'\'"'"#),
            (b"\\\n\t\x00\xff", r"b'\\\n\t\x00\xff'"),
        ] {
            assert_eq!(python_bytes(bytes), text);
        }
        assert_eq!(of_command(b"x"), "(2, b'x', ())");
    }
}

//! Environment variables inside a configuration text.

use super::env::Environment;

/// Replaces `$NAME` and `${NAME}`; a name that is not set stays as it is written.
///
/// Feast 0.67 does this to the raw text, before YAML is parsed (Python's `os.path.expandvars`): there is no
/// escape and no default syntax, and `${A B}` names a variable that cannot exist.
pub(super) fn expand(text: &str, environment: &dyn Environment) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        // A lone `$` is a reference to nothing.
        let (length, name) = reference(rest).unwrap_or((1, ""));
        match environment.get(name).filter(|_| !name.is_empty()) {
            Some(value) => result.push_str(&value),
            None => result.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    result.push_str(rest);
    result
}

/// The length of the reference at the start of `text` and the name in it.
fn reference(text: &str) -> Option<(usize, &str)> {
    let after = &text[1..];
    if let Some(braced) = after.strip_prefix('{') {
        let end = braced.find('}')?;
        return Some((end + 3, &braced[..end]));
    }
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
    (end > 0).then(|| (end + 1, &after[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo_config::FixedEnvironment;

    #[test]
    fn set_names_are_replaced_and_others_stay() {
        let environment =
            FixedEnvironment::from([("HOST", "h"), ("PORT_1", "6379"), ("EMPTY", "")]);
        for (text, expected) in [
            ("$HOST:${PORT_1}", "h:6379"),
            ("$HOST_x ${NOPE} $NOPE", "$HOST_x ${NOPE} $NOPE"),
            ("a${EMPTY}b", "ab"),
            ("$ $$HOST ${HOST", "$ $h ${HOST"),
            ("100% é$HOST", "100% éh"),
        ] {
            assert_eq!(expand(text, &environment), expected);
        }
    }
}

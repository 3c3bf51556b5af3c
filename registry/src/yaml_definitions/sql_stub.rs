//! The Python side of an on-demand view that is written in SQL.

use std::collections::BTreeMap;

/// The text of a function that Feast 0.67 can load (it rebuilds functions from their text) and that, when Feast calls it,
/// says that the view is computed by Larder. The expressions stand in it as comments, so that the text, which
/// Feast compares, changes with them.
pub(super) fn text(view: &str, expressions: &BTreeMap<String, String>) -> String {
    let name = identifier(view);
    let mut text = format!("def {name}(inputs: dict) -> dict:\n");
    for (feature, expression) in expressions {
        let line = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let comment = format!("    # {feature}: {line}\n");
        text.push_str(&comment);
    }
    text.push_str(
        "    raise NotImplementedError(\"this view is written in SQL: ask a Larder feature server for it\")\n",
    );
    text
}

/// A Python name made of a view name.
fn identifier(view: &str) -> String {
    let mut name: String =
        view.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || KEYWORDS.contains(&name.as_str())
    {
        name.insert(0, '_');
    }
    name
}

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_view_name_becomes_a_python_name() {
        for (view, name) in
            [("ok_1", "ok_1"), ("a b", "a_b"), ("1st", "_1st"), ("class", "_class"), ("", "_")]
        {
            assert_eq!(identifier(view), name);
        }
    }
}

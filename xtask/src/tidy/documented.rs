//! Environment variables that the documentation does not name.

use super::tree::Tree;

/// Where variables are declared, and where a user looks for them.
const DECLARED: &str = "registry/src/repo_config/env.rs";
const DOCUMENTED: &str = "docs/configuration.md";

/// Variables that are declared but not documented.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let text = |path: &str| {
        tree.files().iter().find(|file| file.path == path).map_or("", |file| file.text.as_str())
    };
    let page = text(DOCUMENTED);
    text(DECLARED)
        .split('"')
        .filter(|literal| is_variable(literal))
        .filter(|name| !page.contains(&format!("`{name}`")))
        .map(|name| format!("{DECLARED}: {name} is not in {DOCUMENTED}"))
        .collect()
}

fn is_variable(literal: &str) -> bool {
    let is_name =
        literal.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    is_name
        && ["FS_", "FEAST_", "FEATURE_", "OTEL_"].iter().any(|prefix| literal.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undocumented_variable_is_found() {
        let declared = "const A: &str = \"FS_A\"; Variable { name: \"FS_B\", doc: \"for FS_C\" }";
        let tree = Tree::of(&[(DECLARED, declared), (DOCUMENTED, "| `FS_A` | a |")]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("FS_B"));
    }
}

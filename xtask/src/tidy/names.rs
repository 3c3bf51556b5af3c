//! File and folder names that say nothing about what lives there.

use super::tree::Tree;

/// Stems that are refused, singular and plural.
const REFUSED: [&str; 10] = [
    "utils", "util", "common", "helpers", "helper", "misc", "manager", "managers", "stuff",
    "shared",
];

/// Names the thing instead: `entity_key.rs`, `backoff.rs`.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter_map(|file| {
            let refused = file.path.split('/').find(|part| is_refused(part))?;
            Some(format!("{}: \"{refused}\" says nothing: name the thing", file.path))
        })
        .collect()
}

fn is_refused(part: &str) -> bool {
    let stem = part.strip_suffix(".rs").unwrap_or(part);
    REFUSED.contains(&stem) || REFUSED.iter().any(|name| stem.ends_with(&format!("_{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_meaning_are_found_in_files_and_folders() {
        let tree = Tree::of(&[
            ("core/src/utils.rs", ""),
            ("core/src/helpers/time.rs", ""),
            ("core/src/string_utils.rs", ""),
            ("core/src/entity_key.rs", ""),
            ("core/src/commonality.rs", ""),
        ]);
        assert_eq!(check(&tree).len(), 3);
    }
}

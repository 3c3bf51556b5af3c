//! File sizes: a long file wants a split by meaning.

use super::tree::{File, Tree};

/// From here on a file is reported.
const LONG: usize = 400;

/// Beyond this a file is refused.
const HARD_STOP: usize = 600;

/// How many of the long files the report names.
const NAMED: usize = 5;

/// Files beyond the hard stop.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    sized(tree)
        .into_iter()
        .filter(|(lines, _)| *lines > HARD_STOP)
        .map(|(lines, file)| {
            format!("{}: {lines} lines, at most {HARD_STOP}: split it by meaning", file.path)
        })
        .collect()
}

/// The number of files, the median size and the longest ones.
pub(crate) fn report(tree: &Tree) -> Vec<String> {
    let sized = sized(tree);
    let Some((median, _)) = sized.get(sized.len() / 2) else { return Vec::new() };
    let long = sized.iter().filter(|(lines, _)| *lines > LONG);
    let mut report = vec![format!(
        "{} Rust files, median {median} lines, {} over {LONG}",
        sized.len(),
        long.clone().count()
    )];
    report.extend(long.take(NAMED).map(|(lines, file)| format!("{lines:>5} {}", file.path)));
    report
}

/// Rust files with their number of lines, longest first.
fn sized(tree: &Tree) -> Vec<(usize, &File)> {
    let mut sized: Vec<(usize, &File)> =
        tree.rust().map(|file| (file.text.lines().count(), file)).collect();
    sized.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
    sized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_refused_unless_it_is_generated() {
        let long = "//\n".repeat(HARD_STOP + 1);
        let most = "//\n".repeat(HARD_STOP);
        let tree = Tree::of(&[
            ("core/src/long.rs", &long),
            ("core/src/most.rs", &most),
            ("proto/src/generated/feast.rs", &long),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("core/src/long.rs"));
    }

    #[test]
    fn the_report_names_the_longest_files_first() {
        let tree =
            Tree::of(&[("a.rs", &"\n".repeat(450)), ("b.rs", &"\n".repeat(500)), ("c.rs", "")]);
        let report = report(&tree);
        assert_eq!(report[0], "3 Rust files, median 450 lines, 2 over 400");
        assert_eq!(report[1], "  500 b.rs");
    }
}

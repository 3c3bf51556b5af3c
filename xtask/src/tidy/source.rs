//! Constructs that product code must not contain.

use std::collections::BTreeSet;
use std::ops::Range;

use super::rust_text::{code_only, test_modules, test_ranges};
use super::tree::{File, Tree};

/// What is refused in product code, and why.
const REFUSED: [(&str, &str); 5] = [
    (".unwrap()", "handle it, or expect(\"why it cannot fail\")"),
    ("todo!(", "unfinished"),
    ("unimplemented!(", "unfinished"),
    ("dbg!(", "left over from debugging"),
    ("#[allow(", "use #[expect(.., reason = \"..\")]"),
];

/// What is refused in tests too.
const REFUSED_EVERYWHERE: [(&str, &str); 2] =
    [("#[ignore", "a test runs or does not exist"), ("unsafe ", "only the LMDB open may")];

/// The one place of the one `unsafe` block: opening an LMDB environment.
const UNSAFE_HOME: &str = "online-store/src/backend/embedded/";

/// Packages whose whole source is test code.
const TEST_PACKAGES: [&str; 1] = ["tests/"];

/// Every refused construct with its place.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let test_files = test_files(tree);
    tree.rust().flat_map(|file| check_file(file, test_files.contains(&file.path))).collect()
}

fn check_file(file: &File, is_test: bool) -> Vec<String> {
    let code = code_only(&file.text);
    let tests = test_ranges(&code);
    let mut findings = Vec::new();
    for (construct, why) in REFUSED {
        if !is_test {
            findings
                .extend(places(file, &code, construct, &tests).map(|line| (line, why, construct)));
        }
    }
    for (construct, why) in REFUSED_EVERYWHERE {
        if construct == "unsafe " && file.path.starts_with(UNSAFE_HOME) {
            continue;
        }
        findings.extend(places(file, &code, construct, &[]).map(|line| (line, why, construct)));
    }
    findings
        .into_iter()
        .map(|(line, why, construct)| format!("{}:{line}: {}: {why}", file.path, construct.trim()))
        .collect()
}

/// Line numbers of a construct outside the ranges.
fn places<'a>(
    file: &'a File,
    code: &'a str,
    construct: &'a str,
    outside: &'a [Range<usize>],
) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(construct)
        .map(|(at, _)| at)
        .filter(move |at| !outside.iter().any(|range| range.contains(at)))
        .map(|at| file.text[..at].lines().count().max(1))
}

/// Folders of test code: contract suites are tests that every backend runs.
const TEST_FOLDERS: [&str; 4] = ["tests", "benches", "examples", "contract"];

/// Files that hold only tests: folders of tests, and modules behind `cfg(test)`.
fn test_files(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tree.rust() {
        let in_folder = file.path.split('/').any(|part| TEST_FOLDERS.contains(&part));
        if in_folder || TEST_PACKAGES.iter().any(|package| file.path.starts_with(package)) {
            found.insert(file.path.clone());
        }
        for module in test_modules(&code_only(&file.text)) {
            let folder = module_folder(&file.path);
            let own = format!("{folder}/{module}/");
            found.insert(format!("{folder}/{module}.rs"));
            found.extend(tree.rust().filter(|f| f.path.starts_with(&own)).map(|f| f.path.clone()));
        }
    }
    found
}

/// The folder in which a file's child modules live.
fn module_folder(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn refused_constructs_are_found_in_product_code_only() {
        assert_eq!(findings("core/src/a.rs", "fn f() { x.unwrap() }"), 1);
        assert_eq!(findings("core/src/a.rs", "// x.unwrap()\nfn f() { \"todo!()\"; }"), 0);
        assert_eq!(
            findings("core/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }"),
            0
        );
        assert_eq!(findings("core/tests/a.rs", "fn f() { x.unwrap() }"), 0);
        assert_eq!(findings("core/src/a.rs", "fn f() { todo!() }"), 1);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_a_test() {
        let tree = Tree::of(&[
            ("core/src/a.rs", "#[cfg(test)]\nmod cases;"),
            ("core/src/a/cases.rs", "fn f() { x.unwrap() }"),
        ]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn ignored_tests_and_unsafe_code_are_refused_everywhere() {
        assert_eq!(findings("core/tests/a.rs", "#[ignore]\nfn f() {}"), 1);
        assert_eq!(findings("core/tests/a.rs", "fn f() { unsafe { g() } }"), 1);
        let home = "online-store/src/backend/embedded/environment.rs";
        assert_eq!(findings(home, "fn f() { unsafe { g() } }"), 0);
    }

    #[test]
    fn the_line_of_a_finding_is_right() {
        let found = check(&Tree::of(&[("core/src/a.rs", "\n\nfn f() { todo!() }\n")]));
        assert!(found[0].starts_with("core/src/a.rs:3:"), "{found:?}");
    }
}

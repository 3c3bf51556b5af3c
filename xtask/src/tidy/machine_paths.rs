//! Paths of one machine have no place in the tree.

use std::path::Path;

use super::tree::Tree;

/// Home folders anywhere; examples in documentation use relative paths.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// The folder that holds this checkout, and the home folder of whoever runs the check.
///
/// A checkout directly below the file system's root gives no usable folder.
pub(crate) fn of_this_machine(root: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let folders = [root.parent().map(Path::to_path_buf), home];
    folders
        .into_iter()
        .flatten()
        .map(|folder| format!("{}/", folder.display()))
        .filter(|folder| folder.len() > 2 && folder != "/tmp/")
        .collect()
}

/// Files that name one of `machine`'s folders or somebody's home.
pub(crate) fn check(tree: &Tree, machine: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.files().iter().filter(|file| !file.is_recorded()) {
        // This file must name what it looks for.
        if file.path == "xtask/src/tidy/machine_paths.rs" {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            let mut paths = HOMES.iter().copied().chain(machine.iter().map(String::as_str));
            if let Some(path) = paths.find(|path| line.contains(path)) {
                findings.push(format!("{}:{}: a machine's path: {path}", file.path, number + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_and_the_checkout_are_found_but_not_in_recorded_data() {
        let machine = ["/checkouts/".to_owned()];
        let tree = Tree::of(&[
            ("README.md", "cd /checkouts/larder\n"),
            ("docs/a.md", "fine\n/home/me/repo\n"),
            ("docs/b.md", "/var/lib and data/home\n"),
            ("tests/vectors/registry/registry.json", "/home/me/repo"),
        ]);
        let found = check(&tree, &machine);
        assert_eq!(found.len(), 2);
        assert!(found[1].starts_with("docs/a.md:2"));
    }
}

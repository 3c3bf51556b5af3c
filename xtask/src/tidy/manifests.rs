//! What every crate's `Cargo.toml` must say.

use super::tree::{File, Tree};

/// Keys that every crate takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// Crates without the workspace's lints or with a package key of their own.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    tree.files()
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && file.path != "Cargo.toml")
        .flat_map(check_one)
        .collect()
}

fn check_one(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    if !section(&file.text, "lints").any(|line| line == "workspace = true") {
        findings.push(format!("{}: lacks [lints] workspace = true", file.path));
    }
    for key in INHERITED {
        let wanted = format!("{key}.workspace = true");
        if !section(&file.text, "package").any(|line| line == wanted) {
            findings.push(format!("{}: lacks {wanted}", file.path));
        }
    }
    for line in file.text.lines().filter(|line| has_own_version(line)) {
        findings.push(format!("{}: take the version from the workspace: {line}", file.path));
    }
    findings
}

/// The trimmed lines of one table.
fn section<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let header = format!("[{name}]");
    text.lines()
        .map(str::trim)
        .skip_while(move |line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
}

/// Whether a dependency line carries a version number: they stand in the root manifest only.
fn has_own_version(line: &str) -> bool {
    let Some((_, value)) = line.split_once('=') else { return false };
    let value = value.trim();
    value.contains("version = \"") || value.starts_with("\"^") || value.starts_with("\"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"x\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n\n\
        [dependencies]\nanyhow.workspace = true\n";

    #[test]
    fn a_manifest_that_inherits_everything_is_tidy() {
        assert!(check(&Tree::of(&[("core/Cargo.toml", GOOD)])).is_empty());
    }

    #[test]
    fn missing_lints_and_own_versions_are_found() {
        let no_lints = GOOD.replace("[lints]\nworkspace = true", "");
        assert_eq!(check(&Tree::of(&[("core/Cargo.toml", &no_lints)])).len(), 1);
        let own = format!("{GOOD}hex = {{ version = \"0.4\" }}\n");
        assert_eq!(check(&Tree::of(&[("core/Cargo.toml", &own)])).len(), 1);
    }
}

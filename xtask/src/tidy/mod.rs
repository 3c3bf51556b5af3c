//! `cargo xtask tidy`: the rules of the tree that neither the compiler nor clippy knows.
//!
//! Each rule is a pure function from the tree (or cargo's metadata) to a list of findings.

mod documented;
mod edges;
mod layers;
mod machine_paths;
mod manifests;
mod names;
mod rust_text;
mod sizes;
mod source;
mod tree;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::Tree;

/// Prints every finding and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace.root())?;
    let packages = edges::Package::read_all(workspace)?;
    let mut findings = Vec::new();
    findings.extend(edges::check(&packages, &layers::rules()));
    findings.extend(documented::check(&tree));
    findings.extend(manifests::check(&tree));
    findings.extend(names::check(&tree));
    findings.extend(sizes::check(&tree));
    findings.extend(source::check(&tree));
    findings.extend(machine_paths::check(&tree, &machine_paths::of_this_machine(workspace.root())));
    for line in sizes::report(&tree) {
        println!("    {line}");
    }
    for finding in &findings {
        println!("    {finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} violations", findings.len());
    }
    println!("    {} files and {} packages are tidy", tree.files().len(), packages.len());
    Ok(())
}

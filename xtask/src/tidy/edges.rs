//! Dependencies as cargo sees them, compared with the allow-list.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// An allow-list of edges; see `layers` for the workspace's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Package, what it may depend on, and what its tests may use besides.
    pub(crate) internal:
        &'static [(&'static str, &'static [&'static str], &'static [&'static str])],
    /// External crate and the packages that may depend on it.
    pub(crate) guarded: &'static [(&'static str, &'static [&'static str])],
    /// External crate, a feature of it, and the packages that may turn it on.
    pub(crate) guarded_features: &'static [(&'static str, &'static str, &'static [&'static str])],
}

/// One member of the workspace with its direct dependencies.
#[derive(Debug)]
pub(crate) struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    is_internal: bool,
    is_dev: bool,
    features: Vec<String>,
}

impl Package {
    /// All members, from `cargo metadata`.
    pub(crate) fn read_all(workspace: &Workspace) -> Result<Vec<Self>> {
        let output = workspace
            .cargo("metadata")
            .args(["--format-version", "1", "--no-deps"])
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Self::parse(&serde_json::from_slice(&output.stdout)?)
    }

    fn parse(metadata: &Value) -> Result<Vec<Self>> {
        let packages = metadata["packages"].as_array().context("no packages in cargo metadata")?;
        Ok(packages
            .iter()
            .map(|package| Self {
                name: text(&package["name"]),
                dependencies: items(&package["dependencies"]).map(Dependency::parse).collect(),
            })
            .collect())
    }
}

impl Dependency {
    fn parse(dependency: &Value) -> Self {
        Self {
            name: text(&dependency["name"]),
            is_internal: !dependency["path"].is_null(),
            is_dev: dependency["kind"] == "dev",
            features: items(&dependency["features"]).map(text).collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Every edge that the rules do not allow, and every package that they do not know.
pub(crate) fn check(packages: &[Package], rules: &Rules) -> Vec<String> {
    packages.iter().flat_map(|package| check_package(package, rules)).collect()
}

fn check_package(package: &Package, rules: &Rules) -> Vec<String> {
    let name = &package.name;
    let Some((_, allowed, in_tests)) = rules.internal.iter().find(|rule| rule.0 == name) else {
        return vec![format!("package {name}: has no place in xtask/src/tidy/layers.rs")];
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let target = dependency.name.as_str();
        let is_allowed = !dependency.is_internal
            || allowed.contains(&target)
            || (dependency.is_dev && (in_tests.contains(&target) || target == name));
        if !is_allowed {
            findings.push(format!("package {name}: must not depend on {target}"));
        }
        // What tests use to play a client does not reach the product.
        if !dependency.is_dev {
            findings.extend(guards(name, dependency, rules));
        }
    }
    findings
}

fn guards(package: &str, dependency: &Dependency, rules: &Rules) -> Vec<String> {
    let mut findings = Vec::new();
    for (guarded, allowed) in rules.guarded {
        if dependency.name == *guarded && !allowed.contains(&package) {
            findings.push(format!("package {package}: {guarded} is for {}", allowed.join(", ")));
        }
    }
    for (guarded, feature, allowed) in rules.guarded_features {
        let is_on = dependency.name == *guarded
            && dependency.features.iter().any(|name| name.as_str() == *feature);
        if is_on && !allowed.contains(&package) {
            findings.push(format!(
                "package {package}: {guarded}/{feature} is for {}",
                allowed.join(", ")
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        internal: &[("core", &[], &["probe"]), ("plane", &["core"], &[])],
        guarded: &[("axum", &["plane"])],
        guarded_features: &[("tonic", "transport", &["plane"])],
    };

    fn check_dependency(package: &str, dependency: &str) -> Vec<String> {
        let metadata =
            format!(r#"{{"packages": [{{"name": "{package}", "dependencies": [{dependency}]}}]}}"#);
        let metadata = serde_json::from_str(&metadata).unwrap();
        check(&Package::parse(&metadata).unwrap(), &RULES)
    }

    fn internal(name: &str, kind: &str) -> String {
        format!(r#"{{"name": "{name}", "kind": {kind}, "path": "/x", "features": []}}"#)
    }

    fn external(name: &str, feature: &str) -> String {
        format!(r#"{{"name": "{name}", "kind": null, "path": null, "features": ["{feature}"]}}"#)
    }

    #[test]
    fn an_edge_against_the_arrows_is_found() {
        assert!(check_dependency("plane", &internal("core", "null")).is_empty());
        assert_eq!(check_dependency("core", &internal("plane", "null")).len(), 1);
    }

    #[test]
    fn tests_may_use_more_than_products() {
        assert!(check_dependency("core", &internal("probe", r#""dev""#)).is_empty());
        assert_eq!(check_dependency("core", &internal("probe", "null")).len(), 1);
    }

    #[test]
    fn guarded_crates_and_features_stay_in_their_packages() {
        assert_eq!(check_dependency("core", &external("axum", "json")).len(), 1);
        assert!(check_dependency("plane", &external("axum", "json")).is_empty());
        assert_eq!(check_dependency("core", &external("tonic", "transport")).len(), 1);
        assert!(check_dependency("core", &external("tonic", "codegen")).is_empty());
    }

    #[test]
    fn an_unknown_package_has_to_be_placed_first() {
        assert_eq!(check_dependency("newcomer", &external("hex", "std")).len(), 1);
    }
}

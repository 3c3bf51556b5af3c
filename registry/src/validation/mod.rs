//! Feast's rules for definitions, checked before anything is written.

mod feature_view;
mod on_demand_feature_view;

use larder_core::{Error, Location, OnDemandFeatureView, Result};

use crate::repo_contents::RepoContents;

/// Compiles the computation of an on-demand view, so that what cannot be computed fails at apply, not at request time.
///
/// Implemented over the transform engine by whoever composes the program; the registry itself knows no engine.
pub trait TransformCheck {
    /// Checks one view, complete with the types of its inputs.
    ///
    /// # Errors
    /// `Invalid` or `Unsupported` with the construct, the place inside the function and a hint. `location` is the
    /// first line of the function, from which places inside it are counted; of the definition, when the function's
    /// text stands in no file.
    fn check(&self, view: &OnDemandFeatureView, location: &Location) -> Result<()>;
}

/// A check that accepts every function: for tools that never compute features.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unchecked;

impl TransformCheck for Unchecked {
    fn check(&self, _: &OnDemandFeatureView, _: &Location) -> Result<()> {
        Ok(())
    }
}

/// Checks complete definitions (after inference).
///
/// # Errors
/// `Invalid` at the place of the first object that breaks a rule; what `transforms` returns.
pub fn validate(contents: &RepoContents, transforms: &dyn TransformCheck) -> Result<()> {
    check_project(&contents.project.name)?;
    for entity in &contents.entities {
        if entity.value.name.is_empty() {
            return Err(
                Error::invalid("an entity needs a name").with_location(entity.location.clone())
            );
        }
    }
    for source in &contents.data_sources {
        let source_value = &source.value;
        if !source_value.timestamp_field.is_empty()
            && source_value.timestamp_field == source_value.created_timestamp_column
        {
            return Err(Error::invalid(format!(
                "data source \"{}\" has \"{}\" both as event and as created timestamp column",
                source_value.name, source_value.timestamp_field
            ))
            .with_location(source.location.clone()));
        }
    }
    for view in &contents.feature_views {
        feature_view::check(&view.value)
            .map_err(|error| error.with_location(view.location.clone()))?;
    }
    for view in &contents.on_demand_feature_views {
        on_demand_feature_view::check(&view.value)
            .map_err(|error| error.with_location(view.location.clone()))?;
        let function = contents.functions.get(&view.value.name).unwrap_or(&view.location);
        transforms.check(&view.value, function)?;
    }
    for service in &contents.feature_services {
        if service.value.name.is_empty() {
            return Err(Error::invalid("a feature service needs a name")
                .with_location(service.location.clone()));
        }
    }
    Ok(())
}

/// Feast's rule for names of project objects: word characters and hyphens, no leading underscore or hyphen.
fn check_project(name: &str) -> Result<()> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() {
        return Err(Error::invalid("the project has no name"));
    }
    if name.starts_with(['_', '-']) || !name.chars().all(word) {
        return Err(Error::invalid(format!(
            "project name \"{name}\" has other characters than letters, digits, _ and -"
        ))
        .with_hint("it may not start with _ or - either"));
    }
    Ok(())
}

/// Feast reserves two characters of view names for references (`view@v2:feature`).
fn check_view_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("a feature view needs a name"));
    }
    match name.chars().find(|c| ['@', ':'].contains(c)) {
        Some(c) => {
            Err(Error::invalid(format!("feature view name \"{name}\" must not contain \"{c}\""))
                .with_hint("references are written view@v2:feature"))
        }
        None => Ok(()),
    }
}

/// Two fields of one name.
fn check_distinct<'a>(owner: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err(Error::invalid(format!("{owner} has a field without name")));
        }
        if !seen.insert(name) {
            return Err(Error::invalid(format!("{owner} has two fields named \"{name}\"")));
        }
    }
    Ok(())
}

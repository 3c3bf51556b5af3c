//! A repository folder: its Python and YAML definitions together.

use larder_core::{Error, Result};

use crate::definitions::Definitions;
use crate::python::{
    self, Constructors, DirectoryFiles, Failures, IgnoreRules, Limits, SourceFiles,
};
use crate::repo_config::{self, ProcessEnvironment, RepoConfig};
use crate::yaml_definitions;

/// Largest YAML file with definitions.
const MAX_YAML_BYTES: usize = 4 << 20;

/// Reads everything that the repository of a configuration defines, with the environment of the process.
///
/// # Errors
/// As [`load_definitions`], whose first error stands for all.
pub fn load(config: &RepoConfig) -> Result<Definitions> {
    let files = DirectoryFiles::open(&config.repo_path)?;
    load_definitions(&files, &ProcessEnvironment, Limits::default()).map_err(Failures::into_first)
}

/// Reads everything that a repository defines: Python files first, then YAML files, which may name the objects of the
/// Python files. `.feastignore` holds for both.
///
/// # Errors
/// All errors of the Python files together, or the first one of the YAML files; each with its place.
pub fn load_definitions(
    files: &dyn SourceFiles,
    environment: &dyn repo_config::Environment,
    limits: Limits,
) -> Result<Definitions, Failures> {
    let variables = Variables(environment);
    let (mut definitions, known) = python::load_objects(files, &variables, limits)?;
    let constructors = Constructors::new(files, &variables, limits)?;
    let added = yaml_definitions::load(&yaml_texts(files)?, &known, constructors)?;
    definitions.objects.extend(added.objects);
    definitions.warnings.extend(added.warnings);
    definitions.functions.extend(added.functions);
    Ok(definitions)
}

/// The YAML files that may hold definitions, in path order.
fn yaml_texts(files: &dyn SourceFiles) -> Result<Vec<(String, String)>> {
    let listing = files.list()?;
    let rules = IgnoreRules::read(files, &listing)?;
    let mut paths: Vec<String> = listing
        .into_iter()
        .filter(|path| yaml_definitions::is_definition_file(path) && !rules.ignores(path))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| Ok((path.clone(), yaml_text(files, &path)?))).collect()
}

fn yaml_text(files: &dyn SourceFiles, path: &str) -> Result<String> {
    let bytes = files.read(path)?;
    if bytes.len() > MAX_YAML_BYTES {
        return Err(Error::invalid(format!("{path} is larger than {MAX_YAML_BYTES} bytes"))
            .with_hint("list files that are no definitions in .feastignore"));
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(format!("{path} is not UTF-8 text")))
}

/// The environment of the configuration, as Python code sees it.
struct Variables<'a>(&'a dyn repo_config::Environment);

impl python::Environment for Variables<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name)
    }
}

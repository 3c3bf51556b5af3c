//! Loading a repository.

use std::fmt;
use std::rc::Rc;

use larder_core::{Error, Result};

use super::eval::exception::Stop;
use super::eval::interpreter::{Interpreter, Limits};
use super::eval::module::{Modules, module_name};
use super::eval::record::Object;
use super::eval::value::Value;
use super::feast::{Collector, Feast};
use super::ignore::repository_files;
use super::source::{Environment, SourceFiles};
use crate::definitions::Definitions;

/// Errors of several files, in the order of the files.
///
/// Never empty. The first one stands for all where a single error is wanted.
#[derive(Debug)]
pub struct Failures(Vec<Error>);

impl Failures {
    /// The errors.
    pub fn errors(&self) -> &[Error] {
        &self.0
    }

    /// The first error.
    pub fn into_first(self) -> Error {
        let nothing = || Error::internal("loading failed without an error");
        self.0.into_iter().next().unwrap_or_else(nothing)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failures {}

impl From<Error> for Failures {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

/// Reads the definitions of a repository.
///
/// Files are evaluated in Feast's order. `Definitions` holds what Feast would collect, except the entity
/// `__dummy`, which every project has.
///
/// # Errors
/// One error per file that cannot be loaded, each with its place and a hint:
/// [`larder_core::ErrorKind::Invalid`] for what is wrong in Python or in Feast, [`larder_core::ErrorKind::Unsupported`] for what cannot be
/// evaluated without Python and for passed limits.
pub fn load(
    files: &dyn SourceFiles,
    environment: &dyn Environment,
    limits: Limits,
) -> Result<Definitions, Failures> {
    load_objects(files, environment, limits).map(|(definitions, _)| definitions)
}

/// As [`load`], with the objects that the definitions were made of.
pub(crate) fn load_objects(
    files: &dyn SourceFiles,
    environment: &dyn Environment,
    limits: Limits,
) -> Result<(Definitions, Vec<Rc<Object>>), Failures> {
    let selected = repository_files(files)?;
    if selected.len() > limits.files {
        let message = format!("the repository has more than {} Python files", limits.files);
        let hint = "list folders without definitions in .feastignore";
        return Err(Error::unsupported(message).with_hint(hint).into());
    }
    let modules = Modules::of(&files.list()?);
    let mut interpreter =
        Interpreter::new(files, environment, &Feast, limits, modules).map_err(Stop::into_error)?;
    let (collector, mut errors) = evaluate(&mut interpreter, &selected);
    let warnings = std::mem::take(&mut interpreter.warnings);
    let (definitions, unfit) = collector.definitions(warnings);
    interpreter.modules.clear();
    errors.extend(unfit);
    if errors.is_empty() {
        Ok((definitions, collector.into_objects()))
    } else {
        Err(Failures(errors))
    }
}

/// Runs the selected files and collects what they define.
fn evaluate(interpreter: &mut Interpreter<'_>, selected: &[String]) -> (Collector, Vec<Error>) {
    let mut collector = Collector::default();
    let mut errors: Vec<Error> = Vec::new();
    for path in selected {
        match interpreter.import_module(&module_name(path)) {
            Ok(Value::Module(module)) => {
                if let Some(scope) = &module.scope {
                    collector.module(&Rc::clone(scope));
                }
            }
            Ok(_) => {}
            Err(stop) => note(&mut errors, stop),
        }
        if interpreter.is_exhausted() {
            break;
        }
    }
    (collector, errors)
}

/// A file that several others import fails once.
fn note(errors: &mut Vec<Error>, stop: Stop) {
    let error = stop.into_error();
    let same =
        |known: &Error| known.location() == error.location() && known.message() == error.message();
    if !errors.iter().any(same) {
        errors.push(error);
    }
}

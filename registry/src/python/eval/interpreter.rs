//! State of one evaluation: limits, the present frame, warnings.

use std::rc::Rc;

use larder_core::Location;
use ruff_text_size::{Ranged, TextRange};

use super::exception::{Exception, Outcome, Stop};
use super::module::Modules;
use super::scope::Scope;
use super::value::Value;
use crate::definitions::Warning;
use crate::python::source::{Environment, Source, SourceFiles};

/// What a repository may cost; a hostile one ends with an error instead of a full machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one Python file.
    pub file_bytes: usize,
    /// Python files in the repository.
    pub files: usize,
    /// Evaluation steps: expressions, statements, and elements or 16 bytes of text made.
    pub steps: u64,
    /// Calls inside calls.
    pub call_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 1 << 20, files: 5_000, steps: 5_000_000, call_depth: 200 }
    }
}

/// How deep values may nest when they are compared, hashed or printed.
const MAX_VALUE_DEPTH: usize = 200;

/// Stack that one more level of evaluation is sure to have, and what is added when it has not.
const STACK_RESERVE: usize = 256 << 10;
const STACK_SEGMENT: usize = 4 << 20;

/// Modules and decorators that do not come from the repository.
pub(crate) trait Library {
    /// A name of a module: `None` when the library does not have the module at all.
    fn attribute(&self, module: &str, name: &str) -> Option<LibraryName>;

    /// Whether the library has the module.
    fn has_module(&self, module: &str) -> bool;

    /// Every name of a module, for `from module import *` and did-you-mean hints.
    fn names(&self, module: &str) -> Vec<&'static str>;

    /// Applies a decorator that the library made to a function.
    fn decorate(
        &self,
        interpreter: &mut Interpreter<'_>,
        decorator: &super::value::PendingDecorator,
        function: &Rc<super::function::Function>,
    ) -> Outcome<Value>;
}

/// What a library knows about a name.
pub(crate) enum LibraryName {
    Known(Value),
    /// It may exist, but it cannot be used in definitions.
    Foreign,
    /// It does not exist.
    Missing,
}

/// The code that runs now.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) source: Rc<Source>,
    pub(crate) scope: Rc<Scope>,
    /// Dotted name of the module.
    pub(crate) module: Rc<str>,
    /// Whether the module is a package (`__init__.py`), which changes relative imports.
    pub(crate) package: bool,
}

/// One evaluation of a repository.
pub(crate) struct Interpreter<'e> {
    pub(crate) files: &'e dyn SourceFiles,
    pub(crate) environment: &'e dyn Environment,
    pub(crate) library: &'e dyn Library,
    pub(crate) limits: Limits,
    pub(crate) modules: Modules,
    pub(crate) frame: Frame,
    pub(crate) warnings: Vec<Warning>,
    steps: u64,
    calls: usize,
    depth: usize,
}

impl<'e> Interpreter<'e> {
    pub(crate) fn new(
        files: &'e dyn SourceFiles,
        environment: &'e dyn Environment,
        library: &'e dyn Library,
        limits: Limits,
        modules: Modules,
    ) -> Outcome<Self> {
        let nothing = Source::new("", Vec::new()).map_err(Stop::ended)?;
        let frame = Frame {
            source: Rc::new(nothing),
            scope: Scope::module(),
            module: Rc::from(""),
            package: false,
        };
        let (warnings, steps, calls, depth) = (Vec::new(), 0, 0, 0);
        Ok(Self {
            files,
            environment,
            library,
            limits,
            modules,
            frame,
            warnings,
            steps,
            calls,
            depth,
        })
    }

    /// Counts one step.
    pub(crate) fn tick(&mut self) -> Outcome<()> {
        self.charge(1)
    }

    /// Counts `steps` steps.
    ///
    /// # Errors
    /// The end of the evaluation when the limit is passed.
    pub(crate) fn charge(&mut self, steps: usize) -> Outcome<()> {
        self.steps = self.steps.saturating_add(u64::try_from(steps).unwrap_or(u64::MAX));
        if self.steps <= self.limits.steps {
            return Ok(());
        }
        let limit = self.limits.steps;
        Err(Stop::unsupported(
            format!("the definitions need more than {limit} evaluation steps"),
            "look for an endless loop; definitions should be plain declarations",
        ))
    }

    /// Counts the making of `bytes` bytes of text.
    pub(crate) fn charge_text(&mut self, bytes: usize) -> Outcome<()> {
        self.charge(bytes / 16)
    }

    /// Whether the step limit has been passed, so that nothing more can run.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps > self.limits.steps
    }

    /// Runs one more level of a recursion over nested values.
    pub(crate) fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_VALUE_DEPTH {
            let hint = "definitions need no such structure";
            return Err(Stop::unsupported("values are nested too deeply", hint));
        }
        self.depth += 1;
        let result = grow(|| run(self));
        self.depth -= 1;
        result
    }

    /// Runs the body of a function in its own frame.
    pub(crate) fn call_frame<T>(
        &mut self,
        frame: Frame,
        run: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        if self.calls >= self.limits.call_depth {
            let limit = self.limits.call_depth;
            return Err(Stop::unsupported(
                format!("more than {limit} calls inside each other"),
                "look for a function that calls itself without end",
            ));
        }
        self.calls += 1;
        let caller = std::mem::replace(&mut self.frame, frame);
        let result = grow(|| run(self));
        self.frame = caller;
        self.calls -= 1;
        result
    }

    /// Runs something in another scope of the present frame.
    pub(crate) fn in_scope<T>(
        &mut self,
        scope: Rc<Scope>,
        run: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        let outer = std::mem::replace(&mut self.frame.scope, scope);
        let result = run(self);
        self.frame.scope = outer;
        result
    }

    /// The place of a range in the present file.
    pub(crate) fn location(&self, range: TextRange) -> Location {
        self.frame.source.location(range.start())
    }

    /// An end of kind `Unsupported` at a node of the present file.
    pub(crate) fn unsupported(&self, node: &impl Ranged, what: &str, hint: &str) -> Stop {
        Stop::unsupported(what, hint).at(|| self.location(node.range()))
    }

    /// Notes a warning.
    pub(crate) fn warn(&mut self, message: impl Into<String>, location: Location) {
        let warning = Warning { message: message.into(), location: Some(location) };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The value of a name where the present frame is, or of a built-in.
    pub(crate) fn lookup(&self, name: &str) -> Outcome<Value> {
        if let Some(value) = self.frame.scope.get(name) {
            return Ok(value);
        }
        if let Some(value) = super::builtins::lookup(name) {
            return Ok(value);
        }
        let stop = Exception::raise("NameError", format!("name \"{name}\" is not defined"));
        let known = self.frame.scope.global().names();
        Err(match closest(name, known.iter().map(AsRef::as_ref)) {
            Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
            None => stop.hint("define it above, or import it"),
        })
    }
}

/// Runs one more level of evaluation with enough stack.
pub(crate) fn grow<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_RESERVE, STACK_SEGMENT, run)
}

/// The known name most like a mistyped one.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .filter(|candidate| candidate.len() < 100 && name.len() < 100)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

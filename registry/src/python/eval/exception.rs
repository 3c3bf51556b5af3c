//! How evaluation stops: a Python exception, which the code may catch, or an end that it may not.

use larder_core::{Error, ErrorKind, Location};

/// Result of one step of evaluation.
pub(crate) type Outcome<T> = Result<T, Stop>;

/// Why evaluation stopped. Boxed, because it travels through every result of the evaluator.
#[derive(Debug)]
pub(crate) struct Stop(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// A Python exception.
    Raised(Exception),
    /// Something unsupported or a limit: nothing in the repository can catch it.
    Ended(Error),
}

/// A Python exception.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    /// Class name, for instance `KeyError`.
    pub(crate) class: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) location: Option<Location>,
}

impl Exception {
    /// An exception as an error value.
    pub(crate) fn raise(class: &str, message: impl Into<String>) -> Stop {
        Stop(Box::new(Cause::Raised(Self {
            class: class.to_owned(),
            message: message.into(),
            hint: None,
            location: None,
        })))
    }

    /// Whether `except class:` catches it.
    pub(crate) fn is_a(&self, class: &str) -> bool {
        descends(&self.class, class)
    }
}

/// Whether an exception class is, or descends from, another.
pub(crate) fn descends(class: &str, ancestor: &str) -> bool {
    let mut present = class;
    loop {
        if present == ancestor {
            return true;
        }
        present = match present {
            "BaseException" => return false,
            "Exception" => "BaseException",
            other => parent(other),
        };
    }
}

/// The exceptions that code may name, with their parents.
const HIERARCHY: [(&str, &str); 19] = [
    ("ArithmeticError", "Exception"),
    ("AssertionError", "Exception"),
    ("AttributeError", "Exception"),
    ("EnvironmentError", "Exception"),
    ("FileNotFoundError", "OSError"),
    ("ImportError", "Exception"),
    ("IndexError", "LookupError"),
    ("KeyError", "LookupError"),
    ("LookupError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("NameError", "Exception"),
    ("NotImplementedError", "RuntimeError"),
    ("OSError", "Exception"),
    ("OverflowError", "ArithmeticError"),
    ("RuntimeError", "Exception"),
    ("StopIteration", "Exception"),
    ("TypeError", "Exception"),
    ("ValueError", "Exception"),
    ("ZeroDivisionError", "ArithmeticError"),
];

fn parent(class: &str) -> &'static str {
    HIERARCHY.iter().find(|(name, _)| *name == class).map_or("Exception", |(_, parent)| parent)
}

/// The exception class of this name, if Python's built-ins have it.
pub(crate) fn known(class: &str) -> Option<&'static str> {
    match class {
        "Exception" => Some("Exception"),
        "BaseException" => Some("BaseException"),
        _ => HIERARCHY.iter().find(|(name, _)| *name == class).map(|(name, _)| *name),
    }
}

impl Stop {
    /// An end of kind `Unsupported`.
    pub(crate) fn unsupported(what: impl Into<String>, hint: &str) -> Self {
        Self::ended(Error::unsupported(what).with_hint(hint))
    }

    /// An end that nothing in the repository can catch.
    pub(crate) fn ended(error: Error) -> Self {
        Self(Box::new(Cause::Ended(error)))
    }

    /// The Python exception, unless it is an end.
    pub(crate) fn exception(&self) -> Option<&Exception> {
        match &*self.0 {
            Cause::Raised(exception) => Some(exception),
            Cause::Ended(_) => None,
        }
    }

    /// Says where, unless a place nearer to the cause is known already.
    pub(crate) fn at(self, location: impl FnOnce() -> Location) -> Self {
        Self(Box::new(match *self.0 {
            Cause::Raised(mut exception) => {
                exception.location.get_or_insert_with(location);
                Cause::Raised(exception)
            }
            Cause::Ended(error) if error.location().is_none() => {
                Cause::Ended(error.with_location(location()))
            }
            ended @ Cause::Ended(_) => ended,
        }))
    }

    /// Adds a hint to an exception.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Cause::Raised(exception) = &mut *self.0 {
            exception.hint = Some(hint.into());
        }
        self
    }

    /// The error for the user.
    pub(crate) fn into_error(self) -> Error {
        match *self.0 {
            Cause::Ended(error) => error,
            Cause::Raised(exception) => {
                let kind = match exception.class.as_str() {
                    "FileNotFoundError" => ErrorKind::NotFound,
                    _ => ErrorKind::Invalid,
                };
                let mut error = Error::new(kind, exception.message);
                if let Some(hint) = exception.hint {
                    error = error.with_hint(hint);
                }
                match exception.location {
                    Some(location) => error.with_location(location),
                    None => error,
                }
            }
        }
    }
}

//! How evaluation stops: a Python exception, which the code may catch, or an end that it may not.

use larder_core::{Error, ErrorKind, Location};

/// Result of one step of evaluation.
pub(crate) type Outcome<T> = Result<T, Box<Stop>>;

/// Why evaluation stopped.
#[derive(Debug)]
pub(crate) enum Stop {
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
    pub(crate) fn raise(class: &str, message: impl Into<String>) -> Box<Stop> {
        Box::new(Stop::Raised(Self {
            class: class.to_owned(),
            message: message.into(),
            hint: None,
            location: None,
        }))
    }

    /// Whether `except class:` catches it.
    pub(crate) fn is_a(&self, class: &str) -> bool {
        let mut present = self.class.as_str();
        loop {
            if present == class {
                return true;
            }
            present = match present {
                "BaseException" => return false,
                "Exception" => "BaseException",
                other => parent(other),
            };
        }
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
    pub(crate) fn unsupported(what: impl Into<String>, hint: &str) -> Box<Self> {
        Box::new(Self::Ended(Error::unsupported(what).with_hint(hint)))
    }

    /// Says where, unless a place nearer to the cause is known already.
    pub(crate) fn at(mut self: Box<Self>, location: impl FnOnce() -> Location) -> Box<Self> {
        match &mut *self {
            Self::Raised(exception) => {
                exception.location.get_or_insert_with(location);
                self
            }
            Self::Ended(error) if error.location().is_none() => {
                let Self::Ended(error) = *self else { return self };
                Box::new(Self::Ended(error.with_location(location())))
            }
            Self::Ended(_) => self,
        }
    }

    /// Adds a hint to an exception.
    pub(crate) fn hint(mut self: Box<Self>, hint: impl Into<String>) -> Box<Self> {
        if let Self::Raised(exception) = &mut *self {
            exception.hint = Some(hint.into());
        }
        self
    }

    /// The error for the user.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Ended(error) => error,
            Self::Raised(exception) => {
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

//! One error type for every plane.
//!
//! A caller acts on [`ErrorKind`]; a person reads the message, the location and the hint.

use std::error::Error as StdError;
use std::fmt;

use crate::ObjectKind;

/// What went wrong, as far as the caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong: the caller must change it before trying again.
    Invalid,
    /// The named object does not exist.
    NotFound,
    /// The object exists already, or two objects claim the same name.
    AlreadyExists,
    /// Somebody else changed the same object: read again, then retry.
    Conflict,
    /// Valid in Feast, but Larder cannot do it (here).
    Unsupported,
    /// A store or service does not answer: retry later.
    Unavailable,
    /// The time budget of the call ran out.
    Deadline,
    /// Stored bytes cannot be understood: somebody must repair or restore them.
    Data,
    /// The caller may not do this.
    PermissionDenied,
    /// A bug in Larder.
    Internal,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Unsupported,
        Self::Unavailable,
        Self::Deadline,
        Self::Data,
        Self::PermissionDenied,
        Self::Internal,
    ];

    /// The kind of this name in snake case, as [`as_str`](Self::as_str) gives it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the same call may succeed later without a change by the caller.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::Deadline | Self::Conflict)
    }

    /// The kind's name in snake case, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Data => "data",
            Self::PermissionDenied => "permission_denied",
            Self::Internal => "internal",
        }
    }
}

/// A place in a source file; line and column count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Path as the user knows it (relative to the repository).
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1; 0 when only the line is known.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.column == 0 {
            write!(f, "{}:{}", self.file, self.line)
        } else {
            write!(f, "{}:{}:{}", self.file, self.line, self.column)
        }
    }
}

/// The registry object an error is about; servers turn it into Feast's exception class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Name of the object.
    pub name: String,
    /// Project searched; empty when the object has none.
    pub project: String,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    location: Option<Location>,
    subject: Option<Subject>,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

/// An error with a kind, a one-line message and, where known, a place and a hint.
///
/// `Display` is one line, `location: message: source`; the hint is separate, for the CLI to print
/// on a line of its own.
#[derive(Debug)]
pub struct Error(Box<Inner>);

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A new error; `message` is lowercase, without a full stop, and names the object.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            location: None,
            subject: None,
            source: None,
        }))
    }

    /// [`ErrorKind::Invalid`] with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// [`ErrorKind::Unsupported`] with this message.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// [`ErrorKind::Data`] with this message.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// [`ErrorKind::Internal`] with this message.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// [`ErrorKind::NotFound`] for a registry object.
    pub fn not_found(
        kind: ObjectKind,
        name: impl Into<String>,
        project: impl Into<String>,
    ) -> Self {
        let subject = Subject { kind, name: name.into(), project: project.into() };
        let message = if subject.project.is_empty() {
            format!("{} \"{}\" does not exist", kind.label(), subject.name)
        } else {
            format!(
                "{} \"{}\" does not exist in project \"{}\"",
                kind.label(),
                subject.name,
                subject.project
            )
        };
        let mut error = Self::new(ErrorKind::NotFound, message);
        error.0.subject = Some(subject);
        error
    }

    /// Says what the user can do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says where in the user's files it happened.
    pub fn with_location(mut self, location: Location) -> Self {
        self.0.location = Some(location);
        self
    }

    /// Names the registry object it is about.
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.0.subject = Some(subject);
        self
    }

    /// Keeps the cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts `context: ` before the message.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// The same error once more, for things that fail together; the cause comes along as text.
    #[must_use]
    pub fn again(&self) -> Self {
        let Inner { kind, message, hint, location, subject, source } = self.0.as_ref();
        Self(Box::new(Inner {
            kind: *kind,
            message: message.clone(),
            hint: hint.clone(),
            location: location.clone(),
            subject: subject.clone(),
            source: source.as_ref().map(|source| source.to_string().into()),
        }))
    }

    /// What the caller can act on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without location, source or hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where in the user's files it happened.
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// The registry object it is about.
    pub fn subject(&self) -> Option<&Subject> {
        self.0.subject.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.0.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

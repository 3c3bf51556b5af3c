//! DataFusion's errors as ours.

use std::error::Error as StdError;

use arrow_schema::ArrowError;
use datafusion::error::DataFusionError;
use larder_core::{Error, ErrorKind};
use parquet::errors::ParquetError;

/// The error with the kind that its innermost cause has; an error of ours that went through DataFusion comes back as
/// it was.
pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(cause) => match cause.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::internal("the offline engine failed").with_source(other),
        },
        DataFusionError::ArrowError(cause, _) => from_arrow(*cause),
        DataFusionError::ParquetError(cause) => match *cause {
            ParquetError::External(cause) => from_boxed(cause),
            other => Error::data("the offline engine failed").with_source(other),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_datafusion(*inner)
        }
        DataFusionError::ResourcesExhausted(_) => {
            Error::invalid("the request needs more memory than the offline engine may use")
                .with_hint("split the entity rows into several requests, or raise the memory limit")
                .with_source(error)
        }
        other => Error::new(kind(&other), "the offline engine failed").with_source(other),
    }
}

/// Whether the memory pool gave less than was asked for.
pub(crate) fn is_out_of_memory(error: &Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<DataFusionError>());
    matches!(cause, Some(DataFusionError::ResourcesExhausted(_)))
}

/// Our error as one that DataFusion carries; [`from_datafusion`] takes it out again.
pub(crate) fn into_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What an object store answered about an object.
pub(crate) fn from_store(object: &str, error: object_store::Error) -> Error {
    Error::new(store_kind(&error), format!("cannot read {object}")).with_source(error)
}

pub(crate) fn from_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(cause) => from_boxed(cause),
        other => Error::data("the values cannot be processed").with_source(other),
    }
}

fn from_boxed(cause: Box<dyn StdError + Send + Sync>) -> Error {
    let cause = match cause.downcast::<DataFusionError>() {
        Ok(inner) => return from_datafusion(*inner),
        Err(other) => other,
    };
    match cause.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => Error::data("the values cannot be processed").with_source(other),
    }
}

fn kind(error: &DataFusionError) -> ErrorKind {
    match error {
        DataFusionError::ParquetError(_) => ErrorKind::Data,
        DataFusionError::ObjectStore(cause) => store_kind(cause),
        DataFusionError::IoError(cause) => match cause.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::Unavailable,
        },
        DataFusionError::NotImplemented(_) => ErrorKind::Unsupported,
        DataFusionError::Shared(inner) => kind(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(ErrorKind::Internal, kind),
        _ => ErrorKind::Internal,
    }
}

fn store_kind(error: &object_store::Error) -> ErrorKind {
    match error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_error_survives_the_engine() {
        let inner = into_datafusion(Error::invalid("no column"));
        let wrapped = ArrowError::ExternalError(Box::new(inner)).into();
        assert_eq!(from_datafusion(wrapped).kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_missing_object_is_not_found_under_any_wrapping() {
        let missing = object_store::Error::NotFound { path: "x".to_owned(), source: "gone".into() };
        let shared = DataFusionError::Shared(std::sync::Arc::new(missing.into()));
        let wrapped = DataFusionError::Context("reading".to_owned(), Box::new(shared));
        assert_eq!(from_datafusion(wrapped).kind(), ErrorKind::NotFound);
    }
}

//! Errors on their way through the cluster, which carries text.

use std::error::Error as StdError;
use std::fmt;

use datafusion::error::DataFusionError;
use larder_core::{Error, ErrorKind};
use prost::Message;

/// Before and after the hexadecimal digits of an error's message.
const MARKS: (&str, &str) = ("larder-error:", ";");

#[derive(Clone, PartialEq, Message)]
struct ErrorMessage {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, optional, tag = "3")]
    hint: Option<String>,
}

/// An error whose text, however it is quoted, tells [`from_cluster`] all of it.
struct Carried(Error);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = ErrorMessage {
            kind: self.0.kind().as_str().to_owned(),
            message: self.0.to_string(),
            hint: self.0.hint().map(str::to_owned),
        };
        let digits = hex::encode(message.encode_to_vec());
        write!(f, "{} ({}{digits}{})", self.0, MARKS.0, MARKS.1)
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Carried {}

/// Our error as one that the cluster carries to the client.
pub(crate) fn into_cluster(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(Carried(error)))
}

/// How the message of a job ends that nobody but our scheduler cancels, for want of executors.
const CANCELLED: &str = "failed: Cancelled";

/// What the cluster answered: the error of an executor as it was; `Unavailable` for one of the cluster itself.
pub(crate) fn from_cluster(scheduler: &str, error: &DataFusionError) -> Error {
    let text = error.to_string();
    carried(&text).unwrap_or_else(|| {
        if text.ends_with(CANCELLED) {
            let message = format!("the Ballista cluster of {scheduler} has no executor");
            let hint = format!("start one with fs cluster executor --scheduler {scheduler}");
            return Error::new(ErrorKind::Unavailable, message).with_hint(hint);
        }
        let message = format!("the Ballista cluster of {scheduler} did not answer: {text}");
        let hint = "are its scheduler and at least one executor running? then ask again";
        Error::new(ErrorKind::Unavailable, message).with_hint(hint)
    })
}

fn carried(text: &str) -> Option<Error> {
    let (_, rest) = text.split_once(MARKS.0)?;
    let (digits, _) = rest.split_once(MARKS.1)?;
    let message = ErrorMessage::decode(hex::decode(digits).ok()?.as_slice()).ok()?;
    let kind = ErrorKind::named(&message.kind);
    let error = Error::new(kind.unwrap_or(ErrorKind::Internal), message.message);
    Some(match message.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_every_kind_survive_being_quoted_twice() {
        let message = "feature view \"a\": rows.parquet is damaged";
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, message).with_hint("look");
            let quoted = format!("Job 7 failed: {:?}", format!("{:?}", into_cluster(error)));
            let back = from_cluster("http://here", &DataFusionError::Execution(quoted));
            assert_eq!((back.kind(), back.message(), back.hint()), (kind, message, Some("look")));
        }
    }

    #[test]
    fn an_error_of_the_cluster_itself_is_unavailable() {
        let lost = DataFusionError::Execution("no executors".to_owned());
        let error = from_cluster("http://here", &lost);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let cancelled = DataFusionError::Execution("Job 7 failed: Cancelled".to_owned());
        let error = from_cluster("here:7", &cancelled);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.message(), "the Ballista cluster of here:7 has no executor");
    }
}

//! The one table from error kinds to HTTP status, gRPC code and Feast's error body.

use axum::http::StatusCode;
use larder_core::{Compat, Error, ErrorKind, ObjectKind, Subject};

use crate::feast_words::FeastWords;

/// How one error is answered on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireStatus {
    /// HTTP status.
    pub http: StatusCode,
    /// gRPC code.
    pub grpc: tonic::Code,
    /// Class of `feast.errors` that Python clients raise.
    pub class: &'static str,
    /// Message as that class words it.
    pub message: String,
    /// Whether Feast answers the message alone, without module and class.
    pub is_bare: bool,
}

/// The answer to an error.
///
/// Feast 0.67 answers most client faults with 500; that is given under [`Compat::Feast`] only, because
/// Feast's own client retries a POST on 5xx.
pub fn wire_status(error: &Error, compat: Compat) -> WireStatus {
    let (http, grpc) = codes(error.kind());
    if let (Compat::Feast, Some(words)) = (compat, FeastWords::of(error)) {
        let (class, message) = (words.class.unwrap_or("FeastError"), words.text.clone());
        let http = feast_http(class);
        return WireStatus { http, grpc, class, message, is_bare: words.class.is_none() };
    }
    let (class, message) = match error.subject() {
        Some(subject) => feast_class(error, subject),
        None => ("FeastError", one_line(error)),
    };
    let http = match (class, compat) {
        ("PushSourceNotFoundException", _) | (_, Compat::Feast) => feast_http(class),
        (_, Compat::Larder) => http,
    };
    WireStatus { http, grpc, class, message, is_bare: false }
}

/// Status of a class of `feast.errors`.
fn feast_http(class: &str) -> StatusCode {
    match class {
        "PushSourceNotFoundException" => StatusCode::UNPROCESSABLE_ENTITY,
        "FeatureViewNotFoundException"
        | "FeatureViewVersionNotFound"
        | "FeatureServiceNotFoundException"
        | "FeastObjectNotFoundException"
        | "EntityNotFoundException"
        | "RequestDataNotFoundInEntityRowsException" => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl WireStatus {
    /// Feast's error detail: the JSON text from which its clients rebuild the exception, or the bare message.
    pub fn detail(&self) -> String {
        if self.is_bare {
            return self.message.clone();
        }
        let message = serde_json::Value::from(self.message.as_str());
        format!(
            "{{\"module\": \"feast.errors\", \"class\": \"{}\", \"message\": {message}}}",
            self.class
        )
    }
}

/// Whether an error of this kind is the server's fault.
pub(crate) fn is_server_fault(kind: ErrorKind) -> bool {
    codes(kind).0.is_server_error()
}

fn codes(kind: ErrorKind) -> (StatusCode, tonic::Code) {
    match kind {
        ErrorKind::Invalid | ErrorKind::AlreadyExists => {
            (StatusCode::BAD_REQUEST, tonic::Code::InvalidArgument)
        }
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, tonic::Code::NotFound),
        ErrorKind::Conflict => (StatusCode::CONFLICT, tonic::Code::Aborted),
        ErrorKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, tonic::Code::Unimplemented),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, tonic::Code::Unavailable),
        ErrorKind::Deadline => (StatusCode::GATEWAY_TIMEOUT, tonic::Code::DeadlineExceeded),
        ErrorKind::PermissionDenied => (StatusCode::FORBIDDEN, tonic::Code::PermissionDenied),
        ErrorKind::Data => (StatusCode::INTERNAL_SERVER_ERROR, tonic::Code::DataLoss),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, tonic::Code::Internal),
    }
}

fn feast_class(error: &Error, subject: &Subject) -> (&'static str, String) {
    let Subject { kind, name, project } = subject;
    match (error.kind(), kind) {
        (ErrorKind::NotFound, ObjectKind::PushSource) => {
            ("PushSourceNotFoundException", format!("Unable to find push source '{name}'."))
        }
        (
            ErrorKind::NotFound,
            ObjectKind::FeatureView
            | ObjectKind::StreamFeatureView
            | ObjectKind::OnDemandFeatureView
            | ObjectKind::LabelView,
        ) => ("FeatureViewNotFoundException", missing("Feature view", name, project)),
        (ErrorKind::NotFound, ObjectKind::FeatureService) => {
            ("FeatureServiceNotFoundException", missing("Feature service", name, project))
        }
        (ErrorKind::NotFound, ObjectKind::Entity) => {
            ("EntityNotFoundException", missing("Entity", name, project))
        }
        (ErrorKind::NotFound, ObjectKind::DataSource) => {
            ("DataSourceObjectNotFoundException", missing("Data source", name, project))
        }
        (ErrorKind::AlreadyExists, ObjectKind::SavedDataset) => (
            "SavedDatasetLocationAlreadyExists",
            format!("Saved dataset location {name} already exists."),
        ),
        (ErrorKind::NotFound, ObjectKind::RequestData) => (
            "RequestDataNotFoundInEntityRowsException",
            format!(
                "Required request data source features ['{name}'] not found in the entity rows, but required by \
                 feature views"
            ),
        ),
        (ErrorKind::NotFound, _) => ("FeastObjectNotFoundException", one_line(error)),
        (ErrorKind::AlreadyExists, ObjectKind::Feature) => {
            ("FeatureNameCollisionError", one_line(error))
        }
        _ => ("FeastError", one_line(error)),
    }
}

fn missing(what: &str, name: &str, project: &str) -> String {
    if project.is_empty() {
        format!("{what} {name} does not exist")
    } else {
        format!("{what} {name} does not exist in project {project}")
    }
}

/// Message and hint; the causes of internal errors stay in the log.
pub(crate) fn one_line(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{}; hint: {hint}", error.message()),
        None => error.message().to_owned(),
    }
}

/// The gRPC status of an error.
pub(crate) fn grpc_status(error: &Error, compat: Compat) -> tonic::Status {
    log_server_fault(error);
    let status = wire_status(error, compat);
    tonic::Status::new(status.grpc, status.message)
}

/// Logs what an operator must look at; client faults are not logged.
pub(crate) fn log_server_fault(error: &Error) {
    if matches!(error.kind(), ErrorKind::Data | ErrorKind::Internal | ErrorKind::Unavailable) {
        tracing::error!(kind = error.kind().as_str(), %error, "request failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_faults_are_4xx_unless_feast_is_imitated() {
        for (error, http, class) in [
            (
                Error::not_found(ObjectKind::FeatureView, "v", "p"),
                404,
                "FeatureViewNotFoundException",
            ),
            (
                Error::not_found(ObjectKind::FeatureService, "s", "p"),
                404,
                "FeatureServiceNotFoundException",
            ),
            (
                Error::not_found(ObjectKind::PushSource, "s", "p"),
                422,
                "PushSourceNotFoundException",
            ),
            (
                Error::not_found(ObjectKind::RequestData, "x", ""),
                404,
                "RequestDataNotFoundInEntityRowsException",
            ),
            (Error::invalid("ragged"), 400, "FeastError"),
        ] {
            let status = wire_status(&error, Compat::Larder);
            assert_eq!((status.http.as_u16(), status.class), (http, class));
        }
        assert_eq!(wire_status(&Error::invalid("ragged"), Compat::Feast).http.as_u16(), 500);
    }

    #[test]
    fn the_detail_is_feasts_triple() {
        let status =
            wire_status(&Error::not_found(ObjectKind::FeatureView, "v\"x", "p"), Compat::Larder);
        let detail: serde_json::Value = serde_json::from_str(&status.detail()).unwrap();
        assert_eq!(detail["module"], "feast.errors");
        assert_eq!(detail["message"], "Feature view v\"x does not exist in project p");
    }
}

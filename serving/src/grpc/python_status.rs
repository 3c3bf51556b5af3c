//! Statuses of Feast 0.67's `GrpcFeatureServer`, for `compat: feast`.

use larder_core::{Compat, Error, ErrorKind, ObjectKind};
use tonic::{Code, Status};

use crate::status::{log_server_fault, wire_status};

/// An unknown service is caught there, every other exception reaches grpc itself.
pub(super) fn of_read(error: &Error) -> Status {
    log_server_fault(error);
    let message = wire_status(error, Compat::Feast).message;
    if is_missing(error, ObjectKind::FeatureService) {
        return Status::internal(message);
    }
    Status::unknown(format!("Exception calling application: {message}"))
}

/// Of pushes and writes.
pub(super) fn of_write(error: &Error) -> Status {
    log_server_fault(error);
    let status = wire_status(error, Compat::Feast);
    if let Some(subject) = error.subject().filter(|_| is_missing(error, ObjectKind::Feature)) {
        // The view to write to: a KeyError there.
        return Status::internal(format!("'{}'", subject.name));
    }
    let code = if is_missing(error, ObjectKind::PushSource) {
        Code::InvalidArgument
    } else {
        Code::Internal
    };
    Status::new(code, status.message)
}

fn is_missing(error: &Error, kind: ObjectKind) -> bool {
    error.kind() == ErrorKind::NotFound
        && error.subject().is_some_and(|subject| subject.kind == kind)
}

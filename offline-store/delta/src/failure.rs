//! What the kernel answers, as our errors.

use delta_kernel::KernelError;
use larder_core::{Error, ErrorKind};
use larder_object_storage::from_store;

/// The error of reading the log of `shown`.
///
/// `NotFound` without a log, `Unsupported` for what the table needs of its readers, `Data` for a log that makes no sense,
/// otherwise as [`from_store`].
pub(crate) fn from_kernel(shown: &str, error: KernelError) -> Error {
    let doing = format!("cannot read the Delta log of {shown}");
    match error {
        KernelError::Backtraced { source, .. } => from_kernel(shown, *source),
        KernelError::ObjectStore(error) => from_store(doing, error),
        KernelError::FileNotFound(_)
        | KernelError::EmptyLog
        | KernelError::InvalidTableLocation(_) => missing(shown),
        KernelError::IOError(error) => Error::new(ErrorKind::Unavailable, doing).with_source(error),
        KernelError::Unsupported(what) => {
            Error::unsupported(format!("{shown} is a Delta table that cannot be read: {what}"))
                .with_hint(COPY)
        }
        other => Error::data(doing).with_source(other).with_hint(DAMAGED),
    }
}

/// What helps where a table needs more of its readers than there is.
pub(crate) const COPY: &str =
    "a copy without this table feature, or a folder of Parquet files, can be read";

const DAMAGED: &str = "a commit or checkpoint below _delta_log is damaged or missing";

/// There is no log.
fn missing(shown: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no Delta table at {shown}")).with_hint(
        "the path is the folder that holds _delta_log; without file_format it is read as Parquet files",
    )
}

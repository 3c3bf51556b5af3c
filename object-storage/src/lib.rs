//! Objects in S3-compatible storage, for every plane that reads or writes them.
//!
//! [`Buckets`] is the only place that turns a URI into a client; [`Bucket`] lists, writes and removes objects,
//! [`StoredObject`] reads ranges of one version of an object, and [`Upload`] writes an object that appears whole or not
//! at all. What it is not: it knows no file format. Requests are retried within a deadline, and no error carries what
//! a server or client says of credentials.

mod bucket;
mod buckets;
mod failure;
mod files;
mod object;
mod settings;
mod upload;
mod uri;

pub use bucket::{Bucket, Condition};
pub use buckets::Buckets;
pub use failure::from_store;
pub use files::{fetch_file, upload_file};
pub use object::StoredObject;
pub use settings::{S3Credentials, S3Settings};
pub use upload::Upload;
pub use uri::ObjectUri;

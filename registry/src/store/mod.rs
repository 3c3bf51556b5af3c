//! Where a registry is kept.

mod file;
mod object;

use std::fmt::Debug;
use std::sync::Arc;

use larder_core::{Clock, Error, Result};
use larder_object_storage::{Buckets, ObjectUri};
use larder_proto::wire::registry_file::RegistryFile;

pub use file::{ChangeMark, FileRegistryStore};
pub use object::ObjectRegistryStore;

use crate::repo_config::{RegistryKind, RepoConfig};

/// Largest registry that is read.
const MAX_BYTES: u64 = 1 << 30;

/// What an update did to the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: do not write.
    Unchanged,
    /// Something: write.
    Changed,
}

/// Keeps one registry, which many processes may read and write.
///
/// Calls block on IO; servers make them off their event loop.
///
/// # Errors
/// `Data` when the stored bytes are no registry, `Unavailable` when they cannot be read, written or locked.
pub trait RegistryStore: Send + Sync + Debug {
    /// Where it is, for messages (no secrets).
    fn location(&self) -> String;

    /// The present state, `None` when there is no registry yet.
    ///
    /// # Errors
    /// See [`RegistryStore`].
    fn load(&self) -> Result<Option<RegistryFile>>;

    /// Changes the registry as one step: no other writer comes between reading and writing, and a reader sees the
    /// state before or after, never between. `change` starts from an empty registry when there is none.
    ///
    /// # Behavior
    /// A write is on disk when this returns; it carries a new version id and the present time. When `change` fails
    /// or answers [`Outcome::Unchanged`], nothing is written, and a missing registry stays missing.
    ///
    /// # Errors
    /// What `change` returns; else see [`RegistryStore`].
    fn update(
        &self,
        change: &mut dyn FnMut(&mut RegistryFile) -> Result<Outcome>,
    ) -> Result<RegistryFile>;

    /// A mark that differs after every write; cheap enough to ask for every second.
    ///
    /// # Errors
    /// See [`RegistryStore`].
    fn change_mark(&self) -> Result<ChangeMark>;
}

/// Opens the registry that the configuration names; writes are stamped with the time of `clock`.
///
/// # Errors
/// `Unsupported` for registries that are neither local files nor objects of S3-compatible storage.
pub fn open(config: &RepoConfig, clock: Arc<dyn Clock>) -> Result<Box<dyn RegistryStore>> {
    let registry = &config.registry;
    if let Some(path) = registry.local_path(&config.repo_path) {
        if registry.path.expose().is_empty() {
            return Err(Error::invalid("registry.path is empty"));
        }
        return Ok(Box::new(FileRegistryStore::new(path, clock)));
    }
    let what = match registry.kind {
        RegistryKind::File if ObjectUri::is_one(registry.path.expose()) => {
            return Ok(Box::new(in_bucket(config, clock)?));
        }
        RegistryKind::File => "a registry in an object store other than S3",
        RegistryKind::Sql => "registry_type sql",
        RegistryKind::Remote => "registry_type remote",
        RegistryKind::Snowflake => "registry_type snowflake.registry",
    };
    Err(Error::unsupported(format!("{what} is not supported"))
        .with_hint("use a local path or s3://BUCKET/KEY for registry.path"))
}

fn in_bucket(config: &RepoConfig, clock: Arc<dyn Clock>) -> Result<ObjectRegistryStore> {
    let registry = &config.registry;
    if let Some(key) = registry.s3_additional_kwargs.keys().next() {
        return Err(Error::unsupported(format!(
            "registry.s3_additional_kwargs.{key} is not supported"
        ))
        .with_hint("set it as a default of the bucket"));
    }
    let uri = ObjectUri::parse(registry.path.expose())?;
    let buckets = Buckets::new(config.offline_store.object_storage());
    let bucket = buckets.get(&uri.bucket, registry.s3_endpoint_url.as_deref())?;
    ObjectRegistryStore::new(bucket, uri, clock)
}

/// The registry that these bytes are.
fn parse(bytes: &[u8], location: &str) -> Result<RegistryFile> {
    RegistryFile::parse(bytes).map_err(|error| {
        Error::data(format!("{location} is not a registry file"))
            .with_hint("restore it from a backup, or move it away and apply again")
            .with_source(error)
    })
}

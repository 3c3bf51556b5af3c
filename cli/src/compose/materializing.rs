//! What moves rows from the offline to the online store.

use std::path::PathBuf;
use std::sync::Arc;

use larder_core::Result;
use larder_materializer::{FolderCheckpoints, Materializer, MaterializerSettings};
use larder_online_store::{OnlineStore, WriteGuard};
use larder_registry::RepoConfig;
use larder_registry::repo_config::ByteSize;
use larder_registry::store::RegistryStore;

use super::recorder::RegistryRecorder;
use super::{entity_key_version, offline_store, online_store, registry_store, write_guard};
use crate::clock::SystemClock;
use crate::repository::Repository;

/// How rows are moved, beyond the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunOptions {
    /// Leaves the guard off.
    pub(crate) bulk: bool,
    /// Goes on where a run was cut off.
    pub(crate) resume: bool,
    /// What a view may take; `None` for what is configured.
    pub(crate) memory_limit: Option<ByteSize>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { bulk: false, resume: true, memory_limit: None }
    }
}

/// Moves rows to the configured stores and records it in the registry.
///
/// # Errors
/// As the stores' constructors.
pub(crate) fn materializer(repository: &Repository, options: RunOptions) -> Result<Materializer> {
    let config = repository.existing()?;
    over(config, registry_store(config)?, online_store(config)?, options)
}

/// As [`materializer`], to an online store that is open.
///
/// # Errors
/// As [`offline_store`].
pub(super) fn over(
    config: &RepoConfig,
    registry: Arc<dyn RegistryStore>,
    online: Arc<dyn OnlineStore>,
    options: RunOptions,
) -> Result<Materializer> {
    let recorder = RegistryRecorder::new(registry, config.project.clone());
    let (set, defaults) = (&config.materialization, MaterializerSettings::default());
    let batch = set.online_write_batch_size;
    let bulk = options.bulk;
    let settings = MaterializerSettings {
        entity_key_version: entity_key_version(config),
        guard: if bulk { WriteGuard::LastWriteWins } else { write_guard(config) },
        batch_rows: batch.map_or(defaults.batch_rows, |rows| rows as usize),
        memory_limit: options.memory_limit.or(set.memory_limit).map(ByteSize::addressable),
        resume: options.resume,
        checkpoint_interval: set.checkpoint_interval.0,
        ..defaults
    };
    let (recorder, clock) = (Arc::new(recorder), Arc::new(SystemClock));
    let offline = offline_store(config)?;
    let materializer = Materializer::new(offline, online, recorder, clock, settings);
    Ok(match state(config) {
        Some(folder) => materializer.with_checkpoints(Arc::new(FolderCheckpoints::new(folder))),
        None => materializer,
    })
}

/// The folder for the records of runs; none for a registry that is no file and no folder set.
fn state(config: &RepoConfig) -> Option<PathBuf> {
    let beside_registry = || {
        let mut path = config.registry.local_path(&config.repo_path)?.into_os_string();
        path.push(".runs");
        Some(PathBuf::from(path))
    };
    config.materialization.state.clone().or_else(beside_registry)
}

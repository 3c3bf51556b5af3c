//! `fs teardown`: removes this project's online tables and its definitions.

use larder_core::Result;
use larder_registry::edit;
use larder_registry::repo_config::Compat;

use crate::repository::Repository;
use crate::{compose, definition};

/// Feast 0.67 removes every project of the registry; so does `compat: feast`, otherwise only this one goes.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let repository = repository.on_disk(None);
    let config = repository.existing()?;
    if config.online_store.is_some() && repository.is_applied()? {
        let tables = definition::tables_of(&repository.catalog()?)?;
        let online = compose::online_store(config)?;
        compose::block_on(online.teardown(&tables))?;
    }
    let registry = compose::registry_store(config)?;
    edit::teardown(registry.as_ref(), &config.project, config.compat == Compat::Feast)?;
    Ok(())
}

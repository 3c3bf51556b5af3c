//! From the files of a repository to the registry: the steps behind `fs plan` and `fs apply`.

mod stream_check;
mod tables;
mod transform_check;

use std::sync::Arc;

use larder_core::{Catalog, Clock as _, Result};
use larder_materializer::PrecomputedService;
use larder_online_store::{OnlineStore, ViewTable};
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::apply::{ApplyOptions, RegistryVersions, apply as apply_plan, merge};
use larder_registry::definitions::Definitions;
use larder_registry::inference::{infer, read_schemas};
use larder_registry::plan::{Plan, plan};
use larder_registry::python::{DirectoryFiles, Limits};
use larder_registry::repo_config::{OnlineStoreConfig, ProcessEnvironment};
use larder_registry::store::RegistryStore;
use larder_registry::validation::validate;
use larder_registry::{RepoConfig, RepoContents, load_definitions};

pub(crate) use self::tables::{TableChange, removed};
use self::transform_check::CompileCheck;
use crate::clock::SystemClock;
use crate::repository::Repository;
use crate::{compose, report};

/// A repository that was read, completed and checked, and what applying it would change.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What would change in the registry.
    pub(crate) plan: Plan,
    /// What would change in the online store.
    pub(crate) tables: Vec<TableChange>,
    /// What looks wrong but is no error.
    pub(crate) warnings: Vec<String>,
    /// Whether the repository defines its project.
    pub(crate) project_is_defined: bool,
    config: RepoConfig,
    registry: Arc<dyn RegistryStore>,
}

/// Reads, completes and checks a repository; writes nothing.
///
/// # Errors
/// The first thing wrong, with its place.
pub(crate) fn prepare(repository: &Repository) -> Result<Prepared> {
    let config = repository.existing()?.clone();
    let registry = compose::registry_store(&config)?;
    let file = registry.load()?.unwrap_or_else(RegistryFile::new);
    let mut contents = RepoContents::collect(definitions(&config)?, &config)?;
    complete(&mut contents, &config, &file)?;
    validate(&contents, &CompileCheck::new(&contents, compose::functions(&config)?))?;
    stream_check::check(&config, &contents)?;
    let plan = plan(&file, &contents, sqlite_path(&config).as_deref())?;
    let warnings = config.warnings.iter().chain(&contents.warnings).cloned().collect();
    Ok(Prepared {
        tables: tables::changes(&plan, &config),
        warnings,
        project_is_defined: contents.project_is_defined,
        plan,
        config,
        registry,
    })
}

/// Everything that the files define; of several errors all but the first are told at once.
fn definitions(config: &RepoConfig) -> Result<Definitions> {
    let files = DirectoryFiles::open(&config.repo_path)?;
    load_definitions(&files, &ProcessEnvironment, Limits::default()).map_err(|failures| {
        let rest = failures.errors().get(1..).unwrap_or_default();
        rest.iter().for_each(report::error);
        failures.into_first()
    })
}

/// Fills in what the definitions leave to inference; files are read only where something is left open.
fn complete(contents: &mut RepoContents, config: &RepoConfig, file: &RegistryFile) -> Result<()> {
    let offline = compose::offline_store(config)?;
    let schemas = compose::block_on(read_schemas(offline.as_ref(), contents))?;
    let versions = RegistryVersions::read(file, &contents.project.name)?;
    infer(contents, &schemas, &versions)
}

fn sqlite_path(config: &RepoConfig) -> Option<String> {
    match &config.online_store {
        Some(OnlineStoreConfig::Sqlite(store)) => Some(store.path.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// Removes the rows of deleted views, writes the plan into the registry, then makes tables of the online store.
///
/// Whatever fails, or a crash, leaves work that the next apply finishes: a view whose rows could not be removed stays
/// registered, and tables that were not made are made then, also when nothing else changed.
///
/// # Errors
/// `Conflict` when somebody else changed the same object; nothing is written then. What the online store answers; when
/// it cannot remove rows, the registry stays as it was.
pub(crate) fn apply(prepared: &Prepared, no_promote: bool) -> Result<()> {
    // Opened first: a store that cannot be used must be known before the registry changes.
    let online = online_store(&prepared.config)?;
    let options = ApplyOptions { no_promote };
    if let (Some(online), true) = (&online, tables::may_remove_rows(&prepared.plan)) {
        remove_rows(prepared, online.as_ref(), options)?;
    }
    apply_plan(prepared.registry.as_ref(), &prepared.plan, SystemClock.now(), options)?;
    let Some(online) = online else { return Ok(()) };
    let file = prepared.registry.load()?.unwrap_or_else(RegistryFile::new);
    let create = tables_of(&compose::catalog(&prepared.config, &file)?)?;
    compose::block_on(online.update(&create, &[]))
}

/// Removes the rows of views that the plan deletes, unless somebody else changed one of them since it was made.
fn remove_rows(prepared: &Prepared, online: &dyn OnlineStore, options: ApplyOptions) -> Result<()> {
    let mut file = prepared.registry.load()?.unwrap_or_else(RegistryFile::new);
    let before = compose::catalog(&prepared.config, &file).ok();
    merge(&mut file, &prepared.plan, SystemClock.now(), options)?;
    let after = compose::catalog(&prepared.config, &file)?;
    let deleted = tables::deleted(before.as_ref(), &after, &prepared.plan)?;
    compose::block_on(online.update(&[], &deleted)).map_err(|error| {
        error.context("nothing was applied: rows of deleted views cannot be removed")
    })
}

/// Tables of all views of a catalog and of its precomputed services.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(crate) fn tables_of(catalog: &Catalog) -> Result<Vec<ViewTable>> {
    let views = catalog.online_views().map(|view| tables::table(catalog, view));
    let services = PrecomputedService::all(catalog);
    views.chain(services.iter().map(|service| Ok(service.table().clone()))).collect()
}

/// The online store; `None` for a repository that has none.
fn online_store(config: &RepoConfig) -> Result<Option<Arc<dyn OnlineStore>>> {
    config.online_store.as_ref().map(|_| compose::online_store(config)).transpose()
}

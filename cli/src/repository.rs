//! The repository that a command works on: where it is, how it is configured, what its registry holds.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use larder_core::{Catalog, Error, ErrorKind, Result};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};
use larder_registry::RepoConfig;
use larder_registry::repo_config::{Flag, LoadOptions, Origin, ProcessEnvironment, Setting};

use crate::cli::Global;
use crate::compose;

/// A feature repository; everything is read on first use and kept.
#[derive(Debug)]
pub(crate) struct Repository {
    options: LoadOptions,
    config: OnceCell<RepoConfig>,
    registry: OnceCell<RegistryFile>,
}

impl Repository {
    /// The repository that the global options name.
    pub(crate) fn new(global: &Global) -> Self {
        Self::with_options(LoadOptions {
            repo_path: global.chdir.clone().unwrap_or_default(),
            feature_store_yaml: global.feature_store_yaml.clone(),
            allow_base64: true,
            flags: Vec::new(),
        })
    }

    /// The repository in a folder.
    pub(crate) fn at(path: &Path) -> Self {
        Self::with_options(LoadOptions { repo_path: path.to_owned(), ..LoadOptions::default() })
    }

    fn with_options(options: LoadOptions) -> Self {
        Self { options, config: OnceCell::new(), registry: OnceCell::new() }
    }

    /// The same repository, or that of another folder, read from its files only: definitions are applied to
    /// what stands there (Feast 0.67: no base64 variable for plan, apply, teardown and registry-dump).
    pub(crate) fn on_disk(&self, path: Option<&PathBuf>) -> Self {
        let mut options = LoadOptions { allow_base64: false, ..self.options.clone() };
        if let Some(path) = path {
            options.repo_path.clone_from(path);
        }
        Self::with_options(options)
    }

    /// The same repository with settings of the command line.
    pub(crate) fn with_flags(&self, flags: Vec<Flag>) -> Self {
        Self::with_options(LoadOptions { flags, ..self.options.clone() })
    }

    /// The configuration, defaults included, also where there is no file.
    ///
    /// # Errors
    /// As [`RepoConfig::load`].
    pub(crate) fn config(&self) -> Result<&RepoConfig> {
        if self.config.get().is_none() {
            let config = RepoConfig::load(&self.options, &ProcessEnvironment)?;
            // Nobody else can have set it meanwhile: the cell is not shared between threads.
            drop(self.config.set(config));
        }
        Ok(self.config.get().expect("it was set just before"))
    }

    /// The configuration of a folder that is a repository.
    ///
    /// # Errors
    /// `NotFound` when no configuration file was found, else as [`RepoConfig::load`].
    pub(crate) fn existing(&self) -> Result<&RepoConfig> {
        let config = self.config()?;
        let is_named =
            |setting: &Setting| setting.key == "project" && setting.origin != Origin::Default;
        if !config.files.is_empty() || config.settings().iter().any(is_named) {
            return Ok(config);
        }
        let folder = config.repo_path.display();
        Err(Error::new(ErrorKind::NotFound, format!("there is no feature_store.yaml in {folder}"))
            .with_hint("name the repository with fs -c DIR, or make one with fs init"))
    }

    /// The project's name.
    ///
    /// # Errors
    /// As [`Repository::existing`].
    pub(crate) fn project(&self) -> Result<&str> {
        Ok(&self.existing()?.project)
    }

    /// The type of the online store.
    ///
    /// # Errors
    /// As [`Repository::existing`].
    pub(crate) fn online_store_name(&self) -> Result<&str> {
        Ok(self.existing()?.online_store.as_ref().map_or("null", |store| store.type_name()))
    }

    /// The registry as it was when it was first asked for; empty when nothing was applied yet.
    ///
    /// # Errors
    /// As [`larder_registry::store::RegistryStore::load`].
    pub(crate) fn registry_file(&self) -> Result<&RegistryFile> {
        if self.registry.get().is_none() {
            let store = compose::registry_store(self.existing()?)?;
            let file = store.load()?.unwrap_or_else(RegistryFile::new);
            drop(self.registry.set(file));
        }
        Ok(self.registry.get().expect("it was set just before"))
    }

    /// Whether the registry knows the project.
    ///
    /// # Errors
    /// As [`Repository::registry_file`].
    pub(crate) fn is_applied(&self) -> Result<bool> {
        let project = self.project()?;
        Ok(self.registry_file()?.find(RegistryList::Projects, "", project).is_some())
    }

    /// The project's definitions as they are registered.
    ///
    /// # Errors
    /// `Data` when the registry holds an object that cannot be understood.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        compose::catalog(self.existing()?, self.registry_file()?)
    }
}

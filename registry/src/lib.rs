//! Feature repositories, validation, plan and apply, and the registry file.
//!
//! The way of a definition: [`load_definitions`] reads Python and YAML files, [`RepoContents::collect`] sorts them,
//! [`inference::infer`] fills in what they leave open, [`validation::validate`] checks them, [`plan::plan`] compares
//! them with a registry, [`apply::apply`] writes the difference, and [`catalog::catalog`] is what servers and jobs
//! read. [`RepoConfig`] says where everything is.

pub mod apply;
pub mod catalog;
pub mod definitions;
pub mod edit;
pub mod inference;
pub mod permissions;
pub mod plan;
pub mod python;
pub mod repo_config;
mod repo_contents;
mod repository;
pub mod store;
pub mod validation;
mod yaml;
mod yaml_definitions;

pub use repo_config::RepoConfig;
pub use repo_contents::RepoContents;
pub use repository::{load, load_definitions};

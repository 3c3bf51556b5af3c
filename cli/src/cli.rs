//! The command line: every command with its flags, named as in Feast.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use larder_core::Result;

use crate::commands::{
    cluster, completions, configuration, dataset, delete, describe, features, get_historical,
    get_online, init, listen, materialize, online, permissions, plan, projects, reference,
    registry_dump, serve, serve_offline, stream, teardown, version, views,
};
use crate::demo;
use crate::logging::{LogFormat, LogLevel};
use crate::output::OutputFormat;
use crate::repository::Repository;

/// Feature store and serving platform, a drop-in backend for Feast.
#[derive(Debug, Parser)]
#[command(name = "fs", version, propagate_version = false, max_term_width = 100)]
#[command(after_help = "Examples:
  fs demo                                     the whole main job on generated data
  fs apply feature_repo/                      register the definitions of a folder
  fs -c feature_repo materialize-incremental 2026-01-31T00:00:00
  fs -c feature_repo serve                    HTTP on 6566, gRPC on 6567")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options before the command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Repository folder to work in.
    #[arg(
        short,
        long,
        value_name = "DIR",
        env = "FEATURE_REPO_DIR_ENV_VAR",
        hide_env_values = true
    )]
    pub(crate) chdir: Option<PathBuf>,
    /// How much is logged to standard error.
    #[arg(long, value_enum, ignore_case = true, default_value = "warning", global = true)]
    pub(crate) log_level: LogLevel,
    /// How log lines are written.
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        default_value = "text",
        global = true,
        env = "FS_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,
    /// Path of `feature_store.yaml` when it is not in the repository folder.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) feature_store_yaml: Option<PathBuf>,
    /// How tables and descriptions are printed.
    #[arg(long, value_enum, default_value = "table", global = true)]
    pub(crate) output_format: OutputFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new feature repository.
    Init(init::Arguments),
    /// Show what apply would change.
    Plan(plan::PlanArguments),
    /// Register the definitions of the repository.
    Apply(plan::ApplyArguments),
    /// Remove this project's online tables and definitions.
    Teardown,
    /// Delete one object, found by its name.
    Delete(delete::Arguments),
    /// Print the registry as JSON.
    RegistryDump,
    /// Entities: list, describe.
    #[command(subcommand)]
    Entities(describe::ObjectCommand),
    /// Data sources: list, describe.
    #[command(subcommand)]
    DataSources(describe::ObjectCommand),
    /// Feature views: list, describe, enable, disable, set-state, list-versions.
    #[command(subcommand)]
    FeatureViews(views::ViewCommand),
    /// On demand feature views: list, describe.
    #[command(subcommand)]
    OnDemandFeatureViews(describe::ObjectCommand),
    /// Stream feature views: list, describe.
    #[command(subcommand)]
    StreamFeatureViews(describe::ObjectCommand),
    /// Label views: list, describe.
    #[command(subcommand)]
    LabelViews(describe::ObjectCommand),
    /// Feature services: list, describe.
    #[command(subcommand)]
    FeatureServices(describe::ObjectCommand),
    /// Saved datasets: list, describe.
    #[command(subcommand)]
    SavedDatasets(describe::ObjectCommand),
    /// Validation references: list, describe.
    #[command(subcommand)]
    ValidationReferences(describe::ObjectCommand),
    /// Features: list, describe.
    #[command(subcommand)]
    Features(features::FeatureCommand),
    /// Projects: list, describe, `current_project`, delete.
    #[command(subcommand)]
    Projects(projects::ProjectCommand),
    /// Permissions: list, describe, check, list-roles.
    #[command(subcommand)]
    Permissions(permissions::PermissionCommand),
    /// Read features of entities from the online store.
    GetOnlineFeatures(get_online::Arguments),
    /// Join features to entity rows as of each row's time.
    GetHistoricalFeatures(get_historical::Arguments),
    /// Training sets on disk: verify, diff.
    #[command(subcommand)]
    Dataset(dataset::DatasetCommand),
    /// Copy the latest rows of a time range to the online store.
    Materialize(materialize::Arguments),
    /// Copy rows newer than the last run to the online store.
    MaterializeIncremental(materialize::IncrementalArguments),
    /// Rows of the online store: migrate.
    #[command(subcommand)]
    Online(online::OnlineCommand),
    /// Features of event streams: list, run, backfill, status, dead-letters.
    #[command(subcommand)]
    Stream(stream::StreamCommand),
    /// Serve features over HTTP and gRPC.
    Serve(serve::Arguments),
    /// Serve the offline store over Arrow Flight.
    #[command(visible_alias = "serve_offline")]
    ServeOffline(serve_offline::Arguments),
    /// Machines that join together: scheduler, executor.
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Serve features over gRPC only, as `feast listen`.
    Listen(listen::Arguments),
    /// Run the whole main job on generated e-commerce data.
    Demo(demo::Arguments),
    /// Print the version.
    Version,
    /// Print the configuration and where each value came from.
    Configuration,
    /// Print a completion script for a shell.
    Completions(completions::Arguments),
    /// Print the page of all commands.
    #[command(hide = true)]
    Reference,
}

impl Cli {
    /// Whether this is a server, which has traces.
    pub(crate) fn serves(&self) -> bool {
        matches!(&self.command, Command::Serve(_) | Command::ServeOffline(_) | Command::Listen(_))
    }

    /// Whether this reads much data once and ends.
    pub(crate) fn is_job_over_data(&self) -> bool {
        matches!(
            &self.command,
            Command::GetHistoricalFeatures(_)
                | Command::Materialize(_)
                | Command::MaterializeIncremental(_)
        )
    }

    /// Whether a line is logged per request.
    pub(crate) fn logs_requests(&self) -> bool {
        match &self.command {
            Command::Serve(arguments) => !arguments.no_access_log,
            Command::ServeOffline(arguments) => !arguments.no_access_log,
            _ => false,
        }
    }
}

/// Runs one command.
///
/// # Errors
/// Whatever the command answers.
pub(crate) fn run(arguments: Cli) -> Result<()> {
    use describe::Kind;
    let Cli { global, command } = arguments;
    let repository = Repository::new(&global);
    let format = global.output_format;
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Plan(arguments) => plan::plan(&repository, &arguments),
        Command::Apply(arguments) => plan::apply(&repository, &arguments),
        Command::Teardown => teardown::run(&repository),
        Command::Delete(arguments) => delete::run(&repository, &arguments),
        Command::RegistryDump => registry_dump::run(&repository),
        Command::Entities(command) => describe::run(&repository, Kind::Entity, &command, format),
        Command::DataSources(command) => {
            describe::run(&repository, Kind::DataSource, &command, format)
        }
        Command::FeatureViews(command) => views::run(&repository, &command, format),
        Command::OnDemandFeatureViews(command) => {
            describe::run(&repository, Kind::OnDemandFeatureView, &command, format)
        }
        Command::StreamFeatureViews(command) => {
            describe::run(&repository, Kind::StreamFeatureView, &command, format)
        }
        Command::LabelViews(command) => {
            describe::run(&repository, Kind::LabelView, &command, format)
        }
        Command::FeatureServices(command) => {
            describe::run(&repository, Kind::FeatureService, &command, format)
        }
        Command::SavedDatasets(command) => {
            describe::run(&repository, Kind::SavedDataset, &command, format)
        }
        Command::ValidationReferences(command) => {
            describe::run(&repository, Kind::ValidationReference, &command, format)
        }
        Command::Features(command) => features::run(&repository, &command, format),
        Command::Projects(command) => projects::run(&repository, &command, format),
        Command::Permissions(command) => permissions::run(&repository, &command, format),
        Command::GetOnlineFeatures(arguments) => get_online::run(&repository, &arguments),
        Command::GetHistoricalFeatures(arguments) => get_historical::run(&repository, &arguments),
        Command::Dataset(command) => dataset::run(&repository, &command, format),
        Command::Materialize(arguments) => materialize::run(&repository, &arguments, format),
        Command::MaterializeIncremental(arguments) => {
            materialize::run_incremental(&repository, &arguments, format)
        }
        Command::Online(command) => online::run(&repository, &command, format),
        Command::Stream(command) => stream::run(&repository, &command, format),
        Command::Serve(arguments) => serve::run(&repository, &arguments),
        Command::ServeOffline(arguments) => serve_offline::run(&repository, &arguments),
        Command::Cluster(command) => cluster::run(&repository, command),
        Command::Listen(arguments) => listen::run(&repository, &arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Version => version::run(format),
        Command::Configuration => configuration::run(&repository, format),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Reference => reference::run(),
    }
}

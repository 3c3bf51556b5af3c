//! Log lines on standard error.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What looks wrong.
    #[default]
    Warning,
    /// What went wrong.
    Error,
    /// As `error`.
    Critical,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The target of access-log lines.
const ACCESS: &str = "access";

/// Starts logging. `RUST_LOG` refines the level per module.
///
/// With `access_log`, lines of requests are shown at every level, as Feast 0.67's server shows them.
pub(crate) fn init(level: LogLevel, format: LogFormat, access_log: bool) {
    let directive = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Critical => LevelFilter::ERROR,
    };
    let mut filter = EnvFilter::builder().with_default_directive(directive.into()).from_env_lossy();
    let refined = std::env::var(EnvFilter::DEFAULT_ENV).is_ok_and(|text| text.contains(ACCESS));
    if access_log && !refined {
        filter = filter.add_directive(format!("{ACCESS}=info").parse().expect("it is a directive"));
    }
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(true).init(),
    }
}

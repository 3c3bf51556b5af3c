//! Log lines on standard error.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use larder_serving::TRACES;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, registry};

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
/// The reader of Delta logs, which logs the errors that it returns.
const DELTA: &str = "delta_kernel";

/// Starts logging, and making spans if there is a tracer. `RUST_LOG` refines the level per module.
///
/// With `access_log`, lines of requests are shown at every level, as Feast 0.67's server shows them.
pub(crate) fn init(
    level: LogLevel,
    format: LogFormat,
    access_log: bool,
    tracer: Option<SdkTracer>,
) {
    let (lines, filter) = (lines(format), filter(level, access_log));
    let Some(tracer) = tracer else {
        return start(registry().with(lines).with(filter));
    };
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target(TRACES, LevelFilter::INFO));
    start(registry().with(lines.with_filter(filter)).with(spans));
}

/// Events only: the crate's own way to start would take the records of `log` too, of every library.
fn start(subscriber: impl Subscriber + Send + Sync) {
    tracing::subscriber::set_global_default(subscriber).expect("logging starts once");
}

fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(true).boxed(),
    }
}

fn filter(level: LogLevel, access_log: bool) -> EnvFilter {
    let directive = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Critical => LevelFilter::ERROR,
    };
    let add = |filter: EnvFilter, text: String| {
        filter.add_directive(text.parse().expect("it is a directive"))
    };
    let filter = EnvFilter::builder().with_default_directive(directive.into()).from_env_lossy();
    // Spans are for traces: a line that named them would say twice what the access log says.
    let filter = add(filter, format!("{TRACES}=off"));
    let refined = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = if refined.contains(DELTA) { filter } else { add(filter, format!("{DELTA}=off")) };
    let unasked = access_log && !refined.contains(ACCESS);
    if unasked { add(filter, format!("{ACCESS}=info")) } else { filter }
}

//! `fs version`.

use larder_core::Result;
use serde_json::json;

use crate::output::{self, OutputFormat};

/// The Feast release whose behaviour and formats are reproduced.
const FEAST_VERSION: &str = "0.67.0";

pub(crate) fn run(format: OutputFormat) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        OutputFormat::Table => {
            output::line(format!("Larder Version: \"{version}\""))?;
            output::line(format!("Feast SDK Version: \"{FEAST_VERSION}\" (compatible)"))
        }
        OutputFormat::Json => output::json(&json!({"larder": version, "feast": FEAST_VERSION}), 2),
    }
}

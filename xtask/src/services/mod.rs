//! The real programs that tests and benchmarks run against, kept below `target/services`.
//!
//! Servers that a single test needs (`fs serve`, `feast serve`) are started and stopped by that
//! test; what stands here is installed once and shared.

mod debian;
pub(crate) mod feast;

use anyhow::Result;

use crate::cli::ServicesAction;
use crate::workspace::Workspace;
use feast::FeastEnvironment;

/// Installs, reports on, or lets go of the services.
pub(crate) fn run(workspace: &Workspace, action: ServicesAction) -> Result<()> {
    let feast = FeastEnvironment::of(workspace);
    match action {
        ServicesAction::Up => {
            let feast = feast.install()?;
            println!("feast: ready, {}", feast.python().display());
        }
        ServicesAction::Status if feast.is_current()? => {
            println!("feast: ready, {}", feast.python().display());
        }
        ServicesAction::Status => println!("feast: not installed; `cargo xtask services up`"),
        // A Python environment is no process: it stays, so that the next run is instant.
        ServicesAction::Down => println!("feast: nothing of it is running"),
    }
    Ok(())
}

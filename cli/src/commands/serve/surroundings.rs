//! What stands around every server of `fs`: the signal that ends it, and the workers that call functions for it.

use std::sync::Arc;

use larder_core::Result;
use larder_registry::RepoConfig;
use larder_transform::FunctionRunner;
use larder_transform_workers::PythonWorkers;
use tokio::sync::watch;

use crate::repository::Repository;
use crate::stop_signal::StopSignal;
use crate::{compose, report};

/// The surroundings of a server that does not listen yet.
pub(crate) struct Surroundings<'a> {
    /// The configuration of its repository.
    pub(crate) config: &'a RepoConfig,
    stop_signal: StopSignal,
    workers: Option<Arc<PythonWorkers>>,
}

impl<'a> Surroundings<'a> {
    /// Catches the signals, reads the configuration and starts the workers, if there are to be any.
    ///
    /// # Errors
    /// Whatever the configuration has wrong; whatever keeps the workers from starting.
    pub(crate) async fn prepare(repository: &'a Repository) -> Result<Self> {
        let stop_signal = StopSignal::catch()?;
        let config = repository.existing()?;
        let workers = compose::python_workers(config)?;
        if let Some(workers) = &workers {
            workers.start().await?;
        }
        Ok(Self { config, stop_signal, workers })
    }

    /// Who calls functions that do not compile.
    pub(crate) fn functions(&self) -> Option<Arc<dyn FunctionRunner>> {
        self.workers.clone().map(|workers| workers as Arc<dyn FunctionRunner>)
    }

    /// Serves until the signal comes, of which `serve` is told, and then until it has ended. `open` is what may finish.
    ///
    /// # Errors
    /// Those of `serve`.
    pub(crate) async fn until_stopped<S>(
        self,
        open: &str,
        serve: impl FnOnce(watch::Receiver<bool>) -> S,
    ) -> Result<()>
    where
        S: Future<Output = Result<()>>,
    {
        let (stop, stopped) = watch::channel(false);
        let signal = async {
            self.stop_signal.received().await;
            report::note(format_args!("stopping: open {open} may finish"));
            stop.send_replace(true);
            std::future::pending::<Result<()>>().await
        };
        let served = tokio::select! {
            served = serve(stopped) => served,
            never = signal => never,
        };
        if let Some(workers) = self.workers {
            workers.stop();
        }
        served
    }
}

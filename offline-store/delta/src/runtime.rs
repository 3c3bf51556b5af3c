//! Where the kernel waits for the store.

use delta_kernel::{KernelError, KernelResult};
use delta_kernel_default_engine::executor::TaskExecutor;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::mpsc;

use tokio::runtime::{EnterGuard, Handle};

/// Runs what the kernel asks of the store on the runtime of the caller, of whatever kind that is.
///
/// The kernel blocks, so it must itself be on a thread that may. The executors that its project has need a runtime of
/// many threads, or one of their own, which would end with connections that the client keeps.
#[derive(Debug)]
pub(crate) struct OnRuntime(pub(crate) Handle);

impl TaskExecutor for OnRuntime {
    type Guard<'a> = EnterGuard<'a>;

    fn block_on<T>(&self, task: T) -> T::Output
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        let (sender, answer) = mpsc::sync_channel(1);
        self.0.spawn(async move { drop(sender.send(task.await)) });
        // The runtime shuts down, or the task panicked: whoever awaits this thread is told that it ended early.
        answer.recv().unwrap_or_else(|ended| resume_unwind(Box::new(ended)))
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(task);
    }

    fn spawn_blocking<T, R>(&self, task: T) -> BoxFuture<'_, KernelResult<R>>
    where
        T: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let running = self.0.spawn_blocking(task);
        async move { running.await.map_err(KernelError::join_failure) }.boxed()
    }

    fn enter(&self) -> Self::Guard<'_> {
        self.0.enter()
    }
}

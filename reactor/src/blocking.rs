//! Functions that block, beside the executor.

#![forbid(unsafe_code)]

use std::panic::Location;

use crate::pool;
use crate::runtime::Handle;
use crate::task::Builder;
use crate::task::handle::JoinHandle;
use crate::task::origin::Origin;

/// Runs a function that may block its thread, such as one that reads files or computes for long, on a thread of a pool.
///
/// It starts at once, or when a thread of the pool is free; the pool is one for the whole process, and has 500 threads
/// at most (the variable `BLOCKING_MAX_THREADS` says otherwise). A panic of the function ends in the [`JoinHandle`], as
/// that of a task. No runtime is current inside it: a [`Handle`] that it is given spawns.
///
/// ```
/// # fn main() -> Result<(), reactor::JoinError> {
/// reactor::block_on(async {
///     let sum = reactor::spawn_blocking(|| (1..=1_000_000_u64).sum::<u64>()).await?;
///     assert_eq!(sum, 500_000_500_000);
///     Ok(())
/// })
/// # }
/// ```
///
/// # Cancellation
///
/// Dropping the handle detaches the function, which then runs on. [`abort`](JoinHandle::abort) keeps a function that
/// has not started from starting. One that runs cannot be stopped: the handle says that it was cancelled, and what the
/// function evaluates to is dropped. The end of the runtime is as an abort, and waits for no function.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on), a task spawned there, or an
/// [`EnterGuard`](crate::EnterGuard); or use [`Handle::spawn_blocking`]. And if the pool has no thread, and the system
/// gives none.
#[track_caller]
pub fn spawn_blocking<F, T>(function: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let origin = Origin::at(Location::caller());
    spawn_on(&Handle::expect_current("spawn_blocking"), function, origin)
}

impl Handle {
    /// Runs a function that may block its thread. See [`spawn_blocking`] for the details. If the runtime is gone, the
    /// function does not start unless a thread takes it at once, and the [`JoinHandle`] says that it was cancelled.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, function: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_on(self, function, Origin::at(Location::caller()))
    }
}

impl Builder {
    /// As [`spawn_blocking`]. The task that waits for the function has the name.
    ///
    /// # Panics
    ///
    /// As that.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, function: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn_on(&Handle::expect_current("spawn_blocking"), function, origin)
    }
}

fn spawn_on<F, T>(runtime: &Handle, function: F, origin: Origin) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let mut call = runtime.blocking().call();
    // Outside the task: it starts even if the executor is busy.
    let result = pool::run(move || {
        call.begin();
        function() // The call is dropped behind it, before anybody has the result.
    });
    // A task of the runtime waits, so that the end of the runtime is seen, and an abort.
    runtime.spawn_at(result, origin.of_kind("blocking"))
}

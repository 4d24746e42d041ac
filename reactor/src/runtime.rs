//! The runtime's public face: `Runtime`, `block_on`, `spawn`.

use std::fmt;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::budget;
use crate::executor::{self, Executor, POLLS_PER_TURN};
use crate::join::{self, JoinHandle};
use crate::task::Task;
use crate::wake_state::{Complete, Start};

/// A current-thread runtime: it runs tasks while one of its [`block_on`](Runtime::block_on) calls
/// runs.
///
/// # Dropping
///
/// Drops all tasks. A task may spawn and wake while it is dropped; the tasks that it spawns are dropped as well.
/// Awaiting the [`JoinHandle`] of a dropped task evaluates to an error that says so. Wakers may outlive the runtime.
///
/// # Panics
///
/// Dropping it panics if the destructor of a task does, after all tasks are dropped.
pub struct Runtime {
    executor: Rc<Executor>,
}

impl Runtime {
    /// Creates a runtime.
    ///
    /// # Errors
    ///
    /// If the operating system gives no event queue, as when the process has too many open files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { executor: Executor::new()? })
    }

    /// Runs `future` to its end on this thread, and spawned tasks beside it.
    ///
    /// Tasks that are not done then wait for the next call, or are dropped with the runtime.
    ///
    /// # Panics
    ///
    /// If `future` panics (the panic of a *task* goes to its [`JoinHandle`]), or inside another
    /// `block_on` on the same thread, which could not run meanwhile.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        assert!(
            executor::current().is_none(),
            "`block_on` inside a runtime would stop it: await the future, or `spawn` it, instead"
        );
        let _entered = self.executor.enter();
        let root = Root(self.executor.root());
        let waker = Waker::from(root.0.clone());
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future); // Dropped first, while the executor is current.
        loop {
            for _ in 0..POLLS_PER_TURN {
                let Some(task) = self.executor.pop() else { break };
                if !Arc::ptr_eq(&task, &root.0) {
                    self.executor.run(task);
                    continue;
                }
                if task.state.start() == Start::Run {
                    budget::reset();
                    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                        return output;
                    }
                    self.executor.suspend(task);
                }
            }
            self.executor.turn();
        }
    }

    /// Spawns a task that runs when [`block_on`](Runtime::block_on) is next called, or beside the
    /// running one.
    ///
    /// See [`spawn`] for the details.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        join::spawn(&self.executor, future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _entered = self.executor.enter();
        self.executor.close();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// The task of one `block_on`: complete when that returns or unwinds, so that late wakes find it
/// gone.
struct Root(Arc<Task>);

impl Drop for Root {
    fn drop(&mut self) {
        let _: Complete = self.0.state.complete();
    }
}

/// Runs `future` to its end on a new [`Runtime`], then drops the tasks it left behind.
///
/// # Panics
///
/// As [`Runtime::block_on`], and if [`Runtime::new`] fails.
pub fn block_on<F: Future>(future: F) -> F::Output {
    Runtime::new().expect("cannot create a runtime").block_on(future)
}

/// Spawns a task on the runtime that runs on this thread.
///
/// The task starts when the executor reaches it, never inside this call. Dropping the handle
/// detaches the task. A panic of the task ends that task only; its handle tells.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`] or a task spawned there, or use
/// [`Runtime::spawn`].
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    join::spawn(&executor::expect_current("spawn"), future)
}

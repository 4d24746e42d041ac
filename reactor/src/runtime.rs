//! The current-thread runtime, and the functions that find the runtime they are called in.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::context;
use crate::local::{self, Shared};
use crate::task::handle::JoinHandle;

/// A current-thread runtime: it runs tasks while one of its [`block_on`](LocalRuntime::block_on) calls runs.
///
/// It stays on its thread, and so may its tasks: they need not be `Send`. Its [`Handle`] spawns from any thread.
///
/// # Dropping
///
/// Cancels all tasks: their futures are dropped here. A task may spawn and wake while it is dropped; the tasks that it
/// spawns are cancelled as well. Awaiting the [`JoinHandle`] of a cancelled task evaluates to an error that says so. Wakers and
/// handles may outlive the runtime; they keep no descriptor.
pub struct LocalRuntime {
    shared: Arc<Shared>,
    /// The thread that may use `Shared::local` is this one.
    _of_this_thread: PhantomData<Rc<()>>,
}

impl LocalRuntime {
    /// Creates a runtime.
    ///
    /// # Errors
    ///
    /// If the operating system gives no event queue, as when the process has too many open files.
    pub fn new() -> io::Result<Self> {
        Ok(LocalRuntime { shared: Shared::new()?, _of_this_thread: PhantomData })
    }

    /// Runs `future` to its end on this thread, and spawned tasks beside it.
    ///
    /// Tasks that are not done then wait for the next call, or are cancelled with the runtime.
    ///
    /// # Panics
    ///
    /// If `future` panics (the panic of a *task* goes to its [`JoinHandle`]), or inside another
    /// `block_on` on the same thread, which could not run meanwhile.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        // SAFETY: the runtime is of this thread.
        unsafe { self.shared.block_on(future) }
    }

    /// Spawns a task that runs when [`block_on`](LocalRuntime::block_on) is next called, or beside the
    /// running one.
    ///
    /// See [`spawn_local`] for the details.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let _entered = self.enter();
        // SAFETY: the runtime is of this thread, and entered.
        unsafe { self.shared.spawn_here(future, Location::caller()) }
    }

    /// What spawns from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: self.shared.clone() }
    }

    /// Makes the runtime current on this thread until the guard is dropped: [`spawn`], [`spawn_local`], sockets and timers find
    /// it. Nothing runs before [`block_on`](LocalRuntime::block_on) is called.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard {
            // SAFETY: the runtime is of this thread.
            _executor: unsafe { self.shared.enter() },
            _driver: context::enter(self.shared.driver()),
            _runtime: PhantomData,
        }
    }
}

impl Drop for LocalRuntime {
    fn drop(&mut self) {
        let _entered = self.enter();
        // SAFETY: the runtime is of this thread, and entered.
        unsafe { self.shared.close() }
    }
}

impl fmt::Debug for LocalRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRuntime").finish_non_exhaustive()
    }
}

/// The guard of [`LocalRuntime::enter`].
#[must_use = "the runtime is current only until this is dropped"]
pub struct EnterGuard<'a> {
    _executor: local::Entered,
    _driver: context::Entered,
    /// Of the thread of the runtime, which it borrows.
    _runtime: PhantomData<&'a LocalRuntime>,
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

/// Spawns on a runtime, from any thread. It does not keep the runtime.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// That of the runtime that is current on this thread.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`], a task spawned there, or an [`EnterGuard`].
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Handle { shared: expect_current("Handle::current") }
    }

    /// That of the runtime that is current on this thread, if one is.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        local::current().map(|shared| Handle { shared })
    }

    /// Spawns a task on the runtime. If that is gone, the task is cancelled at once: its future is dropped here, and the
    /// [`JoinHandle`] says so.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_on(&self.shared, future, Location::caller())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

fn spawn_on<F>(
    shared: &Arc<Shared>,
    future: F,
    spawned_at: &'static Location<'static>,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    if local::is_current(shared) {
        // SAFETY: it is entered, and so this is the owner.
        unsafe { shared.spawn_here(future, spawned_at) }
    } else {
        shared.spawn_from_elsewhere(future, spawned_at)
    }
}

/// The executor that runs on this thread, for a caller that needs one.
///
/// # Panics
///
/// If there is none, naming `what` was called.
#[track_caller]
fn expect_current(what: &str) -> Arc<Shared> {
    match local::current() {
        Some(shared) => shared,
        None => panic!(
            "`{what}` needs a runtime: call it inside `reactor::block_on` or a task spawned there"
        ),
    }
}

/// Runs `future` to its end on a new [`LocalRuntime`], then cancels the tasks it left behind.
///
/// # Panics
///
/// As [`LocalRuntime::block_on`], and if [`LocalRuntime::new`] fails.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    LocalRuntime::new().expect("cannot create a runtime").block_on(future)
}

/// Spawns a task on the runtime that is current on this thread.
///
/// The task starts when the executor reaches it, never inside this call. Dropping the handle
/// detaches the task. A panic of the task ends that task only; its handle tells.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`], a task spawned there, or an [`EnterGuard`]; or use
/// [`Handle::spawn`].
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = expect_current("spawn");
    // SAFETY: it is entered, and so this is the owner.
    unsafe { shared.spawn_here(future, Location::caller()) }
}

/// As [`spawn`], for a future that need not be `Send`: on a [`LocalRuntime`].
///
/// # Panics
///
/// As [`spawn`].
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let shared = expect_current("spawn_local");
    // SAFETY: it is entered, and so this is the owner.
    unsafe { shared.spawn_here(future, Location::caller()) }
}

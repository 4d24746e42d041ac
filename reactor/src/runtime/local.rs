//! The current-thread runtime.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::context;
use crate::local::{self, Shared};
use crate::runtime::handle::{Handle, assert_outside};
use crate::sight::{Dump, RuntimeMetrics};
use crate::task::handle::JoinHandle;
use crate::task::member::Member;
use crate::task::origin::Origin;

/// A current-thread runtime: it runs tasks while one of its [`block_on`](LocalRuntime::block_on) calls runs.
///
/// It stays on its thread, and so may its tasks: they need not be `Send`. Its [`Handle`] spawns from any thread.
///
/// # Dropping
///
/// Cancels all tasks: their futures are dropped here. A task may spawn and wake while it is dropped; the tasks that it
/// spawns are cancelled as well. Awaiting the [`JoinHandle`] of a cancelled task evaluates to an error that says so.
/// Wakers and handles may outlive the runtime; they keep no descriptor.
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
        assert_outside("block_on");
        // SAFETY: the runtime is of this thread.
        unsafe { self.shared.block_on(future) }
    }

    /// Spawns a task that runs when [`block_on`](LocalRuntime::block_on) is next called, or beside the
    /// running one.
    ///
    /// See [`spawn_local`](crate::spawn_local) for the details.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let _entered = self.enter();
        // SAFETY: the runtime is of this thread, and entered.
        unsafe {
            let member = Member::of(&self.shared);
            Shared::spawn_here(member, future, Origin::at(Location::caller()).of_kind("local"))
        }
    }

    /// What its tasks do. See [`Handle::dump`]; this one is complete, and takes no time but for the looks.
    #[must_use]
    pub fn dump(&self) -> Dump {
        // SAFETY: the runtime is of this thread.
        unsafe { self.shared.dump_here() }
    }

    /// Its figures. See [`Handle::metrics`].
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        self.shared.metrics()
    }

    /// What spawns from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::local(self.shared.clone())
    }

    /// Makes the runtime current on this thread until the guard is dropped: [`spawn`](crate::spawn),
    /// [`spawn_local`](crate::spawn_local), sockets and timers find it. Nothing runs before
    /// [`block_on`](LocalRuntime::block_on) is called.
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

//! Handles of runtimes, and the functions that find the runtime they are called in.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::runtime::LocalRuntime;
use crate::runtime::multi::{entered, entered_member};
use crate::sight::blocking::Blocking;
use crate::sight::{Dump, RuntimeMetrics};
use crate::task::handle::JoinHandle;
use crate::task::member::Member;
use crate::task::origin::Origin;
use crate::{local, multi};

/// Spawns on a runtime, from any thread. It does not keep the runtime.
#[derive(Clone)]
pub struct Handle(Kind);

#[derive(Clone)]
enum Kind {
    Local(Arc<local::Shared>),
    Multi(Arc<multi::Shared>),
}

impl Handle {
    pub(super) fn local(shared: Arc<local::Shared>) -> Self {
        Handle(Kind::Local(shared))
    }

    pub(super) fn multi(shared: Arc<multi::Shared>) -> Self {
        Handle(Kind::Multi(shared))
    }

    /// That of the runtime that is current on this thread.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`], a task spawned there, or an [`EnterGuard`](crate::EnterGuard).
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Self::expect_current("Handle::current")
    }

    /// That of the runtime that is current on this thread, if one is.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        // A current-thread runtime that is entered inside another one is the one that is current.
        local::current()
            .map(Kind::Local)
            .or_else(|| multi::current().or_else(entered).map(Kind::Multi))
            .map(Handle)
    }

    /// # Panics
    ///
    /// If there is none, naming `what` was called.
    #[track_caller]
    pub(crate) fn expect_current(what: &str) -> Self {
        match Self::try_current() {
            Some(handle) => handle,
            None => panic!(
                "`{what}` needs a runtime: call it inside `reactor::block_on` or a task spawned there"
            ),
        }
    }

    /// Spawns a task on the runtime. If that is gone, the task is cancelled at once: its future is dropped here, and
    /// the [`JoinHandle`] says so.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_at(future, Origin::at(Location::caller()))
    }

    /// As [`spawn`](Handle::spawn), for who is not the caller itself.
    pub(crate) fn spawn_at<F>(&self, future: F, origin: Origin) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.0 {
            // SAFETY: it is entered here, and so this is the owner.
            Kind::Local(shared) if local::is_current(shared) => unsafe {
                local::Shared::spawn_here(Member::of(shared), future, origin)
            },
            Kind::Local(shared) => shared.spawn_from_elsewhere(future, origin),
            Kind::Multi(shared) => multi::Shared::spawn(Member::of(shared), future, origin),
        }
    }
}

impl Handle {
    /// What the tasks of the runtime do at the moment, and where they wait. Any thread may ask, also a task.
    ///
    /// The runtime goes on meanwhile: the tasks are looked at one after the other, and no thread of the runtime waits for
    /// longer than one look takes. So the dump shows no state that the runtime as a whole was in. (A task that is queued,
    /// or runs, may be polled once more than it was woken.)
    ///
    /// It waits for up to a second if workers do not come to queued tasks, or a [`LocalRuntime`] is not run by its thread,
    /// and is [incomplete](Dump::is_complete) then. It is that at once, without the functions of queued tasks, on a
    /// worker of the runtime itself.
    #[must_use]
    pub fn dump(&self) -> Dump {
        match &self.0 {
            // SAFETY: it is entered here, and so this is the owner.
            Kind::Local(shared) if local::is_current(shared) => unsafe { shared.dump_here() },
            Kind::Local(shared) => shared.dump_from_elsewhere(),
            Kind::Multi(shared) => shared.dump(),
        }
    }

    /// The runtime's functions on the pool of threads.
    pub(crate) fn blocking(&self) -> &Arc<Blocking> {
        match &self.0 {
            Kind::Local(shared) => &shared.blocking,
            Kind::Multi(shared) => &shared.blocking,
        }
    }

    /// Figures of the runtime: how many tasks there are, what its workers have done, and more. No worker waits for it.
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        match &self.0 {
            Kind::Local(shared) => shared.metrics(),
            Kind::Multi(shared) => shared.metrics(),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Local(_) => "current-thread",
            Kind::Multi(_) => "multi-thread",
        };
        f.debug_tuple("Handle").field(&format_args!("{kind}")).finish()
    }
}

/// # Panics
/// Inside a runtime, which `what` would stop.
#[track_caller]
pub(super) fn assert_outside(what: &str) {
    assert!(
        local::current().is_none() && multi::current().or_else(entered).is_none(),
        "`{what}` inside a runtime would stop it: await the future, or `spawn` it, instead"
    );
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
/// Outside a runtime: call it inside [`block_on`], a task spawned there, or an [`EnterGuard`](crate::EnterGuard); or
/// use [`Handle::spawn`].
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_current_at(future, Origin::at(Location::caller()))
}

/// As [`spawn`], for who is not the caller itself.
#[track_caller]
pub(super) fn spawn_current_at<F>(future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if let Some(member) = local::current_member() {
        // SAFETY: it is entered here, and so this is the owner.
        return unsafe { local::Shared::spawn_here(member, future, origin) };
    }
    match multi::current_member().or_else(entered_member) {
        Some(member) => multi::Shared::spawn(member, future, origin),
        None => Handle::expect_current("spawn").spawn_at(future, origin),
    }
}

/// As [`spawn`], for a future that need not be `Send`: on a [`LocalRuntime`].
///
/// # Panics
///
/// Where no [`LocalRuntime`] is current: inside a multi-thread [`Runtime`](crate::Runtime), too, whose tasks go from
/// thread to thread.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    spawn_local_at(future, Origin::at(Location::caller()))
}

#[track_caller]
pub(super) fn spawn_local_at<F>(future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let Some(member) = local::current_member() else {
        let kind = if multi::current().or_else(entered).is_some() { "current-thread " } else { "" };
        panic!(
            "`spawn_local` needs a {kind}runtime: call it inside `reactor::block_on` or a task spawned there"
        )
    };
    // SAFETY: it is entered here, and so this is the owner.
    unsafe { local::Shared::spawn_here(member, future, origin.of_kind("local")) }
}

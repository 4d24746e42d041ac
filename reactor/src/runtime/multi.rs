//! The multi-thread runtime.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::budget;
use crate::context;
use crate::entered::{Entries, Entry};
use crate::multi::{MOST_WORKERS, Shared, Threads, stock};
use crate::runtime::handle::{Handle, assert_outside};
use crate::sight::{Dump, RuntimeMetrics};
use crate::task::handle::JoinHandle;
use crate::task::member::Member;
use crate::task::origin::Origin;

thread_local! {
    /// The runtime that is entered on this thread, which is none of its workers.
    static ENTERED: Entries<Arc<Shared>> = const { Entries::new() };
}

/// The runtime that is entered on this thread.
pub(super) fn entered() -> Option<Arc<Shared>> {
    // An error means that the thread is about to end: a destructor of its locals asks.
    ENTERED.try_with(Entries::last).ok().flatten()
}

/// A reference to that, for a task.
pub(super) fn entered_member() -> Option<Member<Shared>> {
    ENTERED.try_with(|entered| entered.with_last(Member::of)).ok().flatten()
}

/// A multi-thread runtime: its worker threads run tasks, and steal them from each other.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = reactor::Runtime::new()?;
/// let sum = runtime.block_on(async {
///     let tasks: Vec<_> = (0..10).map(|n| reactor::spawn(async move { n * n })).collect();
///     let mut sum = 0;
///     for task in tasks {
///         sum += task.await.unwrap();
///     }
///     sum
/// });
/// assert_eq!(sum, 285);
/// # Ok(())
/// # }
/// ```
///
/// # Tasks that block
///
/// A task that blocks its thread keeps one worker. The other workers run what is left to that one, and look at events:
/// if they sleep, a thread that watches the workers finds it in 5 to 10 ms, and wakes one. (That thread sleeps when all
/// workers do. A runtime with one worker has none.) Functions that block are better run by
/// [`spawn_blocking`](crate::spawn_blocking).
///
/// # Dropping
///
/// Waits until each worker has ended the poll in which it is, then cancels all tasks. Awaiting the [`JoinHandle`] of a
/// cancelled task evaluates to an error that says so. On one of its own workers the drop does not wait.
/// [`shutdown_timeout`](Runtime::shutdown_timeout) and [`shutdown_background`](Runtime::shutdown_background) are the
/// forms that do not wait as long.
pub struct Runtime {
    shared: Arc<Shared>,
    /// `None` once they are not waited for.
    threads: Option<Threads>,
}

/// How a runtime is made.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = reactor::Builder::new().worker_threads(2).thread_name("service").build()?;
/// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    workers: Option<usize>,
    name: String,
}

impl Default for Builder {
    fn default() -> Self {
        Builder { workers: None, name: "reactor".to_owned() }
    }
}

impl Builder {
    /// As many workers as the machine has cores for this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of worker threads: at most as many as there are bits in a `usize`.
    ///
    /// # Panics
    ///
    /// If it is zero, or too large.
    #[must_use]
    #[track_caller]
    pub fn worker_threads(mut self, workers: usize) -> Self {
        assert!(
            (1..=MOST_WORKERS).contains(&workers),
            "a runtime has between 1 and {MOST_WORKERS} workers, not {workers}"
        );
        self.workers = Some(workers);
        self
    }

    /// The name of its threads, to which their numbers are added; and `-watch` to that of the one that
    /// [watches them](Runtime#tasks-that-block).
    #[must_use]
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes the runtime, and starts its threads.
    ///
    /// # Errors
    ///
    /// If the operating system gives no event queue, or no thread.
    pub fn build(self) -> io::Result<Runtime> {
        let workers = self.workers.unwrap_or_else(|| {
            thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS)
        });
        let (shared, threads) = Shared::start(workers, &self.name)?;
        Ok(Runtime { shared, threads: Some(threads) })
    }
}

impl Runtime {
    /// A runtime with a worker for each core.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Builder::new().build()
    }

    /// Runs `future` to its end on this thread, while the workers run the tasks that it spawns.
    ///
    /// # Panics
    ///
    /// If `future` panics (the panic of a *task* goes to its [`JoinHandle`]), or inside a runtime, which could not run
    /// meanwhile.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        assert_outside("block_on");
        let _entered = self.enter();
        let parker =
            Arc::new(Parker { thread: thread::current(), is_notified: AtomicBool::new(false) });
        let waker = Waker::from(parker.clone());
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future); // Dropped first, while the runtime is entered.
        loop {
            budget::reset();
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            parker.park();
        }
    }

    /// Spawns a task. See [`spawn`](crate::spawn) for the details.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Shared::spawn(Member::of(&self.shared), future, Origin::at(Location::caller()))
    }

    /// What its tasks do. See [`Handle::dump`].
    #[must_use]
    pub fn dump(&self) -> Dump {
        self.shared.dump()
    }

    /// Its figures. See [`Handle::metrics`].
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        self.shared.metrics()
    }

    /// What spawns from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::multi(self.shared.clone())
    }

    /// The number of its worker threads.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.workers()
    }

    /// Makes the runtime current on this thread until the guard is dropped: [`spawn`](crate::spawn), sockets and timers
    /// find it.
    pub fn enter(&self) -> RuntimeGuard<'_> {
        RuntimeGuard {
            has_stock: stock::open(&self.shared),
            // An error means that the thread ends: nothing is current any more.
            entry: ENTERED.try_with(|entered| entered.enter(self.shared.clone())).ok(),
            _driver: context::enter(self.shared.driver_handle()),
            shared: &self.shared,
            _of_this_thread: PhantomData,
        }
    }

    /// Ends the runtime, and waits for it no longer than `timeout`. Whether all tasks are cancelled then: a poll that
    /// does not return keeps its worker, and the runtime, which ends when that returns.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> bool {
        drop(self.threads.take());
        self.shared.stop();
        !self.shared.is_worker_here() && self.shared.wait_for_end(timeout)
    }

    /// Ends the runtime without waiting: its last worker cancels the tasks.
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let Some(threads) = self.threads.take() else { return };
        self.shared.stop();
        if !self.shared.is_worker_here() {
            threads.join();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("workers", &self.workers()).finish_non_exhaustive()
    }
}

/// The guard of [`Runtime::enter`].
#[must_use = "the runtime is current only until this is dropped"]
pub struct RuntimeGuard<'a> {
    entry: Option<Entry>,
    /// Whether the thread has its stock of references since then.
    has_stock: bool,
    _driver: context::Entered,
    shared: &'a Arc<Shared>,
    /// Of this thread.
    _of_this_thread: PhantomData<Rc<()>>,
}

impl Drop for RuntimeGuard<'_> {
    fn drop(&mut self) {
        if self.has_stock {
            stock::close(self.shared);
        }
        if let Some(entry) = &self.entry {
            drop(ENTERED.try_with(|entered| entered.leave(entry)));
        }
    }
}

impl fmt::Debug for RuntimeGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeGuard").finish_non_exhaustive()
    }
}

/// The thread of a `block_on`.
struct Parker {
    thread: Thread,
    is_notified: AtomicBool,
}

impl Parker {
    fn park(&self) {
        while !self.is_notified.swap(false, Acquire) {
            thread::park();
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_notified.swap(true, Release) {
            self.thread.unpark();
        }
    }
}

//! Tasks that are joined in the order in which they end.
//!
//! ```text
//!   JoinSet ── handles: slab of JoinHandle            task ends
//!      │                                                  │
//!      └────── Ended: numbers, the joiner's waker ◀── OneOf (the waker that the task has)
//! ```
//!
//! Nothing is polled to find out which task has ended: each task has a waker that knows its number.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use slab::Slab;

use crate::budget;
use crate::runtime::{self, Handle};
use crate::sync::lock;
use crate::task::error::JoinError;
use crate::task::handle::{AbortHandle, JoinHandle};

/// A set of tasks, which gives their results in the order in which they end.
///
/// ```
/// use reactor::JoinSet;
///
/// reactor::block_on(async {
///     let mut set = JoinSet::new();
///     for number in 0..10 {
///         set.spawn(async move { number * number });
///     }
///     let mut sum = 0;
///     while let Some(square) = set.join_next().await {
///         sum += square.unwrap();
///     }
///     assert_eq!(sum, 285);
/// });
/// ```
///
/// A task that ends costs the same however many there are.
///
/// # Dropping
///
/// Aborts all tasks. Their futures are dropped by their executors, not inside the drop of the set:
/// [`shutdown`](JoinSet::shutdown) waits for that. [`detach_all`](JoinSet::detach_all) lets them run on.
#[must_use = "dropping the set aborts its tasks"]
pub struct JoinSet<T> {
    handles: Slab<JoinHandle<T>>,
    ended: Arc<Ended>,
}

/// The tasks that have ended and were not joined.
struct Ended(Mutex<State>);

struct State {
    numbers: VecDeque<usize>,
    /// Of the task that waits for the next one.
    joiner: Option<Waker>,
}

/// The waker of a task's handle.
struct OneOf {
    number: usize,
    ended: Arc<Ended>,
}

impl Wake for OneOf {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let joiner = self.ended.push(self.number);
        if let Some(joiner) = joiner {
            joiner.wake(); // Foreign code: without the lock.
        }
    }
}

impl Ended {
    fn new() -> Arc<Self> {
        Arc::new(Ended(Mutex::new(State { numbers: VecDeque::new(), joiner: None })))
    }

    #[must_use]
    fn push(&self, number: usize) -> Option<Waker> {
        let mut state = lock(&self.0);
        state.numbers.push_back(number);
        state.joiner.take()
    }

    fn has_some(&self) -> bool {
        !lock(&self.0).numbers.is_empty()
    }

    fn pop(&self) -> Option<usize> {
        lock(&self.0).numbers.pop_front()
    }

    /// Takes a number out, or leaves a waker.
    fn poll_pop(&self, waker: &Waker) -> Poll<usize> {
        let mut new = None;
        loop {
            let mut state = lock(&self.0);
            if let Some(number) = state.numbers.pop_front() {
                return Poll::Ready(number);
            }
            if state.joiner.as_ref().is_some_and(|joiner| joiner.will_wake(waker)) {
                return Poll::Pending;
            }
            if new.is_some() {
                let stale = mem::replace(&mut state.joiner, new);
                drop(state);
                drop(stale); // Foreign code: without the lock.
                return Poll::Pending;
            }
            drop(state);
            new = Some(waker.clone()); // Foreign code: without the lock.
        }
    }
}

impl<T> JoinSet<T> {
    /// A set without tasks. It may be made outside a runtime.
    pub fn new() -> Self {
        JoinSet { handles: Slab::new(), ended: Ended::new() }
    }

    /// The number of tasks that were not joined, whether they have ended or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether all tasks were joined, or none was spawned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Spawns a task on the runtime that is current on this thread.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn): outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.insert(runtime::spawn(future))
    }

    /// Spawns a task on the runtime of `handle`. If that is gone, the task is cancelled at once, which
    /// [`join_next`](JoinSet::join_next) says.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.insert(handle.spawn(future))
    }

    /// Spawns a task that need not be `Send`.
    ///
    /// # Panics
    ///
    /// As [`spawn_local`](crate::spawn_local): where no [`LocalRuntime`](crate::LocalRuntime) is current.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        self.insert(runtime::spawn_local(future))
    }

    /// Runs a function that may block its thread: see [`spawn_blocking`](crate::spawn_blocking).
    ///
    /// # Panics
    ///
    /// As [`spawn_blocking`](crate::spawn_blocking): outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, function: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.insert(crate::blocking::spawn_blocking(function))
    }

    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let entry = self.handles.vacant_entry();
        let of_task = Arc::new(OneOf { number: entry.key(), ended: self.ended.clone() });
        let handle = entry.insert(handle);
        if handle.has_ended_or_wakes(&Waker::from(of_task.clone())) {
            of_task.wake(); // So each number comes once.
        }
        abort
    }

    /// The result of the task that ends next; `None` if there is no task left.
    ///
    /// # Errors
    ///
    /// If that task panicked or was cancelled.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// As [`join_next`](JoinSet::join_next), for futures that are written by hand. A result that is there is paid for
    /// from the budget of the poll.
    ///
    /// # Errors
    ///
    /// As [`join_next`](JoinSet::join_next).
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        // A number that is taken is given, so this comes first. Nobody else takes numbers meanwhile.
        if self.ended.has_some() {
            ready!(budget::poll_proceed(cx));
        }
        let number = ready!(self.ended.poll_pop(cx.waker()));
        Poll::Ready(Some(self.remove(number)))
    }

    /// The result of a task that has ended. `None`: no task is left, or none has ended yet.
    ///
    /// # Errors
    ///
    /// As [`join_next`](JoinSet::join_next).
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.ended.pop().map(|number| self.remove(number))
    }

    fn remove(&mut self, number: usize) -> Result<T, JoinError> {
        self.handles.remove(number).take().expect("the task has ended")
    }

    /// Aborts all tasks, as [`JoinHandle::abort`] does. They remain to be joined.
    pub fn abort_all(&mut self) {
        for (_, handle) in &self.handles {
            handle.abort();
        }
    }

    /// Aborts all tasks, and waits until they have ended. Their results are dropped, and panics too.
    ///
    /// # Cancellation
    ///
    /// The tasks are aborted already, and remain to be joined.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Removes all tasks, which run on.
    pub fn detach_all(&mut self) {
        // The numbers of these tasks come to nobody.
        self.ended = Ended::new();
        self.handles.clear();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

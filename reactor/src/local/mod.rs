//! The current-thread executor.
//!
//! ```text
//!   LocalRuntime ─────▶ Shared ◀───── tasks ◀───── wakers, handles      (any thread)
//!   (one thread)          ├ remote: what other threads wake and spawn
//!                         ├ driver: how to unpark it
//!                         └ local: run queue, list of all tasks, event queue   (its own thread)
//! ```
//!
//! Its own thread uses no read-modify-write: not to schedule a task, not to run one, and not to count references.
//!
//! # Invariant
//!
//! `Shared::local`, and the parts of a task that are marked so, are used by one thread only: by the one that has the
//! [`LocalRuntime`](crate::LocalRuntime), which cannot be sent. There [`CURRENT`] points to the executor while it is
//! entered, and on no other thread does it ever. ("The owner".)

mod dump;
mod run;
mod task;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::driver::{self, Driver};
use crate::entered::{Entries, Entry};
use crate::local::dump::Dumps;
use crate::local::task::{COMPLETE, From, LINKED, MERGED, SCHEDULED, Task};
use crate::sight::blocking::Blocking;
use crate::sight::count::Count;
use crate::sight::{RuntimeMetrics, WorkerMetrics};
use crate::task::cell;
use crate::task::handle::JoinHandle;
use crate::task::member::{Executor, Member};
use crate::task::members::Members;
use crate::task::origin::Origin;
use crate::task::remote_queue::{Pushed, RemoteQueue};

thread_local! {
    /// The executor that is current on this thread: the last one that [`ENTERED`] has; or null.
    static CURRENT: Cell<*const Shared> = const { Cell::new(ptr::null()) };
    /// The executors that are entered on this thread.
    static ENTERED: OnThread = const { OnThread(Entries::new()) };
}

/// Keeps the executors; when the thread ends, none is current any more.
struct OnThread(Entries<Arc<Shared>>);

impl Drop for OnThread {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
    }
}

impl OnThread {
    fn update_current(&self) {
        CURRENT.set(self.0.last().map_or(ptr::null(), |shared| Arc::as_ptr(&shared)));
    }
}

/// An executor, as its tasks and handles know it.
pub(crate) struct Shared {
    remote: RemoteQueue,
    driver: Arc<driver::Handle>,
    dumps: Dumps,
    pub(crate) blocking: Arc<Blocking>,
    counts: Counts,
    members: Members,
    local: Local,
}

// SAFETY: `local` is used by the owner only, as the room's invariant says.
unsafe impl Send for Shared {}
// SAFETY: `local` is used by the owner only, as the room's invariant says.
unsafe impl Sync for Shared {}

/// What the owner counts, and all may read.
#[derive(Default)]
struct Counts {
    linked: Count,
    unlinked: Count,
    /// Tasks of `block_on`, among both.
    roots: Count,
    polls: Count,
    parks: Count,
    #[cfg(feature = "metrics")]
    wake_to_poll: crate::sight::histogram::Counts,
}

/// What only the owner uses.
struct Local {
    /// The run queue, linked by `next_to_run`.
    first_to_run: Cell<*const Task>,
    last_to_run: Cell<*const Task>,
    /// All tasks that are not complete, linked by `next` and `previous`.
    tasks: Cell<*const Task>,
    /// The next one of them that a dump for another thread looks at.
    next_to_look_at: Cell<*const Task>,
    /// While tasks are run: the one that is polled, or was polled last. Null otherwise.
    running: Cell<*const Task>,
    /// `None` once the runtime is gone.
    events: RefCell<Option<Driver>>,
    /// See `run.rs`.
    polls_per_turn: Cell<u32>,
    last_look: Cell<Instant>,
    /// References for tasks; empty once the runtime is going.
    stock: Cell<usize>,
    /// The runtime is going: what is spawned is cancelled.
    is_closed: Cell<bool>,
}

/// Whether this is the executor's own thread, which has entered it.
#[inline(always)]
pub(crate) fn is_current(executor: &impl Deref<Target = Shared>) -> bool {
    // First, since it may be a call, over which the executor's address would have to be kept.
    let current = CURRENT.get();
    ptr::eq(current, &raw const **executor)
}

/// The executor that is entered on this thread.
pub(crate) fn current() -> Option<Arc<Shared>> {
    let shared = CURRENT.get();
    if shared.is_null() {
        return None;
    }
    // SAFETY: `ENTERED` has a reference to it.
    unsafe {
        Arc::increment_strong_count(shared);
        Some(Arc::from_raw(shared))
    }
}

/// A reference to that, for a task.
#[inline(always)]
pub(crate) fn current_member() -> Option<Member<Shared>> {
    let shared = CURRENT.get();
    if shared.is_null() {
        return None;
    }
    // SAFETY: `ENTERED` has the reference, which is not dropped here.
    let shared = ManuallyDrop::new(unsafe { Arc::from_raw(shared) });
    Some(Member::of(&shared))
}

/// Makes an executor current until it is dropped; then the one that was entered before it is. It is not `Send`. Users
/// may drop theirs in any order.
pub(crate) struct Entered {
    /// `None` while the thread ends: there is no list then, and the executor is kept here.
    entry: Option<Entry>,
    _shared: Option<Arc<Shared>>,
    _of_this_thread: PhantomData<Rc<()>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        // An error means that the thread ends: nothing is current any more.
        let left = ENTERED.try_with(|entered| {
            let left = self.entry.as_ref().and_then(|entry| entered.0.leave(entry));
            entered.update_current();
            left
        });
        if left.is_err() {
            CURRENT.set(ptr::null());
        }
        drop(left);
    }
}

/// A task in the run queue or in the list.
///
/// # Safety
/// It is there, or is null. (Then it is kept by the executor's reference, which is given up when one that is complete
/// is in neither: `complete`, `run_tasks`.)
#[inline(always)]
unsafe fn kept<'a>(task: *const Task) -> Option<&'a Task> {
    // SAFETY: the executor's reference keeps it, as the caller says.
    unsafe { task.as_ref() }
}

impl Local {
    /// Puts a task into the run queue.
    ///
    /// # Safety
    /// The executor has a reference to the task, which is in no run queue.
    #[inline(always)]
    unsafe fn push(&self, task: *const Task) {
        // SAFETY: the caller says that the executor's reference keeps it.
        let this = unsafe { &*task };
        #[cfg(feature = "metrics")]
        this.common().woken.set();
        this.next_to_run.set(ptr::null());
        let last = self.last_to_run.replace(task);
        // SAFETY: the last one is in the queue.
        match unsafe { kept(last) } {
            Some(last) => last.next_to_run.set(task),
            None => self.first_to_run.set(task),
        }
    }

    #[inline(always)]
    fn pop(&self) -> *const Task {
        let task = self.first_to_run.get();
        // SAFETY: the first one is in the queue.
        if let Some(first) = unsafe { kept(task) } {
            let next = first.next_to_run.get();
            self.first_to_run.set(next);
            if next.is_null() {
                self.last_to_run.set(ptr::null());
            }
        }
        task
    }

    /// Puts a task into the list.
    ///
    /// # Safety
    /// The executor has a reference to the task, which is in no list.
    unsafe fn link(&self, task: *const Task) {
        // SAFETY: the caller says that the executor's reference keeps it.
        let this = unsafe { &*task };
        let next = self.tasks.replace(task);
        this.next.set(next);
        // SAFETY: the former first one is in the list.
        if let Some(next) = unsafe { kept(next) } {
            next.previous.set(task);
        }
        this.set(LINKED);
    }

    /// Takes a task out of the list, in which it is.
    fn unlink(&self, task: &Task) {
        let (previous, next) = (task.previous.get(), task.next.get());
        if ptr::eq(self.next_to_look_at.get(), task) {
            self.next_to_look_at.set(next);
        }
        // SAFETY: the neighbours are in the list.
        let neighbours = unsafe { (kept(previous), kept(next)) };
        match neighbours.0 {
            Some(previous) => previous.next.set(next),
            None => self.tasks.set(next),
        }
        if let Some(next) = neighbours.1 {
            next.previous.set(previous);
        }
    }
}

impl Shared {
    /// An executor that belongs to this thread.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let events = Driver::new()?;
        Ok(Arc::new(Shared {
            remote: RemoteQueue::new(),
            driver: events.handle().clone(),
            dumps: Dumps::new(),
            blocking: Arc::default(),
            counts: Counts::default(),
            members: Members::new(),
            local: Local {
                first_to_run: Cell::new(ptr::null()),
                last_to_run: Cell::new(ptr::null()),
                tasks: Cell::new(ptr::null()),
                next_to_look_at: Cell::new(ptr::null()),
                running: Cell::new(ptr::null()),
                events: RefCell::new(Some(events)),
                polls_per_turn: Cell::new(run::FIRST_POLLS_PER_TURN),
                last_look: Cell::new(Instant::now()),
                stock: Cell::new(0),
                is_closed: Cell::new(false),
            },
        }))
    }

    pub(crate) fn driver(&self) -> &Arc<driver::Handle> {
        &self.driver
    }

    /// The figures of the runtime.
    pub(crate) fn metrics(&self) -> RuntimeMetrics {
        let counts = &self.counts;
        let worker = WorkerMetrics {
            polls: counts.polls.get(),
            parks: counts.parks.get(),
            #[cfg(feature = "metrics")]
            wake_to_poll: counts.wake_to_poll.get(),
            ..WorkerMetrics::default()
        };
        // In this order: what is unlinked was linked before.
        let (unlinked, roots) = (counts.unlinked.get(), counts.roots.get());
        let linked = counts.linked.get();
        let (timers, sources) = self.driver.timers_and_sources();
        let (blocking_waiting, blocking_running) = self.blocking.get();
        RuntimeMetrics {
            workers: vec![worker],
            spawned_tasks: linked,
            live_tasks: (linked + roots).saturating_sub(unlinked),
            injected_tasks: 0,
            timers,
            sources,
            blocking_running,
            blocking_waiting,
        }
    }

    /// # Safety
    /// By the owner.
    pub(crate) unsafe fn enter(self: &Arc<Self>) -> Entered {
        let entry = ENTERED.try_with(|entered| {
            let entry = entered.0.enter(self.clone());
            entered.update_current();
            entry
        });
        let shared = entry.is_err().then(|| {
            CURRENT.set(Arc::as_ptr(self));
            self.clone()
        });
        Entered { entry: entry.ok(), _shared: shared, _of_this_thread: PhantomData }
    }

    /// Spawns a task on the executor's own thread. If the runtime is going away, the task is cancelled at once.
    ///
    /// # Safety
    /// By the owner, which has entered it.
    pub(crate) unsafe fn spawn_here<F>(
        member: Member<Self>,
        future: F,
        origin: Origin,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let task = Task::allocate(member, future, From::Owner, origin);
        // SAFETY: the handle's reference is given up by nobody else, and keeps the task.
        let (handle, this) = unsafe { (JoinHandle::new(Task::reference(task)), &*task) };
        let local = &this.shared.local;
        if local.is_closed.get() {
            // SAFETY: the caller is the owner, and nothing else knows the task but its handle. It is in no queue.
            unsafe { this.shared.cancel_unseen(task) };
        } else {
            // SAFETY: it is new, with a reference for the executor.
            unsafe {
                local.link(task);
                local.push(task);
            }
            this.shared.counts.linked.add(1);
        }
        handle
    }

    /// Spawns a task from any thread. If the runtime is gone, the task is cancelled at once, here.
    pub(crate) fn spawn_from_elsewhere<F>(
        self: &Arc<Self>,
        future: F,
        origin: Origin,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let task = Task::allocate(Member::of(self), future, From::Elsewhere, origin);
        // SAFETY: the handle's reference is given up by nobody else, and keeps the task. It was made to be pushed.
        let (handle, pushed) =
            unsafe { (JoinHandle::new(Task::reference(task)), Task::push_remote(task)) };
        if pushed == Pushed::Closed {
            // SAFETY: the executor never saw the task, so this thread is its owner; the future may be dropped here,
            // since it is `Send`. The queue's reference is given up.
            unsafe {
                self.cancel_unseen(task);
                Task::release(task);
            }
        }
        handle
    }

    /// Ends a task that is in no list and not in the run queue.
    ///
    /// # Safety
    /// As for [`cancel`](Shared::cancel).
    unsafe fn cancel_unseen(&self, task: *const Task) {
        // SAFETY: the caller owns the task, whose flag says no more that it is in the run queue.
        unsafe {
            (*task).common().flags.set(0);
            self.cancel(task);
        }
    }

    /// Ends a task that does not run, by a drop of its future.
    ///
    /// # Safety
    /// By the owner; the task is not complete.
    unsafe fn cancel(&self, task: *const Task) {
        // SAFETY: the owner runs the task, and the executor's reference keeps it.
        unsafe {
            if (*task).common().has_future() {
                ((*task).common().vtable.cancel)(task.cast());
            }
            self.complete(task);
        }
    }

    /// Ends a task whose result is there.
    ///
    /// # Safety
    /// By the owner; once.
    unsafe fn complete(&self, task: *const Task) {
        // SAFETY: the executor's reference keeps the task until `merge`.
        let this = unsafe { &*task };
        this.set(COMPLETE);
        if this.has(LINKED) {
            self.counts.unlinked.add(1);
            self.local.unlink(this);
        }
        // SAFETY: the owner runs the task, whose result is there.
        unsafe { cell::complete(task.cast()) };
        if !this.has(SCHEDULED) {
            // SAFETY: it is in no list and not in the run queue.
            unsafe { Self::merge(task) };
        }
    }

    /// Gives up the executor's reference.
    ///
    /// # Safety
    /// By the owner; the task is complete, and in no list and not in the run queue.
    unsafe fn merge(task: *const Task) {
        // SAFETY: the owner counts here, for the last time. Without references nobody knows the task.
        unsafe {
            (*task).set(MERGED);
            if (*task).references.merge() {
                ((*task).common().vtable.free)(task.cast());
            }
        }
    }
}

impl Executor for Shared {
    fn members(&self) -> &Members {
        &self.members
    }

    /// The owner has one until the runtime goes.
    #[inline(always)]
    fn stock(&self) -> Option<usize> {
        (is_current(&self) && !self.local.is_closed.get()).then(|| self.local.stock.get())
    }

    #[inline(always)]
    fn set_stock(&self, references: usize) {
        self.local.stock.set(references);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("remote", &self.remote).finish_non_exhaustive()
    }
}

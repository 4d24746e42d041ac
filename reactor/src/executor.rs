//! The executor's state on its own thread: tasks, run queue, event sources and timers; one turn of
//! its loop.
//!
//! # Invariants
//!
//! 1. No `RefCell` here is borrowed while foreign code runs: polls, wakers' calls and destructors
//!    may spawn, wake, abort, sleep and drop sockets.
//! 2. An entry is out of the slab while it is polled; its key stays reserved, so a task's key is
//!    valid until the task is complete.
//! 3. Every [`POLLS_PER_TURN`] polls the event queue and the timers are looked at, however many
//!    tasks are ready.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::driver::Driver;
use crate::task::{Place, Remote, Task};
use crate::wake_state::{Complete, Start, Suspend};
use crate::{budget, context};

/// Polls of tasks between two looks at the event queue. A look is a system call, whose cost some dozens of polls
/// hide. Their time is the longest that an event waits. (tokio uses 61, for the same reason.)
pub(crate) const POLLS_PER_TURN: usize = 61;

/// One spawned task.
struct Entry {
    future: Pin<Box<dyn Future<Output = ()>>>,
    task: Arc<Task>,
    /// Of `task`: made once, so that `will_wake` holds from poll to poll.
    waker: Waker,
}

/// The executor, shared by its runtime and by everything created in it: sockets, timers.
pub(crate) struct Executor {
    /// `None` while the task is polled.
    tasks: RefCell<Slab<Option<Entry>>>,
    queue: RefCell<VecDeque<Arc<Task>>>,
    remote: Arc<Remote>,
    driver: RefCell<Driver>,
    /// The runtime is gone: nothing will be polled any more.
    closed: Cell<bool>,
}

thread_local! {
    /// The executor that runs on this thread, or is being dropped on it.
    static CURRENT: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) };
}

/// The executor that runs on this thread.
pub(crate) fn current() -> Option<Rc<Executor>> {
    // An error means that the thread is about to end: a waker called by a destructor of its locals.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The executor that runs on this thread, for a caller that needs one.
///
/// # Panics
///
/// If there is none, naming `what` was called.
#[track_caller]
pub(crate) fn expect_current(what: &str) -> Rc<Executor> {
    match current() {
        Some(executor) => executor,
        None => panic!(
            "`{what}` needs a runtime: call it inside `reactor::block_on` or a task spawned there"
        ),
    }
}

/// Pushes a scheduled task to the run queue of its executor, from any thread.
pub(crate) fn schedule(task: Arc<Task>) {
    let local = CURRENT.try_with(|current| {
        let current = current.borrow();
        current.as_ref().filter(|executor| Arc::ptr_eq(&executor.remote, &task.remote)).cloned()
    });
    match local {
        Ok(Some(executor)) => executor.queue.borrow_mut().push_back(task),
        _ => task.remote.clone().push(task),
    }
}

/// Makes an executor current until this guard is dropped; then the previous one is current again.
pub(crate) struct Entered {
    previous: Option<Rc<Executor>>,
    _driver: context::Entered,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        drop(CURRENT.with(|current| current.replace(previous)));
    }
}

impl Executor {
    pub(crate) fn new() -> io::Result<Rc<Self>> {
        let driver = Driver::new()?;
        let remote = Arc::new(Remote::new(driver.handle().clone()));
        Ok(Rc::new(Self {
            tasks: RefCell::default(),
            queue: RefCell::default(),
            remote,
            driver: RefCell::new(driver),
            closed: Cell::new(false),
        }))
    }

    pub(crate) fn enter(self: &Rc<Self>) -> Entered {
        let _driver = context::enter(self.driver.borrow().handle());
        Entered { previous: CURRENT.with(|current| current.replace(Some(self.clone()))), _driver }
    }

    /// A task that is polled by `block_on` itself.
    pub(crate) fn root(&self) -> Arc<Task> {
        let task = Task::new(Place::Root, self.remote.clone());
        self.queue.borrow_mut().push_back(task.clone());
        task
    }

    /// Inserts a future and schedules it. If the runtime is going away, drops the future and returns `None`.
    pub(crate) fn spawn(&self, future: Pin<Box<dyn Future<Output = ()>>>) -> Option<Arc<Task>> {
        if self.closed.get() {
            return None;
        }
        let mut tasks = self.tasks.borrow_mut();
        let vacant = tasks.vacant_entry();
        let task = Task::new(Place::Slab(vacant.key()), self.remote.clone());
        let waker = Waker::from(task.clone());
        vacant.insert(Some(Entry { future, task: task.clone(), waker }));
        self.queue.borrow_mut().push_back(task.clone());
        Some(task)
    }

    /// The next task to be polled.
    pub(crate) fn pop(&self) -> Option<Arc<Task>> {
        self.queue.borrow_mut().pop_front()
    }

    /// Ends a poll that returned `Pending`.
    pub(crate) fn suspend(&self, task: Arc<Task>) {
        match task.state.suspend() {
            Suspend::Idle => {}
            Suspend::Reschedule => self.queue.borrow_mut().push_back(task),
        }
    }

    /// Polls a spawned task once.
    pub(crate) fn run(&self, task: Arc<Task>) {
        let Place::Slab(key) = task.place else {
            return; // The root of a `block_on` that has returned.
        };
        match task.state.start() {
            Start::Run => {}
            Start::Gone => return,
        }
        budget::reset();
        let mut entry = self.tasks.borrow_mut()[key].take().expect("a queued task is in the slab");
        let mut cx = Context::from_waker(&entry.waker);
        // Panics of the task itself go to its `JoinHandle`. A panic that is caught here comes from the destructor of
        // a result that nobody wanted. The panic hook has reported it.
        match catch_unwind(AssertUnwindSafe(|| entry.future.as_mut().poll(&mut cx))) {
            Ok(Poll::Pending) => {
                self.tasks.borrow_mut()[key] = Some(entry);
                self.suspend(task);
            }
            Ok(Poll::Ready(())) | Err(_) => {
                let _: Complete = task.state.complete();
                self.tasks.borrow_mut().remove(key);
                let _ = catch_unwind(AssertUnwindSafe(|| drop(entry)));
            }
        }
    }

    /// Looks at the event queue, at wakes from other threads and at the timers; parks if no task is
    /// scheduled.
    ///
    /// # Panics
    ///
    /// - If the operating system refuses to report events: nothing could ever wake again.
    /// - With the first panic of a waker, after all have been called.
    pub(crate) fn turn(&self) {
        let may_block = self.queue.borrow().is_empty();
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut driver = self.driver.borrow_mut();
            if may_block || driver.handle().has_work() {
                driver.turn(may_block);
            }
        }));
        // Also after a panic: the turn has noted the wakes as seen.
        self.queue.borrow_mut().extend(self.remote.drain());
        if let Err(panic) = turned {
            resume_unwind(panic);
        }
    }

    /// Drops every task, each exactly once. Tasks may spawn, wake and abort while they are dropped; the tasks that
    /// they spawn are dropped, too. The executor must be current.
    ///
    /// # Panics
    ///
    /// With the first panic of a task's destructor, after all are dropped, unless the thread panics
    /// already.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        let mut first_panic = None;
        // Nothing is inserted any more, so one sweep is enough.
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        for (_, entry) in tasks {
            let Some(entry) = entry else { continue };
            if entry.task.state.complete() == Complete::Now {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(entry))) {
                    first_panic.get_or_insert(panic);
                }
            }
        }
        self.queue.borrow_mut().clear();
        self.remote.close();
        if let Some(panic) = first_panic {
            if !std::thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}

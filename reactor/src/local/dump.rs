//! Task dumps of a current-thread executor.
//!
//! On its own thread the list is gone through at once. Another thread asks for a dump: the executor looks at one task in
//! each turn, and runs tasks in between. Nobody but the owner ever touches a task.

use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::local::task::{SCHEDULED, Task};
use crate::local::{Shared, kept};
use crate::sight::{Dump, PATIENCE, TaskDump, TaskState};
use crate::sync::lock;
use crate::task::cell;

/// The dumps that other threads ask for.
pub(super) struct Dumps {
    one_at_a_time: Mutex<()>,
    /// Somebody waits for the owner.
    is_asked: AtomicBool,
    request: Mutex<Request>,
    answered: Condvar,
}

enum Request {
    None,
    /// To be begun.
    New,
    /// The tasks that were looked at so far.
    Begun(Vec<TaskDump>),
    Done(Vec<TaskDump>),
    /// The runtime is gone.
    Closed,
}

impl Dumps {
    pub(super) fn new() -> Self {
        Dumps {
            one_at_a_time: Mutex::new(()),
            is_asked: AtomicBool::new(false),
            request: Mutex::new(Request::None),
            answered: Condvar::new(),
        }
    }

    /// Owner: whether somebody waits for it.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        // What is asked is under the lock. (The unpark that follows ends a wait that has begun before.)
        self.is_asked.load(Relaxed)
    }

    /// Owner, once all tasks are gone.
    pub(super) fn close(&self) {
        *lock(&self.request) = Request::Closed;
        self.is_asked.store(false, Relaxed);
        self.answered.notify_all();
    }
}

impl Shared {
    /// All tasks that are not complete, without those of `block_on`.
    ///
    /// # Safety
    /// By the owner.
    pub(crate) unsafe fn dump_here(&self) -> Dump {
        let mut tasks = Vec::new();
        let mut task = self.local.tasks.get();
        // SAFETY: the caller is the owner, and what is in the list stays there meanwhile.
        while let Some(this) = unsafe { kept(task) } {
            // SAFETY: by the owner, and it is in the list.
            tasks.extend(unsafe { self.look_at(task) });
            task = this.next.get();
        }
        Dump::new(tasks, true)
    }

    /// The same, from another thread.
    pub(crate) fn dump_from_elsewhere(&self) -> Dump {
        let _one_at_a_time = lock(&self.dumps.one_at_a_time);
        let mut request = lock(&self.dumps.request);
        if matches!(*request, Request::Closed) {
            return Dump::new(Vec::new(), true);
        }
        if !self.driver.is_attended() {
            return Dump::new(Vec::new(), false); // No `block_on` runs.
        }
        *request = Request::New;
        self.dumps.is_asked.store(true, Relaxed);
        self.driver.unpark();
        let is_open = |request: &mut Request| matches!(request, Request::New | Request::Begun(_));
        let waited = self.dumps.answered.wait_timeout_while(request, PATIENCE, is_open);
        let mut request = waited.unwrap_or_else(PoisonError::into_inner).0;
        if matches!(*request, Request::Closed) {
            return Dump::new(Vec::new(), true);
        }
        self.dumps.is_asked.store(false, Relaxed);
        match std::mem::replace(&mut *request, Request::None) {
            Request::Done(tasks) => Dump::new(tasks, true),
            Request::Begun(tasks) => Dump::new(tasks, false),
            _ => Dump::new(Vec::new(), false),
        }
    }

    /// Looks at one task for a thread that waits.
    ///
    /// # Safety
    /// By the owner.
    #[cold]
    pub(super) unsafe fn answer(&self) {
        let mut request = lock(&self.dumps.request);
        let mut tasks = match std::mem::replace(&mut *request, Request::None) {
            Request::New => {
                self.local.next_to_look_at.set(self.local.tasks.get());
                Vec::new()
            }
            Request::Begun(tasks) => tasks,
            // It has been given up.
            other => return *request = other,
        };
        let task = self.local.next_to_look_at.get();
        // SAFETY: it is in the list, or null: what is taken out is not the next one any more.
        *request = match unsafe { kept(task) } {
            Some(this) => {
                self.local.next_to_look_at.set(this.next.get());
                // SAFETY: the caller is the owner, and the task is in the list.
                tasks.extend(unsafe { self.look_at(task) });
                Request::Begun(tasks)
            }
            None => {
                self.dumps.is_asked.store(false, Relaxed);
                self.dumps.answered.notify_all();
                Request::Done(tasks)
            }
        };
    }

    /// A task, if it has a future of its own.
    ///
    /// # Safety
    /// By the owner; the task is in the list.
    unsafe fn look_at(&self, task: *const Task) -> Option<TaskDump> {
        // SAFETY: the executor's reference keeps it.
        let this = unsafe { &*task };
        if this.common().is_root() {
            return None;
        }
        let (state, backtrace) = if ptr::eq(self.local.running.get(), task) {
            (TaskState::Running, None)
        } else {
            let state = if this.has(SCHEDULED) { TaskState::Queued } else { TaskState::Waiting };
            // SAFETY: the caller is the owner, and does not poll the task.
            (state, unsafe { cell::backtrace::<Task>(task.cast()) })
        };
        Some(TaskDump::new(this.common(), state, backtrace))
    }
}

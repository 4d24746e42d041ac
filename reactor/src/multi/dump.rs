//! Task dumps of the multi-thread executor.
//!
//! A thread goes through the lists, and looks at one task at a time, with the lock of the list: a worker that spawns or
//! completes waits for one look at most, and one that wakes or runs waits for none. What a look does to a task says the
//! [`Counter`](crate::task::counter).

use std::collections::HashMap;
use std::mem::take;
use std::sync::PoisonError;
use std::task::Waker;
use std::time::Instant;

use cps_core::backtrace::Backtrace;

use crate::multi::Shared;
use crate::multi::task::Task;
use crate::sight::{Dump, PATIENCE, TaskDump, TaskState};
use crate::sync::{Condvar, Mutex, lock};
use crate::task::cell;
use crate::task::counter::Suspend;

/// The dumps of one executor.
pub(super) struct Dumps {
    one_at_a_time: Mutex<()>,
    /// Of tasks that were asked for a look, by their addresses.
    answers: Mutex<HashMap<usize, Option<Backtrace>>>,
    answered: Condvar,
}

/// A task that was asked.
struct Asked {
    /// In the dump.
    index: usize,
    /// Keeps the task.
    task: Waker,
}

impl Asked {
    fn address(&self) -> usize {
        self.task.data().addr()
    }

    fn task(&self) -> &Task {
        // SAFETY: it is a waker of a task, which it keeps (`Shared::look_at`).
        unsafe { &*self.task.data().cast() }
    }
}

impl Dumps {
    pub(super) fn new() -> Self {
        Dumps { one_at_a_time: Mutex::new(()), answers: Mutex::default(), answered: Condvar::new() }
    }
}

impl Shared {
    /// All tasks that are not complete.
    pub(crate) fn dump(self: &std::sync::Arc<Self>) -> Dump {
        let _one_at_a_time = lock(&self.dumps.one_at_a_time);
        // What is queued with this worker is run by nobody as long as it waits here.
        let may_ask = !self.is_worker_here();
        let (mut tasks, mut asked, mut is_complete) = (Vec::new(), Vec::new(), true);
        // SAFETY: what is in a list is not complete, and stays there while it is looked at.
        let look = |task| unsafe { self.look_at(task, may_ask) };
        for list in &self.lists {
            list.look_from_start();
            while let Some((task, waker)) = list.look_at_next(look) {
                match waker {
                    Some(task) => asked.push(Asked { index: tasks.len(), task }),
                    None => is_complete &= task.state() != TaskState::Queued,
                }
                tasks.push(task);
            }
        }
        let mut answers = self.wait_for_answers(&asked);
        for asked in asked {
            let task: &mut TaskDump = &mut tasks[asked.index];
            match answers.remove(&asked.address()) {
                Some(backtrace) => task.set_backtrace(backtrace),
                None if self.runs(asked.task()) => task.set_running(),
                None => is_complete = false,
            }
        }
        Dump::new(tasks, is_complete)
    }

    /// Looks at a task. If it is queued it is asked to look at itself, if it may be, and a waker that keeps it is given.
    ///
    /// # Safety
    /// The task is not complete, and is not taken out of its list meanwhile.
    unsafe fn look_at(&self, task: *const Task, may_ask: bool) -> (TaskDump, Option<Waker>) {
        // SAFETY: the executor's reference keeps it.
        let this = unsafe { &*task };
        let dump = |state, backtrace| TaskDump::new(this.common(), state, backtrace);
        loop {
            if let Some(seen) = this.counter.try_look() {
                // SAFETY: it does not run before `suspend`, and so this thread has its content. (Nor is it cancelled: it is in
                // the list.)
                let backtrace = unsafe { cell::backtrace::<Task>(task.cast()) };
                if this.counter.suspend(seen) == Suspend::Reschedule {
                    // SAFETY: it was woken meanwhile, and this is who has to queue it.
                    unsafe { Self::schedule(task) };
                }
                return (dump(TaskState::Waiting, backtrace), None);
            }
            if self.runs(this) {
                return (dump(TaskState::Running, None), None);
            }
            if !may_ask {
                return (dump(TaskState::Queued, None), None);
            }
            if this.counter.ask_for_look() {
                this.counter.clone_reference();
                // SAFETY: the reference is the one that was just made.
                let waker = unsafe { Task::reference(task) };
                return (dump(TaskState::Queued, None), Some(waker));
            }
            // It has come to wait since.
        }
    }

    /// Waits for the answers of tasks that were asked.
    fn wait_for_answers(&self, asked: &[Asked]) -> HashMap<usize, Option<Backtrace>> {
        let until = Instant::now() + PATIENCE;
        let mut answers = lock(&self.dumps.answers);
        while answers.len() < asked.len() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.dumps.answered.wait_timeout(answers, left);
            answers = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // Those that have started answer in any case, and soon.
        let late = |asked: &&Asked| !answers.contains_key(&asked.address());
        let given_up =
            asked.iter().filter(late).filter(|asked| asked.task().counter.give_up_look());
        let expected = asked.len() - given_up.count();
        while answers.len() < expected {
            let waited = self.dumps.answered.wait(answers);
            answers = waited.unwrap_or_else(PoisonError::into_inner);
        }
        take(&mut *answers)
    }

    /// Whether a worker polls the task at the moment. (Or has polled it last, and is between two polls.)
    fn runs(&self, task: &Task) -> bool {
        self.seen.iter().any(|worker| std::ptr::eq(worker.running(), task))
    }

    /// A worker that has started a task which was asked for a look.
    ///
    /// # Safety
    /// It runs the task, and does not poll it yet.
    #[cold]
    pub(super) unsafe fn answer(&self, task: *const Task) {
        // SAFETY: the caller runs the task, and so has its content.
        let backtrace = unsafe { cell::backtrace::<Task>(task.cast()) };
        lock(&self.dumps.answers).insert(task.addr(), backtrace);
        self.dumps.answered.notify_all();
    }
}

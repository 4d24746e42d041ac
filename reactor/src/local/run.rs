//! What the executor's own thread does: it runs tasks, looks at events, and ends.

use std::future::ready;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::budget;
use crate::context;
use crate::local::Shared;
use crate::local::task::{COMPLETE, From, LINKED, SCHEDULED, Task};
use crate::task::cell::{self, Progress};
use crate::task::handle::JoinHandle;
use crate::task::member::{self, Member};
use crate::task::origin::Origin;

/// Polls of tasks between two looks at what comes from without, at first. The number adapts, so that a look, which is a
/// system call, is neither a large part of the work nor late.
pub(super) const FIRST_POLLS_PER_TURN: u32 = 64;
const FEWEST_POLLS_PER_TURN: u32 = 8;
const MOST_POLLS_PER_TURN: u32 = 128;
/// Looks that follow each other faster are too many.
const SOON: Duration = Duration::from_micros(25);
/// And slower ones too few.
const LATE: Duration = Duration::from_micros(100);

/// Why tasks are not run any more.
enum Stop {
    /// None is scheduled.
    Idle,
    /// It is time to look at events.
    Turn,
    /// It is the turn of the future of `block_on`.
    Root,
}

impl Shared {
    /// Runs `future` to its end, and all tasks beside it.
    ///
    /// # Panics
    /// If the future does.
    ///
    /// # Safety
    /// By the owner, outside of any runtime.
    pub(crate) unsafe fn block_on<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        // SAFETY: the caller is the owner.
        let _entered = unsafe { self.enter() };
        let _context = context::enter(&self.driver);
        let root = Root::new(self);
        // SAFETY: the waker is borrowed by the context; `root` has a reference.
        let waker = ManuallyDrop::new(unsafe { Task::waker(root.task) });
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future); // Dropped first, while the executor is current.
        // Those that are left until the next turn, of so many.
        let (mut polls, mut of) = (0, 0);
        loop {
            // One for many polls: it costs some instructions.
            // SAFETY: the caller is the owner, and has entered the executor.
            let ran = catch_unwind(AssertUnwindSafe(|| unsafe { self.run_tasks(&mut polls) }));
            let running = self.local.running.replace(ptr::null());
            match ran {
                Ok(Stop::Root) => {
                    budget::reset();
                    #[cfg(feature = "tracing")]
                    // SAFETY: the owner runs the root, which keeps its task.
                    let _entered = unsafe { (*root.task).common().span.enter() };
                    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                        return output;
                    }
                }
                Ok(stop) => {
                    self.counts.polls.add(u64::from(of - polls));
                    of = self.turn(matches!(stop, Stop::Idle));
                    polls = of;
                }
                Err(payload) => {
                    (polls, of) = (0, 0); // Not known any more.
                    // SAFETY: only a poll panics in `run_tasks`: that of the running task, which is not complete.
                    unsafe {
                        ((*running).common().vtable.fail)(running.cast(), payload);
                        self.complete(running);
                    }
                }
            }
        }
    }

    /// Runs so many tasks.
    ///
    /// # Safety
    /// By the owner, which has entered the executor.
    unsafe fn run_tasks(&self, polls: &mut u32) -> Stop {
        // Of a local, which is in a register. If a poll panics, it is time for a turn.
        let mut left = std::mem::take(polls);
        while left > 0 {
            left -= 1;
            let task = self.local.pop();
            if task.is_null() {
                *polls = left + 1;
                return Stop::Idle;
            }
            // SAFETY: what is in the run queue is kept by the executor's reference.
            let this = unsafe { &*task };
            let flags = this.common().flags.get() & !SCHEDULED;
            this.common().flags.set(flags);
            if flags & COMPLETE != 0 {
                // SAFETY: it is in the queue no more, and nowhere else since it is complete.
                unsafe { Self::merge(task) };
                continue;
            }
            if this.common().join.is_aborted() {
                // SAFETY: the owner runs tasks, and this one is not complete.
                unsafe { self.cancel(task) };
                continue;
            }
            self.local.running.set(task);
            #[cfg(feature = "metrics")]
            self.counts.wake_to_poll.add(this.common().woken.elapsed());
            budget::reset();
            // SAFETY: the waker owns no reference: it is not dropped, and lent while the executor has one.
            let waker = ManuallyDrop::new(unsafe { Task::waker(task) });
            // SAFETY: the owner runs tasks, and one that is not complete has a future.
            match unsafe { cell::run::<Task>(task.cast(), &mut Context::from_waker(&waker)) } {
                Progress::Pending => {}
                // SAFETY: the result is there, and was not before.
                Progress::Done => unsafe { self.complete(task) },
                Progress::Root => {
                    *polls = left;
                    return Stop::Root;
                }
            }
        }
        Stop::Turn
    }

    /// Looks at the event queue, at the timers, and at what comes from other threads; parks before, if it may. Gives the
    /// number of polls until the next turn.
    ///
    /// # Panics
    /// With the first panic of a waker, after all have been called.
    #[cold]
    fn turn(&self, may_block: bool) -> u32 {
        let is_asked = self.dumps.is_asked();
        if is_asked {
            // SAFETY: the owner runs this.
            unsafe { self.answer() };
        }
        let may_park = may_block && !is_asked;
        if may_park {
            self.counts.parks.add(1);
        }
        if may_block || self.driver.has_work() {
            if !may_block {
                self.adapt();
            }
            let mut events = self.local.events.borrow_mut();
            events.as_mut().expect("the runtime is there").turn(may_park);
        }
        if may_block || self.remote.has_entries() {
            self.drain();
        }
        if is_asked { FEWEST_POLLS_PER_TURN } else { self.local.polls_per_turn.get() }
    }

    /// Has the looks at events follow each other after 25 to 100 µs, however long polls take.
    fn adapt(&self) {
        let now = Instant::now();
        let since = now.saturating_duration_since(self.local.last_look.replace(now));
        let polls = self.local.polls_per_turn.get();
        if since < SOON {
            self.local.polls_per_turn.set((polls * 2).min(MOST_POLLS_PER_TURN));
        } else if since > LATE {
            self.local.polls_per_turn.set((polls / 2).max(FEWEST_POLLS_PER_TURN));
        }
    }

    /// Takes what other threads have woken and spawned.
    fn drain(&self) {
        for link in self.remote.take() {
            let task = Task::of_link(link);
            // SAFETY: the queue's reference keeps the task until it is given up below.
            let this = unsafe { &*task };
            this.link.heard();
            let flags = this.common().flags.get();
            if flags & (LINKED | COMPLETE) == 0 {
                // SAFETY: it is new, has a reference for the executor, and says that it is scheduled already.
                unsafe {
                    self.local.link(task);
                    self.local.push(task);
                }
                self.counts.linked.add(1);
            } else if flags & (SCHEDULED | COMPLETE) == 0 {
                this.common().flags.set(flags | SCHEDULED);
                // SAFETY: it is not complete, and was not scheduled.
                unsafe { self.local.push(task) };
            }
            // SAFETY: the queue's reference, which is not used again.
            unsafe { Task::release(task) };
        }
    }

    /// Cancels every task, each once. They may spawn, wake and abort while they are dropped; what they spawn is
    /// cancelled, too.
    ///
    /// # Safety
    /// By the owner, which has entered the executor.
    pub(crate) unsafe fn close(self: &Arc<Self>) {
        member::empty_stock(self);
        self.local.is_closed.set(true);
        loop {
            let task = self.local.tasks.get();
            if task.is_null() {
                break;
            }
            // SAFETY: the caller is the owner. What is in the list is not complete.
            unsafe { self.cancel(task) };
        }
        for link in self.remote.close() {
            let task = Task::of_link(link);
            // SAFETY: the queue's reference keeps the task until it is given up. One that was spawned from elsewhere
            // and never seen is cancelled; all others are complete.
            unsafe {
                if !(*task).has(LINKED | COMPLETE) {
                    self.cancel_unseen(task);
                }
                Task::release(task);
            }
        }
        // Last: what is cancelled may wake itself, also one of those that were never seen.
        loop {
            let task = self.local.pop();
            if task.is_null() {
                break;
            }
            // SAFETY: all tasks are complete now; this one is in no queue any more.
            unsafe { Self::merge(task) };
        }
        self.dumps.close();
        // The event queue's descriptors are closed now, whoever keeps a waker.
        drop(self.local.events.take());
    }
}

/// The task of one `block_on`, which has no future of its own: complete when that returns or unwinds, so that late
/// wakes find it gone.
struct Root<'a> {
    shared: &'a Shared,
    task: *const Task,
}

impl<'a> Root<'a> {
    fn new(shared: &'a Arc<Shared>) -> Self {
        let task = Task::allocate(
            Member::of(shared),
            ready(()),
            From::Owner,
            Origin::at(Location::caller()).of_kind("block_on"),
        );
        // SAFETY: a reference that nobody else gives up; the handle goes away at once.
        drop(unsafe { JoinHandle::<()>::new(Task::reference(task)) });
        // SAFETY: by `block_on`, and so by the owner, who has entered the executor; the executor's reference keeps it.
        unsafe {
            (*task).common().make_root();
            shared.local.link(task);
            shared.local.push(task);
        }
        shared.counts.roots.add(1);
        Root { shared, task }
    }
}

impl Drop for Root<'_> {
    fn drop(&mut self) {
        // SAFETY: `block_on` is called by the owner, and the task was not completed before.
        unsafe { self.shared.cancel(self.task) }
    }
}

//! A worker: a thread that runs tasks, and steals them when it has none.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicPtr, AtomicU32};
use std::task::Context;

use crate::budget;
use crate::context;
use crate::driver::Driver;
use crate::multi::Shared;
use crate::multi::queue::Local;
use crate::multi::slot::Slot;
use crate::multi::stock;
use crate::multi::task::Task;
use crate::sight::WorkerMetrics;
use crate::sight::count::Count;
use crate::sync::{Mutex, lock, thread_local};
use crate::task::cell::{self, Progress, quietly};
use crate::task::counter::Suspend;

/// Every so many polls a worker looks at what comes from outside: the injector, events, the end. (A number that is no
/// divisor of usual batches, as in tokio.)
const TICKS: u32 = 61;

/// So many tasks in a row may come from the slot, before those in the queue have their turn.
const SLOT_IN_A_ROW: u32 = 3;

thread_local! {
    /// The worker that this thread is.
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// What a worker's thread has.
pub(super) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    queue: Local,
    slot_in_a_row: Cell<u32>,
    is_searching: Cell<bool>,
    /// It turns the driver, and looks at the sleepers when that is done.
    is_in_driver: Cell<bool>,
    shown: Shown,
}

/// What a worker shows to other threads: it alone writes it, but for the slot.
struct Shown {
    /// The task that is polled, or was polled last.
    running: AtomicPtr<Task>,
    slot: Slot<Task>,
    counts: Counts,
}

/// What a worker counts.
#[derive(Default)]
struct Counts {
    /// Rounds of its loop, of which each has one poll, or is idle: so many of [`TICKS`] are left until the next look
    /// outside; and how many such looks there were.
    left: AtomicU32,
    looks: Count,
    idle_ticks: Count,
    slot_polls: Count,
    steals: Count,
    #[cfg(feature = "metrics")]
    wake_to_poll: crate::sight::histogram::Counts,
}

impl Counts {
    /// A round. Whether it is time to look outside.
    #[inline(always)]
    fn tick(&self) -> bool {
        let left = self.left.load(Relaxed).wrapping_sub(1);
        self.left.store(left, Relaxed);
        left == 0
    }

    fn look(&self) {
        self.left.store(TICKS, Relaxed);
        self.looks.add(1);
    }

    fn rounds(&self) -> u64 {
        let since_look = TICKS.saturating_sub(self.left.load(Relaxed));
        self.looks.get() * u64::from(TICKS) + u64::from(since_look)
    }

    fn get(&self) -> WorkerMetrics {
        WorkerMetrics {
            polls: self.rounds().saturating_sub(self.idle_ticks.get()),
            slot_polls: self.slot_polls.get(),
            steals: self.steals.get(),
            #[cfg(feature = "metrics")]
            wake_to_poll: self.wake_to_poll.get(),
            ..WorkerMetrics::default()
        }
    }
}

/// Where a worker's [`Shown`] is, which is part of its `Worker`: one place less to go to at each poll than if it were
/// elsewhere. Null while the worker does not run.
pub(super) struct Seen(Mutex<Place>);

struct Place {
    shown: *const Shown,
    /// What the worker has counted, once it has ended.
    ended: WorkerMetrics,
}

// SAFETY: what the pointer leads to is shared by threads, as `Shown` may be, and only with the lock.
unsafe impl Send for Seen {}
// SAFETY: what the pointer leads to is shared by threads, as `Shown` may be, and only with the lock.
unsafe impl Sync for Seen {}

impl Seen {
    pub(super) fn new() -> Self {
        Seen(Mutex::new(Place { shown: ptr::null(), ended: WorkerMetrics::default() }))
    }

    /// The task that the worker polls, or has polled last.
    pub(super) fn running(&self) -> *const Task {
        let place = lock(&self.0);
        // SAFETY: the worker takes the pointer back, with the lock, before its memory ends.
        let running = unsafe { place.shown.as_ref() }.map(|shown| shown.running.load(Relaxed));
        running.unwrap_or(ptr::null_mut())
    }

    /// Calls `f` with the worker's slot if the worker is in a poll, and was in the same one at the last look, when
    /// it had done so many `rounds`. Whether it is. The worker does not end meanwhile.
    pub(super) fn look_if_kept(&self, rounds: &mut u64, f: impl FnOnce(&Slot<Task>)) -> bool {
        let place = lock(&self.0);
        // SAFETY: the worker takes the pointer back, with the lock, before its memory ends.
        let Some(shown) = (unsafe { place.shown.as_ref() }) else { return false };
        let before = std::mem::replace(rounds, shown.counts.rounds());
        let is_kept = before == *rounds && !shown.running.load(Relaxed).is_null();
        if is_kept {
            f(&shown.slot);
        }
        is_kept
    }

    /// What the worker has counted.
    pub(super) fn counts(&self) -> WorkerMetrics {
        let place = lock(&self.0);
        // SAFETY: the worker takes the pointer back, with the lock, before its memory ends.
        let counts = unsafe { place.shown.as_ref() }.map(|shown| shown.counts.get());
        counts.unwrap_or_else(|| place.ended.clone())
    }
}

/// Calls `f` with the worker that this thread is, if it is one.
#[inline(always)]
pub(super) fn with_worker<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    // SAFETY: `run` has set the pointer to a local of its own, and takes it back before it returns.
    f(unsafe { WORKER.get().as_ref() })
}

/// Whether this thread is a worker of that executor.
#[inline(always)]
pub(super) fn is_worker_of(shared: &Shared) -> bool {
    with_worker(|worker| worker.is_some_and(|worker| ptr::eq(&*worker.shared, shared)))
}

/// The body of a worker's thread.
pub(super) fn run(shared: Arc<Shared>, number: usize, queue: Local) {
    let _context = context::enter(&shared.driver_handle);
    let worker = Worker {
        number,
        shared,
        queue,
        slot_in_a_row: Cell::new(0),
        is_searching: Cell::new(false),
        is_in_driver: Cell::new(false),
        shown: Shown {
            running: AtomicPtr::default(),
            slot: Slot::new(),
            counts: Counts::default(),
        },
    };
    worker.shown.counts.left.store(TICKS, Relaxed);
    let seen = &worker.shared.seen[number];
    lock(&seen.0).shown = &raw const worker.shown;
    let _ = stock::open(&worker.shared);
    WORKER.set(&raw const worker);
    // One for many polls: it costs some instructions.
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| worker.run())) {
        let task = worker.shown.running.load(Relaxed);
        // SAFETY: only a poll panics in `run`: that of the running task, which this worker runs, and is not complete.
        unsafe {
            ((*task).common().vtable.fail)(task.cast(), payload);
            Shared::complete(task);
        }
    }
    let ended = worker.shown.counts.get();
    *lock(&seen.0) = Place { shown: ptr::null(), ended };
    worker.shared.worker_ends();
    WORKER.set(ptr::null());
    stock::close(&worker.shared);
}

impl Worker {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Queues a task that was woken on this thread.
    #[inline(always)]
    pub(super) fn schedule(&self, task: *const Task) {
        let task =
            if self.slot_in_a_row.get() < SLOT_IN_A_ROW { self.shown.slot.put(task) } else { task };
        if !task.is_null() {
            self.push(task);
        }
    }

    #[inline(always)]
    fn push(&self, task: *const Task) {
        self.queue.push(task);
        // One wake-up for all that a turn of the driver wakes, not one in its midst for the first of them: see `run`.
        if !self.is_in_driver.get() {
            self.notify();
        }
    }

    /// Wakes another worker, if there is something for one to do: not for the one task that this worker runs next, in
    /// the slot or the queue. (If the poll that is under way keeps the worker from it, the watch sees that.)
    #[inline(always)]
    fn notify(&self) {
        let waiting = self.queue.len() + usize::from(!self.shown.slot.is_empty());
        if waiting > 1 {
            self.shared.unpark(self.shared.idle.notify());
        }
    }

    /// A turn of the driver. A waker that panics is foreign code's; the hook has reported it, and all others were called.
    fn turn(&self, driver: &mut Option<Driver>, may_block: bool) {
        self.is_in_driver.set(true);
        quietly(|| driver.iter_mut().for_each(|driver| driver.turn(may_block)));
        self.is_in_driver.set(false);
    }

    /// Runs tasks until the runtime goes away.
    fn run(&self) {
        loop {
            if self.shown.counts.tick() && !self.look_outside() {
                return;
            }
            let Some(task) = self.next() else {
                if self.search_or_sleep() {
                    continue;
                }
                return;
            };
            if self.is_searching.replace(false) {
                // In any queue: another worker that searched, and has stopped before, may have left something in its
                // own, and may run a task now that blocks.
                let has_more = self.shared.has_work();
                self.shared.unpark(self.shared.idle.stop_search(has_more));
            }
            // SAFETY: it was taken out of a queue by this worker.
            unsafe { self.run_task(task) };
            // What the look at the sleepers of a push may have missed.
            self.notify();
        }
    }

    /// The next task of this worker's own.
    #[inline(always)]
    fn next(&self) -> Option<*const Task> {
        let task = self.shown.slot.take();
        if !task.is_null() {
            self.slot_in_a_row.set(self.slot_in_a_row.get() + 1);
            self.shown.counts.slot_polls.add(1);
            return Some(task);
        }
        self.slot_in_a_row.set(0);
        self.queue.pop()
    }

    /// Looks at what comes from outside. False if the runtime goes away.
    #[cold]
    fn look_outside(&self) -> bool {
        self.shown.running.store(ptr::null_mut(), Relaxed);
        self.shown.counts.look();
        if self.shared.is_stopping.load(Acquire) {
            return false;
        }
        if self.shared.driver_handle.has_work() {
            if let Ok(mut driver) = self.shared.driver.try_lock() {
                self.turn(&mut driver, false);
            }
        }
        if let Some(task) = self.steal_injected() {
            self.queue.push(task);
        }
        self.notify();
        true
    }

    fn steal_injected(&self) -> Option<*const Task> {
        if self.shared.injector.is_empty() { None } else { self.shared.injector.steal(&self.queue) }
    }

    /// A task of somebody else's.
    fn steal(&self) -> Option<*const Task> {
        let stealers = &self.shared.stealers;
        self.steal_injected().or_else(|| {
            (1..stealers.len())
                .map(|offset| &stealers[(self.number + offset) % stealers.len()])
                .find_map(|stealer| stealer.steal(&self.queue))
                .inspect(|_| self.shown.counts.steals.add(1))
        })
    }

    /// Finds work for the queue, or sleeps. False if the runtime goes away.
    #[cold]
    fn search_or_sleep(&self) -> bool {
        self.shown.running.store(ptr::null_mut(), Relaxed);
        self.shown.counts.idle_ticks.add(1);
        let idle = &self.shared.idle;
        if !self.is_searching.replace(true) {
            idle.start_search();
        }
        if let Some(task) = self.steal() {
            self.queue.push(task);
            return true;
        }
        idle.give_up(self.number);
        if !self.shared.has_work() {
            self.shared.parkers[self.number]
                .park(&self.shared.driver, |driver| self.turn(driver, true));
        }
        // If this is not the one to take the worker out of the sleepers, it was woken: and is counted as one that
        // searches.
        let _ = idle.look_again(self.number);
        if idle.needs_watch() {
            self.shared.start_watch();
        }
        if self.shared.is_stopping.load(Acquire) {
            self.is_searching.set(false);
            self.shared.unpark(idle.stop_search(false));
            return false;
        }
        true
    }

    /// Runs a task once.
    ///
    /// # Safety
    /// It was taken out of a queue, and was not run since.
    #[inline(always)]
    unsafe fn run_task(&self, task: *const Task) {
        // SAFETY: the executor's reference keeps the task until it is complete.
        let this = unsafe { &*task };
        // SAFETY: this worker runs the task.
        let seen = this.counter.start(|| unsafe { self.shared.answer(task) });
        self.shown.running.store(task.cast_mut(), Relaxed);
        if this.common().join.is_aborted() {
            // SAFETY: this worker runs the task, which is not complete.
            return unsafe { Shared::cancel(task) };
        }
        #[cfg(feature = "metrics")]
        self.shown.counts.wake_to_poll.add(this.common().woken.elapsed());
        budget::reset();
        // SAFETY: the waker owns no reference: it is not dropped, and lent while the executor has one.
        let waker = ManuallyDrop::new(unsafe { Task::waker(task) });
        // SAFETY: this worker runs the task, in which a future is, since it is not complete.
        match unsafe { cell::run::<Task>(task.cast(), &mut Context::from_waker(&waker)) } {
            Progress::Pending => {
                if this.counter.suspend(seen) == Suspend::Reschedule {
                    #[cfg(feature = "metrics")]
                    this.common().woken.set();
                    // To the back, not to the slot: it has had its turn.
                    self.push(task);
                }
            }
            // SAFETY: the result is there, and was not before.
            Progress::Done => unsafe { Shared::complete(task) },
            Progress::Root => unreachable!("`block_on` has no task here"),
        }
    }
}

//! The end of a runtime of several threads (`reactor/src/multi/life.rs`, `list.rs`), while threads spawn and wake tasks
//! and workers sleep.
//!
//! Lists, counts of wakes and references, the join's state, sleep and life are the real ones. The queue is a stand-in,
//! and a push unparks all workers. A worker that sleeps for ever is a deadlock, which loom reports.

use std::sync::Arc;
use std::time::Duration;

use loom_tests::event_queue::EventQueue;
use loom_tests::memory::Memory;
use loom_tests::reactor_protocols::counter::{Counter, Suspend, Wake};
use loom_tests::reactor_protocols::join_state::{Ended, JoinState};
use loom_tests::reactor_protocols::life::Life;
use loom_tests::reactor_protocols::list::{Linked, Links, List};
use loom_tests::reactor_protocols::parker::Parker;
use loom_tests::rt::{
    AtomicUsize, Mutex, Ordering::Relaxed, UnsafeCell, next_waits_are_endless, thread,
};

/// A task with a handle.
struct Task {
    links: Links<Task>,
    counter: Counter,
    join: JoinState,
    /// Set before a wake: the poll that finds it is the last.
    is_told: AtomicUsize,
    content: UnsafeCell<Content>,
    memory: Memory,
}

/// Of who runs the task, and then of the handle.
#[derive(Default)]
struct Content {
    polls: usize,
    finished: usize,
    cancelled: usize,
}

// SAFETY: a task's parts have one owner at a time: that is what is checked.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

// SAFETY: the field is the links.
unsafe impl Linked for Task {
    fn links(&self) -> &Links<Task> {
        self.is_used();
        &self.links
    }
}

impl Task {
    /// With the executor's reference and the handle's.
    fn new() -> Arc<Self> {
        Arc::new(Task {
            links: Links::of(0),
            counter: Counter::scheduled(2),
            join: JoinState::new(),
            is_told: AtomicUsize::new(0),
            content: UnsafeCell::new(Content::default()),
            memory: Memory::new(),
        })
    }

    fn is_used(&self) {
        self.memory.is_used();
    }

    fn with_content<R>(&self, f: impl FnOnce(&mut Content) -> R) -> R {
        self.is_used();
        // SAFETY: by the owner of the content.
        self.content.with_mut(|content| f(unsafe { &mut *content }))
    }

    fn free(&self) {
        self.memory.free();
    }

    fn release(&self) {
        self.is_used();
        if self.counter.release() {
            self.free();
        }
    }

    /// The handle finds the end, and goes away: whether the task has finished.
    fn joined(&self) -> bool {
        assert_eq!(self.join.ended(), Ended::Yes, "a task is lost");
        let is_finished = self.with_content(|content| {
            assert_eq!(content.finished + content.cancelled, 1);
            content.finished == 1
        });
        assert!(self.join.drop_handle().drop_result);
        self.release();
        assert!(self.memory.is_freed(), "a task is leaked");
        is_finished
    }
}

/// An executor, with one flaw, or none (0).
struct Machine<const FLAW: u8> {
    life: Life,
    list: List<Task>,
    queue: Mutex<Vec<*const Task>>,
    parkers: Vec<Parker>,
    driver: Mutex<()>,
    events: EventQueue,
    /// The count of a flaw.
    alive: AtomicUsize,
}

/// The list's refusal is not heeded.
const SPAWNS_IN_ANY_CASE: u8 = 1;
/// A wake gives its reference up in the same step, on a thread that is no worker.
const WAKES_AND_RELEASES: u8 = 2;
/// A worker unparks the others before it says why.
const UNPARKS_FIRST: u8 = 3;
/// Workers are counted without an order.
const COUNTS_RELAXED: u8 = 4;
/// The last worker says that it is over, and then cancels.
const OVER_TOO_EARLY: u8 = 5;
/// A worker takes a task, says that it has ended, and runs the task.
const ENDS_TOO_EARLY: u8 = 6;

// SAFETY: what a pointer in the queue leads to is used by who takes it out.
unsafe impl<const FLAW: u8> Send for Machine<FLAW> {}
// SAFETY: as above.
unsafe impl<const FLAW: u8> Sync for Machine<FLAW> {}

impl<const FLAW: u8> Machine<FLAW> {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Machine {
            life: Life::new(workers),
            list: List::new(),
            queue: Mutex::new(Vec::new()),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
            driver: Mutex::new(()),
            events: EventQueue::new(),
            alive: AtomicUsize::new(workers),
        })
    }

    fn start_worker(self: &Arc<Self>, worker: usize) -> thread::JoinHandle<()> {
        let machine = self.clone();
        thread::spawn(move || machine.work(worker))
    }

    fn is_empty(&self) {
        assert_eq!(self.list.counts().1, 0, "a task is counted still");
    }

    fn unpark_all(&self) {
        for parker in &self.parkers {
            parker.unpark(|| self.events.unpark());
        }
    }

    /// As `Shared::spawn`.
    fn spawn(&self, task: &Arc<Task>) {
        // SAFETY: the task is new, and the scenario keeps it.
        let is_linked = unsafe { self.list.link(Arc::as_ptr(task)) };
        if is_linked || FLAW == SPAWNS_IN_ANY_CASE {
            self.schedule(task);
        } else {
            self.cancel(task);
        }
    }

    fn schedule(&self, task: &Task) {
        task.is_used();
        self.queue.lock().unwrap().push(task);
        self.unpark_all();
    }

    /// As the waker's `wake`, on a thread that is no worker.
    fn wake(&self, task: &Task) {
        task.is_told.store(1, Relaxed);
        let woken = if FLAW == WAKES_AND_RELEASES {
            task.counter.wake()
        } else {
            task.counter.wake_by_ref()
        };
        match woken {
            Wake::Schedule => self.schedule(task),
            Wake::Nothing => {}
            Wake::Free => task.free(),
        }
        if FLAW != WAKES_AND_RELEASES {
            task.release();
        }
    }

    fn cancel(&self, task: &Task) {
        task.with_content(|content| content.cancelled += 1);
        self.complete(task);
    }

    /// As `Shared::complete`.
    fn complete(&self, task: &Task) {
        // SAFETY: by who runs the task.
        unsafe { self.list.unlink(task) };
        let _ = task.join.complete();
        task.is_used();
        if task.counter.complete() {
            task.free();
        }
    }

    /// As `Shared::stop`.
    fn stop(&self) {
        if FLAW == UNPARKS_FIRST {
            self.unpark_all();
        }
        self.life.stop();
        if FLAW != UNPARKS_FIRST {
            self.unpark_all();
        }
    }

    fn take(&self) -> Option<*const Task> {
        self.queue.lock().unwrap().pop()
    }

    /// As `worker::run`.
    fn work(&self, worker: usize) {
        while !self.life.is_stopping() {
            if let Some(task) = self.take() {
                // SAFETY: a task in a queue is kept by the executor's reference, and no worker has ended before this.
                self.run(unsafe { &*task });
            } else if !self.life.is_stopping() {
                self.parkers[worker].park(&self.driver, |()| self.events.turn());
            }
        }
        let last = if FLAW == ENDS_TOO_EARLY { self.take() } else { None };
        let is_last = if FLAW == COUNTS_RELAXED {
            self.alive.fetch_sub(1, Relaxed) == 1
        } else {
            self.life.worker_ends()
        };
        // SAFETY: the scenario keeps it.
        last.inspect(|&task| self.run(unsafe { &*task }));
        if is_last {
            if FLAW == OVER_TOO_EARLY {
                self.life.set_over();
            }
            self.close();
            self.life.set_over();
        }
    }

    /// As `Worker::run_task`.
    fn run(&self, task: &Task) {
        let seen = task.counter.start(|| unreachable!("nobody asks for a look"));
        let is_told = task.is_told.load(Relaxed) == 1;
        task.with_content(|content| {
            content.polls += 1;
            content.finished += usize::from(is_told);
        });
        if is_told {
            self.complete(task);
        } else if task.counter.suspend(seen) == Suspend::Reschedule {
            self.queue.lock().unwrap().push(task);
        }
    }

    /// As `Shared::close`.
    fn close(&self) {
        while let Some(task) = self.list.pop() {
            // SAFETY: the executor's reference keeps what was in the list.
            self.cancel(unsafe { &*task });
        }
    }
}

/// "Spawn meets end": the task is cancelled by the last worker, or by the thread that spawns it, while that worker cancels
/// others.
fn spawn_meets_end<const FLAW: u8>() {
    let machine = Machine::<FLAW>::new(1);
    let (task, others) = (Task::new(), [Task::new(), Task::new()]);
    others.iter().for_each(|other| machine.spawn(other));
    let worker = machine.start_worker(0);
    let spawns = thread::spawn({
        let (machine, task) = (machine.clone(), task.clone());
        move || machine.spawn(&task)
    });
    machine.stop();
    worker.join().unwrap();
    spawns.join().unwrap();
    assert!(!task.joined());
    assert!(others.iter().all(|other| !other.joined()));
    machine.is_empty();
}

/// "Wake meets end": a task that may have run is woken, by the last waker, which goes. It finishes, or is cancelled.
fn wake_meets_end<const FLAW: u8>() {
    let machine = Machine::<FLAW>::new(1);
    let task = Task::new();
    task.counter.clone_reference();
    machine.spawn(&task);
    let worker = machine.start_worker(0);
    let wakes = thread::spawn({
        let (machine, task) = (machine.clone(), task.clone());
        move || machine.wake(&task)
    });
    machine.stop();
    worker.join().unwrap();
    wakes.join().unwrap();
    task.joined();
    machine.is_empty();
}

/// The same of a task that nobody awaits: the wake may be the last to use it.
fn wake_meets_end_unawaited<const FLAW: u8>() {
    let machine = Machine::<FLAW>::new(1);
    let task = Task::new();
    task.counter.clone_reference();
    machine.spawn(&task);
    assert!(!task.join.drop_handle().drop_result);
    task.release();
    let worker = machine.start_worker(0);
    machine.stop();
    machine.wake(&task);
    worker.join().unwrap();
    assert!(task.memory.is_freed(), "a task is leaked");
    machine.is_empty();
}

/// "Workers end": one may have run the task, and the other one cancels it. Who waits for the end finds that done.
fn workers_end<const FLAW: u8>() {
    let machine = Machine::<FLAW>::new(2);
    let task = Task::new();
    machine.spawn(&task);
    let workers = [0, 1].map(|worker| machine.start_worker(worker));
    machine.stop();
    for worker in workers {
        worker.join().unwrap();
    }
    assert!(!task.joined());
    machine.is_empty();
}

/// "Join meets end": the handle is on another thread, and may find the end at any time.
fn join_meets_end<const FLAW: u8>() {
    let machine = Machine::<FLAW>::new(1);
    let task = Task::new();
    machine.spawn(&task);
    let worker = machine.start_worker(0);
    let joins = thread::spawn({
        let task = task.clone();
        move || {
            (task.join.ended() == Ended::Yes)
                .then(|| task.with_content(|content| assert_eq!(content.cancelled, 1)))
        }
    });
    machine.stop();
    worker.join().unwrap();
    joins.join().unwrap();
    assert!(!task.joined());
}

/// "Wait meets end": who finds the end over finds the tasks cancelled; and what it spawns is cancelled where it is.
fn wait_meets_end<const FLAW: u8>() {
    next_waits_are_endless(1);
    let machine = Machine::<FLAW>::new(1);
    let (task, late) = (Task::new(), Task::new());
    machine.spawn(&task);
    let worker = machine.start_worker(0);
    machine.stop();
    assert!(machine.life.wait(Duration::from_secs(60)));
    assert!(!task.joined());
    machine.spawn(&late);
    assert!(!late.joined());
    worker.join().unwrap();
    machine.is_empty();
}

loom_tests::models! {
    of [0]:
    spawn_meets_end
    wake_meets_end
    wake_meets_end_unawaited
    workers_end
    join_meets_end
    wait_meets_end
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::{every_flaw_is_found, weakened_in_reactor as weakened};

    fn unawaited(site: &'static str) {
        weakened(site, wake_meets_end_unawaited::<0>);
    }

    every_flaw_is_found! {
        "spawns in any case" => spawn_meets_end::<SPAWNS_IN_ANY_CASE>, says "a task is lost";
        "wakes and releases" => wake_meets_end_unawaited::<WAKES_AND_RELEASES>, says "Causality violation";
        "unparks first" => spawn_meets_end::<UNPARKS_FIRST>, says "deadlock";
        "counts relaxed" => workers_end::<COUNTS_RELAXED>, says "Causality violation";
        "over too early" => wait_meets_end::<OVER_TOO_EARLY>, says "a task is ";
        "counter/complete" => || unawaited("counter/complete"), says "Causality violation";
        "counter/complete-last" => || unawaited("counter/complete-last"), says "Causality violation";
        "counter/last" => || unawaited("counter/last"), says "Causality violation";
        "counter/none-left" => || unawaited("counter/none-left"), says "Causality violation";
        "counter/release" => || unawaited("counter/release"), says "Causality violation";
        "join/complete" => || weakened("join/complete", join_meets_end::<0>), says "Causality violation";
        "join/ended" => || weakened("join/ended", join_meets_end::<0>), says "Causality violation";
        "ends too early" => workers_end::<ENDS_TOO_EARLY>, says "Causality violation";
    }
}

//! The state of a task of the multi-thread executor (`reactor/src/task/counter.rs`).

use loom_tests::reactor_protocols::counter::{Counter, Suspend, Wake};
use loom_tests::rt::Ordering::{Acquire, Relaxed, Release};
use loom_tests::rt::{Arc, AtomicUsize, UnsafeCell, thread};

/// A task, and the queue of a machine with several workers, which orders a push before the run that it leads to, as
/// real ones do. All else is relaxed, so that only the protocol orders.
struct Task {
    counter: Counter,
    /// How often it is in the queue: not more than once.
    queued: AtomicUsize,
    /// What each waker has to say: set before it wakes, read by the poll.
    said: [AtomicUsize; 2],
    /// The future: what its last poll heard.
    future: UnsafeCell<[usize; 2]>,
    /// What each holder of a reference has done.
    written: [UnsafeCell<usize>; 3],
    freed: AtomicUsize,
    looks: AtomicUsize,
}

// SAFETY: the cells are accessed as the protocol under test says; loom's checks tell whether that is one thread at a
// time.
unsafe impl Sync for Task {}

impl Task {
    /// A task that waits, with the executor's reference and so many others.
    fn idle(others: u32) -> Arc<Self> {
        let task = Task {
            counter: Counter::scheduled(1 + others),
            queued: AtomicUsize::new(1),
            said: [AtomicUsize::new(0), AtomicUsize::new(0)],
            future: UnsafeCell::new([0; 2]),
            written: [UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)],
            freed: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        };
        assert_eq!(task.run_if_queued(), Some(Suspend::Idle));
        Arc::new(task)
    }

    fn push(&self) {
        assert_eq!(self.queued.fetch_add(1, Release), 0, "queued twice");
    }

    fn say(&self, waker: usize) {
        self.said[waker].store(1, Relaxed);
    }

    fn wake_by_ref(&self, waker: usize) {
        self.say(waker);
        if self.counter.wake_by_ref() == Wake::Schedule {
            self.push();
        }
    }

    /// A worker takes it out of the queue and runs it, if it is there.
    fn run_if_queued(&self) -> Option<Suspend> {
        if self.queued.compare_exchange(1, 0, Acquire, Relaxed).is_err() {
            return None;
        }
        let seen = self.counter.start(|| self.look());
        self.poll();
        let suspend = self.counter.suspend(seen);
        if suspend == Suspend::Reschedule {
            self.push();
        }
        Some(suspend)
    }

    fn poll(&self) {
        let said = [0, 1].map(|waker| self.said[waker].load(Relaxed));
        // SAFETY: by who runs the task.
        self.future.with_mut(|future| unsafe { *future = said });
    }

    /// By who runs the task, or looks at it.
    fn look(&self) {
        // SAFETY: nobody polls it meanwhile.
        self.future.with(|future| std::hint::black_box(unsafe { *future }));
        self.looks.fetch_add(1, Relaxed);
    }

    /// A thread looks at the task, or asks for a look. Whether it has asked.
    fn look_or_ask(&self) -> bool {
        loop {
            if let Some(seen) = self.counter.try_look() {
                self.look();
                if self.counter.suspend(seen) == Suspend::Reschedule {
                    self.push();
                }
                return false;
            }
            if self.counter.ask_for_look() {
                return true;
            }
            thread::yield_now();
        }
    }

    /// All wakers have spoken: what is queued runs, and then it has heard them.
    fn all_is_heard(&self) {
        while self.run_if_queued().is_some() {}
        // SAFETY: nobody runs it.
        self.future.with_mut(|future| assert_eq!(unsafe { *future }, [1, 1], "a wake is lost"));
    }

    fn write(&self, holder: usize) {
        // SAFETY: each holder has a cell of its own.
        self.written[holder].with_mut(|written| unsafe { *written = 1 });
    }

    fn free_if(&self, is_last: bool) {
        if is_last {
            for written in &self.written {
                // SAFETY: nobody else has a reference.
                written.with_mut(|written| unsafe { *written = 2 });
            }
            assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice");
        }
    }

    fn release(&self, holder: usize) {
        self.write(holder);
        self.free_if(self.counter.release());
    }

    fn wake(&self, holder: usize) {
        self.write(holder);
        match self.counter.wake() {
            Wake::Nothing => {}
            Wake::Schedule => self.push(),
            Wake::Free => self.free_if(true),
        }
    }
}

/// "Wake during run", "wake meets suspend", "coalesced wake": two wakers, and two workers that run what is queued.
fn wakes_meet_runs() {
    let task = Task::idle(0);
    let others = [0, 1].map(|waker| {
        let task = task.clone();
        thread::spawn(move || {
            task.wake_by_ref(waker);
            task.run_if_queued();
        })
    });
    task.run_if_queued();
    for other in others {
        other.join().unwrap();
    }
    task.all_is_heard();
}

/// "Runs follow each other": a second wake has the task run by another worker than the one that suspends it.
fn a_run_meets_the_next() {
    let task = Task::idle(0);
    task.wake_by_ref(0);
    let other = thread::spawn({
        let task = task.clone();
        move || {
            task.wake_by_ref(1);
            task.run_if_queued();
        }
    });
    task.run_if_queued();
    other.join().unwrap();
    task.all_is_heard();
}

/// "Wake meets complete": a wake of a task whose last run ends is told nothing, and it is freed by the last one.
fn wake_meets_complete() {
    let task = Task::idle(2);
    task.wake_by_ref(0);
    let others = [1, 2].map(|holder| {
        let task = task.clone();
        thread::spawn(move || if holder == 1 { task.wake(1) } else { task.release(2) })
    });
    assert_eq!(task.queued.swap(0, Relaxed), 1);
    let _seen = task.counter.start(|| unreachable!("nobody asked for a look"));
    task.poll();
    task.write(0);
    task.free_if(task.counter.complete());
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(task.freed.load(Relaxed), 1);
    assert_eq!(task.queued.load(Relaxed), 0);
}

/// "Look meets wake", "look meets run": a thread looks while another wakes the task and runs it. It is looked at once, and
/// never while it runs.
fn a_look_meets_wakes() {
    let task = Task::idle(0);
    let other = thread::spawn({
        let task = task.clone();
        move || {
            task.wake_by_ref(0);
            task.run_if_queued();
            task.wake_by_ref(1);
        }
    });
    task.look_or_ask();
    task.run_if_queued();
    other.join().unwrap();
    task.all_is_heard();
    assert_eq!(task.looks.load(Relaxed), 1);
}

/// "Look is given up": the thread that has asked takes it back while the task is started; one of them finds it.
fn a_look_is_given_up() {
    let task = Task::idle(0);
    task.wake_by_ref(0);
    let other = thread::spawn({
        let task = task.clone();
        move || {
            task.run_if_queued();
            task.wake_by_ref(1);
        }
    });
    let is_given_up = task.look_or_ask() && task.counter.give_up_look();
    other.join().unwrap();
    task.all_is_heard();
    assert_eq!(task.looks.load(Relaxed) == 0, is_given_up);
}

/// "Wake meets a start with one wake": what is said while a start takes all wakes away is heard by its run.
fn a_wake_meets_a_look_that_starts() {
    let task = Task::idle(0);
    task.wake_by_ref(0);
    assert!(task.counter.ask_for_look());
    let other = thread::spawn({
        let task = task.clone();
        move || task.wake_by_ref(1)
    });
    task.run_if_queued();
    other.join().unwrap();
    task.all_is_heard();
    assert_eq!(task.looks.load(Relaxed), 1);
}

loom_tests::models! {
    wakes_meet_runs
    a_run_meets_the_next
    wake_meets_complete
    a_look_meets_wakes
    a_look_is_given_up
    a_wake_meets_a_look_that_starts
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../reactor/src/task/counter.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "Causality violation" or "a wake is lost",
        "counter/complete" => wake_meets_complete,
        "counter/complete-last" => wake_meets_complete,
        "counter/last" => wake_meets_complete,
        "counter/look" => a_look_meets_wakes,
        "counter/none-left" => wake_meets_complete,
        "counter/release" => wake_meets_complete,
        "counter/start" => a_run_meets_the_next,
        "counter/start-again" => a_wake_meets_a_look_that_starts,
        "counter/suspend" => a_run_meets_the_next,
        "counter/wake" => wakes_meet_runs,
        "counter/wake-last" => wake_meets_complete,
        "counter/wake-own" => wake_meets_complete,
    }
}

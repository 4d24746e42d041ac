//! Which workers sleep, and who wakes one (`reactor/src/multi/idle.rs`).
//!
//! The queues are a stand-in: a counter of tasks for each, by relaxed operations, so that only the protocol orders.
//! What the real ones (`crossbeam-deque`) do is tested on real threads, by the tests of `reactor`.

use loom_tests::reactor_protocols::idle::Idle;
use loom_tests::rt::{Arc, AtomicBool, AtomicUsize, Ordering::Relaxed, thread};

/// Two workers, and the ends of a queue from which all take.
struct Machine<P> {
    idle: P,
    queue: AtomicUsize,
    ran: AtomicUsize,
    /// Of each worker: it was unparked.
    tokens: [AtomicBool; 2],
}

/// The verbs of the protocol, so that weakened copies run the same scenarios.
trait Protocol: Send + Sync + 'static {
    fn new() -> Self;
    fn idle(&self) -> &Idle;
    fn notify_from_outside(&self) -> Option<usize> {
        self.idle().notify_from_outside()
    }
    fn stop_search(&self, has_more: bool) -> Option<usize> {
        self.idle().stop_search(has_more)
    }
    fn needs_watch(&self) -> bool {
        self.idle().needs_watch()
    }
    fn stop_watch(&self) -> bool {
        self.idle().stop_watch(2)
    }
}

struct Whole(Idle);

impl Protocol for Whole {
    fn new() -> Self {
        Whole(Idle::new())
    }
    fn idle(&self) -> &Idle {
        &self.0
    }
}

impl<P: Protocol> Machine<P> {
    fn new() -> Arc<Self> {
        Arc::new(Machine {
            idle: P::new(),
            queue: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            tokens: [AtomicBool::new(false), AtomicBool::new(false)],
        })
    }

    fn unpark(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            self.tokens[worker].store(true, Relaxed);
        }
    }

    fn push_from_outside(&self) {
        self.queue.fetch_add(1, Relaxed);
        self.unpark(self.idle.notify_from_outside());
    }

    fn take(&self) -> bool {
        self.queue.fetch_update(Relaxed, Relaxed, |tasks| tasks.checked_sub(1)).is_ok()
    }

    /// A worker that searches, until it sleeps.
    fn search(&self, worker: usize) {
        loop {
            if self.take() {
                let has_more = self.queue.load(Relaxed) > 0;
                self.unpark(self.idle.stop_search(has_more));
                self.ran.fetch_add(1, Relaxed);
                self.idle.idle().start_search();
                continue;
            }
            self.idle.idle().give_up(worker);
            if self.queue.load(Relaxed) == 0 {
                return;
            }
            if !self.idle.idle().look_again(worker) {
                return; // It was woken: its token is set, or will be.
            }
        }
    }

    /// All have stopped. Those with a token run on, one after the other; then nothing is left.
    fn all_is_run(&self, tasks: usize) {
        while let Some(worker) = (0..2).find(|&worker| self.tokens[worker].swap(false, Relaxed)) {
            let _ = self.idle.idle().look_again(worker);
            self.search(worker);
        }
        assert_eq!(self.ran.load(Relaxed), tasks, "all sleep, and there is work");
    }
}

/// "Push meets sleep": a worker falls asleep while a thread pushes.
fn push_meets_sleep<P: Protocol>() {
    let machine = Machine::<P>::new();
    machine.idle.idle().start_search();
    let worker = thread::spawn({
        let machine = machine.clone();
        move || machine.search(0)
    });
    machine.push_from_outside();
    worker.join().unwrap();
    machine.all_is_run(1);
}

/// "Two pushes": two threads push while both workers sleep, or fall asleep: one is woken, and wakes the next if there
/// is more.
fn two_pushes_meet_two_workers<P: Protocol>() {
    let machine = Machine::<P>::new();
    machine.idle.idle().start_search();
    machine.search(1);
    machine.idle.idle().start_search();
    let pusher = thread::spawn({
        let machine = machine.clone();
        move || machine.push_from_outside()
    });
    let worker = thread::spawn({
        let machine = machine.clone();
        move || machine.search(0)
    });
    machine.push_from_outside();
    pusher.join().unwrap();
    worker.join().unwrap();
    machine.all_is_run(2);
}

/// "Turn meets sleep": a worker leaves the event queue with two tasks, and tells nobody before it takes the first, which
/// keeps it; the other worker falls asleep meanwhile. Then that one is to run the second.
fn a_turn_meets_sleep<P: Protocol>() {
    let machine = Machine::<P>::new();
    machine.idle.idle().start_search();
    machine.idle.idle().give_up(0);
    machine.idle.idle().start_search();
    let other = thread::spawn({
        let machine = machine.clone();
        move || machine.search(1)
    });
    machine.queue.fetch_add(2, Relaxed);
    let _ = machine.idle.idle().look_again(0);
    if machine.take() {
        let has_more = machine.queue.load(Relaxed) > 0;
        machine.unpark(machine.idle.stop_search(has_more));
        machine.ran.fetch_add(1, Relaxed);
    } else {
        machine.unpark(machine.idle.stop_search(false));
    }
    other.join().unwrap();
    machine.all_is_run(2);
}

/// "Worker wakes as the watch goes off": two workers sleep, and one leaves the sleepers. Once it is awake, the watch is
/// on.
fn a_worker_wakes_as_the_watch_goes_off<P: Protocol>() {
    let machine = Machine::<P>::new();
    for worker in 0..2 {
        machine.idle.idle().start_search();
        machine.idle.idle().give_up(worker);
    }
    let worker = thread::spawn({
        let machine = machine.clone();
        move || {
            let _ = machine.idle.idle().look_again(0);
            if machine.idle.needs_watch() {
                machine.idle.idle().start_watch();
            }
        }
    });
    let is_off = machine.idle.stop_watch();
    worker.join().unwrap();
    // What a thread that goes off looks at before it sleeps.
    let is_on = !is_off || machine.idle.idle().is_watched();
    assert!(is_on, "a worker is awake, and nobody watches it");
}

loom_tests::models! {
    of [Whole]:
    push_meets_sleep
    two_pushes_meet_two_workers
    a_turn_meets_sleep
    a_worker_wakes_as_the_watch_goes_off
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rejected;
    use loom_tests::rt::model;

    /// With one flaw: 1 pushes without a fence, 2 wakes without one, 3 takes what it has found and tells nobody of the
    /// rest; 0 has none.
    struct Flawed<const FLAW: u8>(Idle);

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new() -> Self {
            Flawed(Idle::new())
        }
        fn idle(&self) -> &Idle {
            &self.0
        }
        fn notify_from_outside(&self) -> Option<usize> {
            if FLAW == 1 { self.0.notify() } else { self.0.notify_from_outside() }
        }
        fn stop_search(&self, has_more: bool) -> Option<usize> {
            self.0.stop_search(has_more && FLAW != 3)
        }
        fn needs_watch(&self) -> bool {
            if FLAW == 2 { !self.0.is_watched() } else { self.0.needs_watch() }
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(push_meets_sleep::<Flawed<0>>);
        model(a_turn_meets_sleep::<Flawed<0>>);
        model(a_worker_wakes_as_the_watch_goes_off::<Flawed<0>>);
    }

    #[test]
    fn a_worker_that_wakes_without_a_fence_may_not_be_watched() {
        let message =
            rejected("no fence", || model(a_worker_wakes_as_the_watch_goes_off::<Flawed<2>>));
        assert!(message.contains("nobody watches it"), "{message}");
    }

    #[test]
    fn a_push_without_a_fence_may_not_see_who_sleeps() {
        let message = rejected("no fence", || model(push_meets_sleep::<Flawed<1>>));
        assert!(message.contains("all sleep, and there is work"), "{message}");
    }

    #[test]
    fn a_turn_that_tells_nobody_leaves_work_to_sleepers() {
        let message = rejected("tells nobody", || model(a_turn_meets_sleep::<Flawed<3>>));
        assert!(message.contains("all sleep, and there is work"), "{message}");
    }

    /// A worker that looks at the queues for the last time before it is among the sleepers.
    #[test]
    fn a_last_look_before_the_sleep_misses_a_push() {
        let message = rejected("early look", || {
            model(|| {
                let machine = Machine::<Whole>::new();
                machine.idle.idle().start_search();
                let pusher = thread::spawn({
                    let machine = machine.clone();
                    move || machine.push_from_outside()
                });
                let sees_work = machine.queue.load(Relaxed) > 0;
                machine.idle.idle().give_up(0);
                pusher.join().unwrap();
                let is_told = machine.tokens[0].load(Relaxed);
                assert!(sees_work || is_told, "all sleep, and there is work");
            });
        });
        assert!(message.contains("all sleep, and there is work"), "{message}");
    }
}

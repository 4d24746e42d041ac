//! The wake state of a task (`reactor/src/wake_state.rs`).

use loom_tests::reactor_protocols::{Complete, Start, Suspend, Wake, WakeState};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell, model, thread};

/// The verbs of the protocol, so that weakened copies run the same scenarios.
trait Protocol: Send + Sync + 'static {
    fn new() -> Self;
    fn wake(&self) -> Wake;
    fn start(&self) -> Start;
    fn suspend(&self) -> Suspend;
    fn complete(&self) -> Complete;
}

impl Protocol for WakeState {
    fn new() -> Self {
        WakeState::new()
    }
    fn wake(&self) -> Wake {
        self.wake()
    }
    fn start(&self) -> Start {
        self.start()
    }
    fn suspend(&self) -> Suspend {
        self.suspend()
    }
    fn complete(&self) -> Complete {
        self.complete()
    }
}

/// A task, its run queue and its wakers' flags. All but the protocol is relaxed, so that only the
/// protocol orders.
struct Model<P> {
    state: P,
    /// Length of the run queue.
    queued: AtomicUsize,
    /// What each waker has to say: set before it wakes, read by the poll.
    said: [AtomicUsize; 2],
    /// The future. It counts its polls.
    future: UnsafeCell<usize>,
    /// What the last poll heard.
    heard: AtomicUsize,
}

// SAFETY: `future` is accessed by `poll` only, which the protocol under test calls by one thread at
// a time; loom (which has its own checks inside the cell) is here to tell whether that is so.
unsafe impl<P: Sync> Sync for Model<P> {}

impl<P: Protocol> Model<P> {
    /// A new task, in the queue.
    fn scheduled() -> Arc<Self> {
        Arc::new(Self {
            state: P::new(),
            queued: AtomicUsize::new(1),
            said: [AtomicUsize::new(0), AtomicUsize::new(0)],
            future: UnsafeCell::new(0),
            heard: AtomicUsize::new(0),
        })
    }

    /// A task that was polled once.
    fn idle() -> Arc<Self> {
        let model = Self::scheduled();
        model.run_queue();
        model
    }

    fn push(&self) {
        assert_eq!(self.queued.fetch_add(1, Relaxed), 0, "queued twice");
    }

    /// Waker number `index` says something and wakes.
    fn wake(&self, index: usize) -> Wake {
        self.said[index].store(1, Relaxed);
        self.state.wake()
    }

    fn wake_and_push(&self, index: usize) {
        if self.wake(index) == Wake::Schedule {
            self.push();
        }
    }

    fn poll(&self) {
        let heard = self.said.iter().map(|said| said.load(Relaxed)).sum();
        // SAFETY: see `Sync`.
        self.future.with_mut(|polls| unsafe { *polls += 1 });
        self.heard.store(heard, Relaxed);
    }

    fn polls(&self) -> usize {
        // SAFETY: the threads are joined.
        self.future.with_mut(|polls| unsafe { *polls })
    }

    /// The owner's part of one popped task.
    fn run(&self) {
        match self.state.start() {
            Start::Run => {
                self.poll();
                if self.state.suspend() == Suspend::Reschedule {
                    self.push();
                }
            }
            Start::Gone => {}
        }
    }

    /// The owner: runs until the queue looks empty.
    fn run_queue(&self) {
        while self.queued.load(Relaxed) > 0 {
            self.queued.fetch_sub(1, Relaxed);
            self.run();
        }
    }

    /// After the threads are joined: nothing said may be unheard.
    fn check(&self, wakers: usize) {
        self.run_queue();
        assert_eq!(self.heard.load(Relaxed), wakers, "lost wake-up");
        assert!(self.polls() <= 1 + wakers, "polled more often than woken");
    }
}

fn waker<P: Protocol>(model: &Arc<Model<P>>, index: usize) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || model.wake_and_push(index))
}

/// "Wake during run", "wake meets suspend", and a wake of a task that is still queued.
fn wake_meets_run<P: Protocol>() {
    let model = Model::<P>::scheduled();
    let thread = waker(&model, 0);
    model.run_queue();
    thread.join().unwrap();
    model.check(1);
}

/// An idle task is woken, and run as soon as it is seen in the queue.
fn wake_of_an_idle_task<P: Protocol>() {
    let model = Model::<P>::idle();
    let thread = waker(&model, 0);
    model.run_queue();
    thread.join().unwrap();
    model.check(1);
    assert_eq!(model.polls(), 2, "one poll a wake");
}

/// "Coalesced wake": one of two wakers queues the task; the other's word must be heard, too.
fn wake_meets_wake<P: Protocol>() {
    let model = Model::<P>::idle();
    let threads = [waker(&model, 0), waker(&model, 1)];
    model.run_queue();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    model.check(2);
}

/// Two wakes before the run are one poll.
fn wakes_before_the_run_are_one_poll<P: Protocol>() {
    let model = Model::<P>::idle();
    let threads = [waker(&model, 0), waker(&model, 1)];
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    model.check(2);
    assert_eq!(model.polls(), 2);
}

/// The owner's role moves: who is told `Schedule` runs the task itself, at once.
fn the_poll_moves_between_threads<P: Protocol>() {
    let model = Model::<P>::scheduled();
    let thread = thread::spawn({
        let model = model.clone();
        move || {
            if model.wake(0) == Wake::Schedule {
                model.run();
            }
        }
    });
    model.run_queue();
    thread.join().unwrap();
    model.check(1);
}

/// "Wake meets complete": by the poll that ends the task.
fn wake_meets_complete<P: Protocol>() {
    let model = Model::<P>::scheduled();
    let thread = waker(&model, 0);
    model.queued.fetch_sub(1, Relaxed);
    assert_eq!(model.state.start(), Start::Run);
    model.poll();
    assert_eq!(model.state.complete(), Complete::Now);
    thread.join().unwrap();
    assert_eq!(model.queued.load(Relaxed), 0, "a running task is queued by nobody else");
    assert_eq!(model.wake(1), Wake::Gone); // "Late wake".
    assert_eq!(model.state.start(), Start::Gone);
    assert_eq!(model.state.complete(), Complete::Already);
    assert_eq!(model.polls(), 1);
}

/// "Drop meets wake": an idle task is dropped with its runtime while it is woken.
fn drop_meets_wake<P: Protocol>() {
    let model = Model::<P>::idle();
    let thread = waker(&model, 0);
    assert_eq!(model.state.complete(), Complete::Now);
    model.run_queue();
    thread.join().unwrap();
    model.run_queue();
    assert_eq!(model.state.complete(), Complete::Already);
    assert_eq!(model.polls(), 1, "never polled after it is complete");
}

/// "Late wake": from two threads, of a task that is done.
fn wake_after_complete<P: Protocol>() {
    let model = Model::<P>::idle();
    assert_eq!(model.state.complete(), Complete::Now);
    let thread = thread::spawn({
        let model = model.clone();
        move || assert_eq!(model.wake(0), Wake::Gone)
    });
    assert_eq!(model.wake(1), Wake::Gone);
    thread.join().unwrap();
    assert_eq!(model.state.start(), Start::Gone);
}

macro_rules! models {
    ($($scenario:ident)*) => {
        mod holds {
            $(#[test] fn $scenario() { super::model(super::$scenario::<super::WakeState>); })*
        }
    };
}

models! {
    wake_meets_run
    wake_of_an_idle_task
    wake_meets_wake
    wakes_before_the_run_are_one_poll
    the_poll_moves_between_threads
    wake_meets_complete
    drop_meets_wake
    wake_after_complete
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::{AtomicU8, Ordering::SeqCst};
    use loom_tests::{rejected, sites};
    use reactor::sync::order::weakened;

    /// Each ordering of the protocol, the scenario that fails without it, and how.
    const NEEDED: &[(&str, fn(), &str)] = &[
        ("start", wake_of_an_idle_task::<WakeState>, "lost wake-up"),
        ("suspend", the_poll_moves_between_threads::<WakeState>, "Causality violation"),
        ("wake", wake_of_an_idle_task::<WakeState>, "lost wake-up"),
    ];

    #[test]
    fn the_table_names_every_ordering_of_the_source() {
        let named: Vec<_> = NEEDED.iter().map(|&(site, ..)| site).collect();
        assert_eq!(named, sites(include_str!("../../reactor/src/wake_state.rs")));
    }

    #[test]
    fn without_any_one_ordering_a_model_fails() {
        for &(site, scenario, expected) in NEEDED {
            let message = rejected(site, move || weakened(site, || model(scenario)));
            assert!(message.contains(expected), "{site}: {message}");
        }
    }

    const SCHEDULED: u8 = 1;
    const RUNNING: u8 = 2;

    /// A copy of the protocol without completion, all of it SeqCst, with one flaw: which steps are
    /// not one read-modify-write.
    struct Flawed<const SUSPEND_BY_STORE: bool, const WAKE_BY_LOAD: bool>(AtomicU8);

    impl<const SUSPEND_BY_STORE: bool, const WAKE_BY_LOAD: bool> Protocol
        for Flawed<SUSPEND_BY_STORE, WAKE_BY_LOAD>
    {
        fn new() -> Self {
            Self(AtomicU8::new(SCHEDULED))
        }

        fn wake(&self) -> Wake {
            if WAKE_BY_LOAD && self.0.load(SeqCst) & SCHEDULED != 0 {
                return Wake::Coalesced;
            }
            match self.0.fetch_or(SCHEDULED, SeqCst) {
                0 => Wake::Schedule,
                RUNNING => Wake::WhileRunning,
                _ => Wake::Coalesced,
            }
        }

        fn start(&self) -> Start {
            match self.0.compare_exchange(SCHEDULED, RUNNING, SeqCst, SeqCst) {
                Ok(_) => Start::Run,
                Err(_) => Start::Gone,
            }
        }

        fn suspend(&self) -> Suspend {
            if SUSPEND_BY_STORE {
                let state = self.0.load(SeqCst);
                self.0.store(state & !RUNNING, SeqCst);
                return if state & SCHEDULED == 0 { Suspend::Idle } else { Suspend::Reschedule };
            }
            match self.0.fetch_and(!RUNNING, SeqCst) & SCHEDULED {
                0 => Suspend::Idle,
                _ => Suspend::Reschedule,
            }
        }

        fn complete(&self) -> Complete {
            unreachable!("not modelled")
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(wake_meets_run::<Flawed<false, false>>);
        model(wake_meets_wake::<Flawed<false, false>>);
    }

    #[test]
    fn a_suspend_that_is_no_read_modify_write_loses_a_wake() {
        let message = rejected("suspend by store", || model(wake_meets_run::<Flawed<true, false>>));
        assert!(message.contains("lost wake-up"), "{message}");
    }

    #[test]
    fn a_coalesced_wake_that_only_loads_is_not_heard() {
        let message = rejected("wake by load", || model(wake_meets_wake::<Flawed<false, true>>));
        assert!(message.contains("lost wake-up"), "{message}");
    }
}

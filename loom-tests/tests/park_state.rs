//! The executor's park state (`reactor/src/park_state.rs`): pushes of other threads against
//! parking.

use loom_tests::reactor_protocols::{Notify, ParkState};
use loom_tests::rt::{Arc, AtomicBool, AtomicUsize, Ordering::Relaxed, model, thread};

/// The verbs of the protocol, and the order in which the executor uses them.
trait Protocol: Send + Sync + 'static {
    fn new() -> Self;
    fn notify(&self) -> Notify;
    /// Clears, and drains by `drain`.
    fn look(&self, drain: impl Fn());
}

impl Protocol for ParkState {
    fn new() -> Self {
        ParkState::new()
    }
    fn notify(&self) -> Notify {
        self.notify()
    }
    fn look(&self, drain: impl Fn()) {
        self.clear();
        drain();
    }
}

/// An executor and its queue: the weakest possible one, relaxed, so that only the protocol orders.
struct Model<P> {
    park: P,
    /// The system's event: parking returns if it is set, and unsets it.
    event: AtomicBool,
    /// Slot of each thread in the queue.
    pushed: [AtomicUsize; 2],
    taken: [AtomicUsize; 2],
}

impl<P: Protocol> Model<P> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            park: P::new(),
            event: AtomicBool::new(false),
            pushed: [AtomicUsize::new(0), AtomicUsize::new(0)],
            taken: [AtomicUsize::new(0), AtomicUsize::new(0)],
        })
    }

    /// Another thread.
    fn push(&self, index: usize) {
        self.pushed[index].store(1, Relaxed);
        if self.park.notify() == Notify::Unpark {
            self.event.swap(true, Relaxed); // As the kernel's counter: a read-modify-write.
        }
    }

    /// Executor: one turn, after parking returned.
    fn turn(&self) {
        self.park.look(|| {
            for (pushed, taken) in self.pushed.iter().zip(&self.taken) {
                if pushed.load(Relaxed) == 1 {
                    taken.store(1, Relaxed);
                }
            }
        });
    }

    /// Executor: turns as long as parking would return.
    fn turns(&self) {
        while self.event.swap(false, Relaxed) {
            self.turn();
        }
    }

    /// After the threads are joined: whoever parks now must have taken everything.
    fn check(&self, threads: usize) {
        self.turns();
        let taken: usize = self.taken.iter().map(|taken| taken.load(Relaxed)).sum();
        assert_eq!(taken, threads, "parked with work in the queue");
    }
}

fn pusher<P: Protocol>(model: &Arc<Model<P>>, index: usize) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || model.push(index))
}

/// One push against an executor that turns for another reason, then parks.
fn push_meets_turn<P: Protocol>() {
    let model = Model::<P>::new();
    let thread = pusher(&model, 0);
    model.event.swap(false, Relaxed); // Parking returns anyway: a timer, a socket.
    model.turn();
    model.turns();
    thread.join().unwrap();
    model.check(1);
}

/// "Quiet push": of two pushes one unparks; the other must be taken, too.
fn push_meets_push<P: Protocol>() {
    let model = Model::<P>::new();
    let threads = [pusher(&model, 0), pusher(&model, 1)];
    model.turns();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    model.check(2);
}

#[test]
fn holds_push_meets_turn() {
    model(push_meets_turn::<ParkState>);
}

#[test]
fn holds_push_meets_push() {
    model(push_meets_push::<ParkState>);
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::Ordering::SeqCst;
    use loom_tests::{rejected, sites};
    use reactor::sync::order::weakened;

    const NEEDED: &[(&str, fn())] =
        &[("clear", push_meets_turn::<ParkState>), ("notify", push_meets_turn::<ParkState>)];

    #[test]
    fn the_table_names_every_ordering_of_the_source() {
        let named: Vec<_> = NEEDED.iter().map(|&(site, _)| site).collect();
        assert_eq!(named, sites(include_str!("../../reactor/src/park_state.rs")));
    }

    #[test]
    fn without_any_one_ordering_a_model_fails() {
        for &(site, scenario) in NEEDED {
            let message = rejected(site, move || weakened(site, || model(scenario)));
            assert!(message.contains("parked with work"), "{site}: {message}");
        }
    }

    /// A SeqCst copy with one flaw: 1 clears after draining, 2 loads before it swaps, 0 none.
    struct Flawed<const FLAW: u8>(AtomicBool);

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new() -> Self {
            Self(AtomicBool::new(false))
        }

        fn notify(&self) -> Notify {
            if FLAW == 2 && self.0.load(Relaxed) {
                return Notify::Already;
            }
            if self.0.swap(true, SeqCst) { Notify::Already } else { Notify::Unpark }
        }

        fn look(&self, drain: impl Fn()) {
            if FLAW == 1 {
                drain();
            }
            self.0.swap(false, SeqCst);
            if FLAW != 1 {
                drain();
            }
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(push_meets_turn::<Flawed<0>>);
        model(push_meets_push::<Flawed<0>>);
    }

    #[test]
    fn a_clear_after_the_drain_parks_with_work() {
        let message = rejected("clear after drain", || model(push_meets_turn::<Flawed<1>>));
        assert!(message.contains("parked with work"), "{message}");
    }

    #[test]
    fn a_quiet_push_that_only_loads_is_not_taken() {
        let message = rejected("notify by load", || model(push_meets_push::<Flawed<2>>));
        assert!(message.contains("parked with work"), "{message}");
    }
}

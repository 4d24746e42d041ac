//! Parking in the event queue (`reactor/src/driver/parking.rs`): work of other threads against waiting.

use loom_tests::reactor_protocols::parking::{Notify, Park, Parking};
use loom_tests::rt::{Arc, AtomicBool, AtomicUsize, Ordering::Relaxed, model, thread};

/// The verbs of the protocol.
trait Protocol: Send + Sync + 'static {
    fn new() -> Self;
    fn notify(&self) -> Notify;
    fn park(&self) -> Park;
    /// Says that the owner is awake, then looks for work.
    fn awake(&self, look: impl Fn());
}

impl Protocol for Parking {
    fn new() -> Self {
        Parking::new()
    }
    fn notify(&self) -> Notify {
        self.notify()
    }
    fn park(&self) -> Park {
        self.park()
    }
    fn awake(&self, look: impl Fn()) {
        self.awake();
        look();
    }
}

/// An owner and its work: the weakest possible one, relaxed, so that only the protocol orders.
struct Model<P> {
    parking: P,
    /// The event of the queue: waiting returns if it is set, and unsets it.
    event: AtomicBool,
    published: [AtomicUsize; 2],
    taken: [AtomicUsize; 2],
}

impl<P: Protocol> Model<P> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            parking: P::new(),
            event: AtomicBool::new(false),
            published: [AtomicUsize::new(0), AtomicUsize::new(0)],
            taken: [AtomicUsize::new(0), AtomicUsize::new(0)],
        })
    }

    /// Another thread.
    fn publish(&self, index: usize) {
        self.published[index].store(1, Relaxed);
        if self.parking.notify() == Notify::Unpark {
            self.event.swap(true, Relaxed); // As the kernel's counter: a read-modify-write.
        }
    }

    fn awake(&self) {
        self.parking.awake(|| {
            for (published, taken) in self.published.iter().zip(&self.taken) {
                if published.load(Relaxed) == 1 {
                    taken.store(1, Relaxed);
                }
            }
        });
    }

    /// Owner: a turn in which something else happens, so that it does not wait for long.
    fn turn(&self) {
        if self.parking.park() == Park::Wait {
            self.event.swap(false, Relaxed);
        }
        self.awake();
    }

    /// Owner: turns until it waits.
    fn turns(&self) {
        while self.parking.park() == Park::Look || self.event.swap(false, Relaxed) {
            self.awake();
        }
    }

    /// Owner, which waits, after the threads are joined: either the event ends its waiting, or it has taken everything.
    fn check(&self, threads: usize) {
        while self.event.swap(false, Relaxed) {
            self.awake();
            self.turns();
        }
        let taken: usize = self.taken.iter().map(|taken| taken.load(Relaxed)).sum();
        assert_eq!(taken, threads, "waits with work to do");
    }
}

fn publisher<P: Protocol>(model: &Arc<Model<P>>, index: usize) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || model.publish(index))
}

/// One piece of work against an owner that turns for another reason, then waits.
fn work_meets_turn<P: Protocol>() {
    let model = Model::<P>::new();
    let thread = publisher(&model, 0);
    model.turn();
    model.turns();
    thread.join().unwrap();
    model.check(1);
}

/// "Quiet notice": of two notices one writes the event; the work of the other must be taken, too.
fn work_meets_work<P: Protocol>() {
    let model = Model::<P>::new();
    let threads = [publisher(&model, 0), publisher(&model, 1)];
    model.turns();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    model.check(2);
}

#[test]
fn holds_work_meets_turn() {
    model(work_meets_turn::<Parking>);
}

#[test]
fn holds_work_meets_work() {
    model(work_meets_work::<Parking>);
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::{AtomicU8, Ordering::SeqCst};
    use loom_tests::{every_ordering_is_needed, rejected};

    every_ordering_is_needed! {
        in "../../reactor/src/driver/parking.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "waits with work",
        "awake" => work_meets_turn::<Parking>,
        "notify" => work_meets_turn::<Parking>,
    }

    /// A SeqCst copy with one flaw: 1 says that it is awake after it has looked, 2 loads before it swaps, 3 parks
    /// whatever it was told, 0 none.
    struct Flawed<const FLAW: u8>(AtomicU8);

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new() -> Self {
            Self(AtomicU8::new(0))
        }

        fn notify(&self) -> Notify {
            if FLAW == 2 && self.0.load(Relaxed) == 2 {
                return Notify::Already;
            }
            if self.0.swap(2, SeqCst) == 1 { Notify::Unpark } else { Notify::Already }
        }

        fn park(&self) -> Park {
            if FLAW == 3 {
                self.0.swap(1, SeqCst);
                return Park::Wait;
            }
            match self.0.compare_exchange(0, 1, SeqCst, SeqCst) {
                Ok(_) => Park::Wait,
                Err(_) => Park::Look,
            }
        }

        fn awake(&self, look: impl Fn()) {
            if FLAW == 1 {
                look();
            }
            self.0.swap(0, SeqCst);
            if FLAW != 1 {
                look();
            }
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(work_meets_turn::<Flawed<0>>);
        model(work_meets_work::<Flawed<0>>);
    }

    #[test]
    fn a_look_before_it_is_awake_misses_work() {
        let message = rejected("awake after the look", || model(work_meets_turn::<Flawed<1>>));
        assert!(message.contains("waits with work"), "{message}");
    }

    #[test]
    fn a_quiet_notice_that_only_loads_is_not_taken() {
        let message = rejected("notify by load", || model(work_meets_work::<Flawed<2>>));
        assert!(message.contains("waits with work"), "{message}");
    }

    #[test]
    fn an_owner_that_parks_over_a_notice_misses_it() {
        let message = rejected("park by swap", || model(work_meets_turn::<Flawed<3>>));
        assert!(message.contains("waits with work"), "{message}");
    }
}

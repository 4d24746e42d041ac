//! Whether the owner of the event queue is parked in it (`reactor/src/driver/parking.rs`).

use loom_tests::reactor_protocols::parking::{Notify, Park, Parking};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, model, thread};

/// The verbs of the protocol, so that weakened copies run the same scenarios.
trait Protocol: Send + Sync + 'static {
    fn new() -> Self;
    fn notify(&self) -> Notify;
    fn park(&self) -> Park;
    fn awake(&self);
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
    fn awake(&self) {
        self.awake();
    }
}

/// An owner, its work, and the event that ends its wait. All but the protocol is relaxed.
struct Model<P> {
    parking: P,
    work: [AtomicUsize; 2],
    event: AtomicUsize,
}

impl<P: Protocol> Model<P> {
    fn new() -> Arc<Self> {
        Arc::new(Model {
            parking: P::new(),
            work: [AtomicUsize::new(0), AtomicUsize::new(0)],
            event: AtomicUsize::new(0),
        })
    }

    fn publish(&self, index: usize) {
        self.work[index].store(1, Relaxed);
        if self.parking.notify() == Notify::Unpark {
            self.event.fetch_add(1, Relaxed);
        }
    }

    /// What the owner finds when it looks.
    fn look(&self) -> usize {
        self.work.iter().map(|work| work.load(Relaxed)).sum()
    }

    /// The owner turns: what it finds then, or `None` if it would wait for ever.
    fn turn(&self) -> Option<usize> {
        let waits = self.parking.park() == Park::Wait;
        if waits && self.event.load(Relaxed) == 0 {
            return None;
        }
        self.event.store(0, Relaxed);
        self.parking.awake();
        Some(self.look())
    }
}

/// "Publish meets park": once the work is published, the owner either finds it or will.
fn publish_meets_park<P: Protocol>() {
    let model = Model::<P>::new();
    let publisher = thread::spawn({
        let model = model.clone();
        move || model.publish(0)
    });
    let found = match model.turn() {
        Some(0) => {
            publisher.join().unwrap();
            model.turn().expect("parked with work")
        }
        Some(found) => {
            publisher.join().unwrap();
            found
        }
        // It waits for the event.
        None => {
            publisher.join().unwrap();
            assert_eq!(model.event.load(Relaxed), 1, "parked with work");
            model.parking.awake();
            model.look()
        }
    };
    assert_eq!(found, 1, "parked with work");
}

/// "Quiet notice": two publish, one is told to write the event; the look that follows finds both.
fn publish_meets_publish<P: Protocol>() {
    let model = Model::<P>::new();
    let publishers = [0, 1].map(|index| {
        let model = model.clone();
        thread::spawn(move || model.publish(index))
    });
    // A look that finds nothing parks; the event of who was told then has it look again.
    let mut found = 0;
    for _ in 0..2 {
        if let Some(now) = model.turn() {
            found = now;
        } else {
            for _ in 0..2 {
                thread::yield_now();
            }
            if model.event.load(Relaxed) > 0 {
                model.event.store(0, Relaxed);
                model.parking.awake();
                found = model.look();
            }
            break;
        }
    }
    for publisher in publishers {
        publisher.join().unwrap();
    }
    if found < 2 {
        // What was not found was notified since the last `awake`: by an event, or by a park that does not wait.
        let is_told = model.event.load(Relaxed) > 0 || model.parking.park() == Park::Look;
        assert!(is_told, "parked with work");
    }
}

macro_rules! models {
    ($($scenario:ident)*) => {
        mod holds {
            $(#[test] fn $scenario() {
                super::model(super::$scenario::<super::Parking>);
            })*
        }
    };
}

models! {
    publish_meets_park
    publish_meets_publish
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::AtomicU8;
    use loom_tests::{rejected, sites, weakened_in_reactor as weakened};

    const NEEDED: &[(&str, fn())] = &[
        ("awake", publish_meets_publish::<Parking>),
        ("notify", publish_meets_publish::<Parking>),
    ];

    #[test]
    fn the_table_names_every_ordering_of_the_source() {
        let named: Vec<_> = NEEDED.iter().map(|&(site, _)| site).collect();
        assert_eq!(named, sites(include_str!("../../reactor/src/driver/parking.rs")));
    }

    #[test]
    fn without_any_one_ordering_a_model_fails() {
        for &(site, scenario) in NEEDED {
            let message = rejected(site, move || weakened(site, || model(scenario)));
            assert!(message.contains("parked with work"), "{site}: {message}");
        }
    }

    /// A SeqCst copy with one flaw: 1 parks by a store, 2 notifies by a load if somebody has already.
    struct Flawed<const FLAW: u8>(AtomicU8);

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new() -> Self {
            Flawed(AtomicU8::new(0))
        }
        fn notify(&self) -> Notify {
            use loom_tests::rt::Ordering::SeqCst;
            if FLAW == 2 && self.0.load(Relaxed) == 2 {
                return Notify::Already;
            }
            if self.0.swap(2, SeqCst) == 1 { Notify::Unpark } else { Notify::Already }
        }
        fn park(&self) -> Park {
            use loom_tests::rt::Ordering::SeqCst;
            if FLAW == 1 {
                if self.0.load(SeqCst) == 0 {
                    self.0.store(1, SeqCst);
                    return Park::Wait;
                }
                return Park::Look;
            }
            let parked = self.0.compare_exchange(0, 1, SeqCst, SeqCst);
            if parked.is_ok() { Park::Wait } else { Park::Look }
        }
        fn awake(&self) {
            self.0.swap(0, loom_tests::rt::Ordering::SeqCst);
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(publish_meets_park::<Flawed<0>>);
        model(publish_meets_publish::<Flawed<0>>);
    }

    #[test]
    fn a_park_by_load_and_store_misses_a_notice() {
        let message = rejected("park by store", || model(publish_meets_park::<Flawed<1>>));
        assert!(message.contains("parked with work"), "{message}");
    }

    #[test]
    fn a_quiet_notice_that_only_loads_is_not_found() {
        let message = rejected("notify by load", || model(publish_meets_publish::<Flawed<2>>));
        assert!(message.contains("parked with work"), "{message}");
    }
}

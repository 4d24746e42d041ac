//! The readiness of a source of events (`reactor/src/driver/source.rs`): waiting and clearing against events.

use std::task::{Context, Poll, Wake, Waker};

use loom_tests::reactor_protocols::source::{Event, Readers, Side, Source, Wait};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, model, thread};

/// Counts its wakes.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A source and what it is the source of, which is the weakest possible: relaxed, so that only the protocol orders.
struct Model {
    source: std::sync::Arc<Source>,
    /// How many things can be read. A reader that finds none may have looked at an old value.
    things: AtomicUsize,
}

impl Model {
    fn new(readers: Readers) -> Arc<Self> {
        Arc::new(Self { source: Source::new(readers), things: AtomicUsize::new(0) })
    }

    /// Driver: something comes, then its event.
    fn event(&self) {
        self.things.fetch_add(1, Relaxed);
        let mut woken = Vec::new();
        self.source.notice(Side::Read, Event::Ready, &mut woken);
        woken.into_iter().for_each(|woken| woken.wake());
    }
}

/// A task that reads.
struct Reader<'a> {
    model: &'a Model,
    wait: Wait<'a>,
    woken: std::sync::Arc<Count>,
    read: usize,
}

impl<'a> Reader<'a> {
    fn new(model: &'a Model) -> Self {
        let woken = std::sync::Arc::new(Count(AtomicUsize::new(0)));
        Self { model, wait: model.source.wait(Side::Read), woken, read: 0 }
    }

    /// Reads all there is, until it has to wait.
    fn poll(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let cx = Context::from_waker(&waker);
        while let Poll::Ready(attempt) = self.wait.poll_ready(&cx) {
            if self.model.things.load(Relaxed) == 0 {
                self.model.source.clear(Side::Read, attempt);
            } else {
                self.model.things.fetch_sub(1, Relaxed);
                self.read += 1;
            }
        }
    }

    /// Polls as often as it was woken. Afterwards it waits for what comes.
    fn run(&mut self) {
        while self.woken.0.swap(0, Relaxed) > 0 {
            self.poll();
        }
    }
}

fn driver(model: &Arc<Model>, events: usize) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || (0..events).for_each(|_| model.event()))
}

/// "Stale clear", "event meets wait": events against a reader that finds nothing and waits.
fn events_meet_reader(events: usize) {
    let model = Model::new(Readers::All);
    let thread = driver(&model, events);
    let mut reader = Reader::new(&model);
    reader.poll();
    reader.run();
    thread.join().unwrap();
    reader.run();
    assert_eq!(reader.read, events, "an event is lost");
}

fn event_meets_reader() {
    events_meet_reader(1);
}

/// "The responsible one goes": one of two readers is woken, and goes away.
fn event_meets_reader_that_goes() {
    let model = Model::new(Readers::OneByOne);
    let event = driver(&model, 1);
    let goes = {
        let model = model.clone();
        thread::spawn(move || {
            let mut reader = Reader::new(&model);
            // It waits at most: what it had read would not be lost.
            if model.things.load(Relaxed) == 0 {
                let waker = Waker::from(reader.woken.clone());
                let _ = reader.wait.poll_ready(&Context::from_waker(&waker));
            }
        })
    };
    let mut stays = Reader::new(&model);
    stays.poll();
    stays.run();
    goes.join().unwrap();
    event.join().unwrap();
    stays.run();
    assert_eq!(stays.read, 1, "an event is lost");
}

#[test]
fn holds_event_meets_reader() {
    model(event_meets_reader);
}

#[test]
fn holds_events_meet_reader() {
    model(|| events_meet_reader(2));
}

#[test]
fn holds_event_meets_reader_that_goes() {
    model(event_meets_reader_that_goes);
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../reactor/src/driver/source.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "an event is lost",
        "attempt" => event_meets_reader,
        "event" => event_meets_reader,
    }
}

//! What the tests share: a log, values that log their drop, leaf futures, wakers, drivers.
#![allow(dead_code, reason = "no test binary uses all of it")]

pub(crate) mod gate;
pub(crate) mod ring;
pub(crate) mod wakers;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once};
use std::task::{Context, Poll, Waker};

/// Something that happened, in the order in which it did.
#[derive(Clone, PartialEq)]
pub(crate) enum Event {
    Did(&'static str, u32),
    Dropped { name: &'static str, id: u32, panicking: bool },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Did(what, n) => write!(f, "{what} {n}"),
            Event::Dropped { name, id, panicking } => {
                write!(f, "drop {name} {id}{}", if *panicking { " (panicking)" } else { "" })
            }
        }
    }
}

/// A log that clones share, and that numbers the values made with it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Vec<Event>>, AtomicU32)>);

impl Log {
    pub(crate) fn did(&self, what: &'static str, n: u32) {
        self.0.0.lock().unwrap().push(Event::Did(what, n));
    }

    pub(crate) fn note(&self, name: &'static str) -> Note {
        let id = self.0.1.fetch_add(1, Relaxed);
        Note { log: self.clone(), name, id, bomb: false }
    }

    /// A value whose destructor panics, unless the thread does already.
    pub(crate) fn bomb(&self, name: &'static str) -> Note {
        let mut note = self.note(name);
        note.bomb = true;
        note
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.0.lock().unwrap().clone()
    }

    /// The names of the values dropped so far.
    pub(crate) fn drops(&self) -> Vec<&'static str> {
        let name = |event: &Event| match *event {
            Event::Dropped { name, .. } => Some(name),
            Event::Did(..) => None,
        };
        self.0.0.lock().unwrap().iter().filter_map(name).collect()
    }

    /// Which of the values dropped so far saw a panicking thread.
    pub(crate) fn drops_in_panic(&self) -> Vec<&'static str> {
        let name = |event: &Event| match *event {
            Event::Dropped { name, panicking: true, .. } => Some(name),
            _ => None,
        };
        self.0.0.lock().unwrap().iter().filter_map(name).collect()
    }

    /// Panics unless each value made with this log was dropped, and just once.
    pub(crate) fn assert_each_dropped_once(&self) {
        let mut count = vec![0; self.0.1.load(Relaxed) as usize];
        for event in self.0.0.lock().unwrap().iter() {
            if let Event::Dropped { id, .. } = event {
                count[*id as usize] += 1;
            }
        }
        assert!(count.iter().all(|&n| n == 1), "drops of each value: {count:?}");
    }
}

/// A value that logs its drop.
pub(crate) struct Note {
    log: Log,
    pub(crate) name: &'static str,
    pub(crate) id: u32,
    bomb: bool,
}

impl Drop for Note {
    fn drop(&mut self) {
        let (name, id, panicking) = (self.name, self.id, std::thread::panicking());
        self.log.0.0.lock().unwrap().push(Event::Dropped { name, id, panicking });
        if self.bomb && !panicking {
            Planned::panic("bomb", id);
        }
    }
}

/// The payload of a panic that a test wants. It is not printed.
#[derive(Debug, PartialEq)]
pub(crate) struct Planned(pub(crate) &'static str, pub(crate) u32);

impl Planned {
    pub(crate) fn panic(what: &'static str, n: u32) -> ! {
        static QUIET: Once = Once::new();
        QUIET.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !info.payload().is::<Planned>() {
                    print(info);
                }
            }));
        });
        panic_any(Planned(what, n))
    }
}

/// A panic's payload as text.
pub(crate) fn text_of(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<Planned>() {
        Ok(planned) => format!("{} {}", planned.0, planned.1),
        Err(other) => match other.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => match other.downcast::<&'static str>() {
                Ok(text) => (*text).to_owned(),
                Err(_) => "a payload of unknown type".to_owned(),
            },
        },
    }
}

/// The text of the panic that `f` must end in.
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("no panic"),
        Err(payload) => text_of(payload),
    }
}

/// A leaf: pending so many times, then ready. It logs its polls and its drop.
pub(crate) struct Yield {
    left: u32,
    note: Note,
}

impl Yield {
    pub(crate) fn new(log: &Log, times: u32) -> Self {
        Yield { left: times, note: log.note("yield") }
    }
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.note.log.did("leaf poll", self.note.id);
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Pending once, and nothing else: one byte.
#[derive(Default)]
pub(crate) struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls until it is ready, whoever wakes; gives the number of polls too.
pub(crate) fn drive<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = Box::pin(future);
    for polls in 1..10_000 {
        if let Poll::Ready(value) = poll(&mut future) {
            return (value, polls);
        }
    }
    panic!("still pending")
}

/// What became of a future that was polled at most so many times and then dropped.
#[derive(Debug, PartialEq)]
pub(crate) enum Fate<T> {
    Returned(T),
    Panicked(String),
    Cancelled,
    /// A destructor panicked while the suspended future was dropped.
    CancelledInPanic(String),
}

/// Polls at most `polls` times and drops. Logs where each poll begins.
pub(crate) fn run<F: Future>(log: &Log, future: F, polls: u32) -> Fate<F::Output> {
    let mut future = Box::pin(future);
    for n in 0..polls {
        log.did("-- root poll", n);
        match catch_unwind(AssertUnwindSafe(|| poll(&mut future))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(value)) => return Fate::Returned(value),
            Err(payload) => {
                log.did("-- panicked", n);
                drop(future);
                return Fate::Panicked(text_of(payload));
            }
        }
    }
    log.did("-- cancel", 0);
    match catch_unwind(AssertUnwindSafe(|| drop(future))) {
        Ok(()) => Fate::Cancelled,
        Err(payload) => Fate::CancelledInPanic(text_of(payload)),
    }
}

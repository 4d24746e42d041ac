//! The side of the driver that sockets, timers and other threads hold.

#![forbid(unsafe_code)]

use std::io;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use mio::{Interest, Registry, Token, event};
use slab::Slab;

use crate::driver::batch::Batch;
use crate::driver::clock::Clock;
use crate::driver::parking::{Notify, Parking};
use crate::driver::source::{self, Readers, Side, Source, Wait};
use crate::driver::timer::{State, Timer};
use crate::driver::wheel::Wheel;
use crate::sync::lock;

/// The token of the event that ends a wait. No source gets it.
pub(crate) const UNPARK: Token = Token(usize::MAX);

/// The lower part of a token is a key of the slab, the upper one the generation.
const KEY_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };

/// Sources that an empty slab may keep memory for.
const KEPT: usize = 1024;

/// What sockets and timers hold. It outlives its driver as long as they do, but keeps nothing of the system's.
pub(crate) struct Handle {
    /// `None` once the driver is gone. Read by all who register and unpark.
    system: RwLock<Option<System>>,
    pub(super) parking: Parking,
    sources: Mutex<Sources>,
    timers: Mutex<Timers>,
    /// Until when the owner of the driver waits; zero if it does not. Set under the lock of the timers.
    parked_until: AtomicU64,
    /// Of sources, and of timers: written under their locks, so that a look needs none.
    counts: [AtomicUsize; 2],
    /// Executors that turn the driver while their `block_on` or worker runs.
    attended: AtomicUsize,
    /// The thread of the last one, by the address of one of its variables.
    attendant: AtomicUsize,
    pub(crate) clock: Clock,
}

pub(super) struct System {
    pub(super) registry: Registry,
    pub(super) unparker: mio::Waker,
}

#[derive(Default)]
struct Sources {
    slab: Slab<(usize, Arc<Source>)>,
    /// Of the last registration. It tells the events of a source that is gone from those of the next one under its
    /// key.
    generation: usize,
}

struct Timers {
    wheel: Wheel<Arc<Timer>>,
    closed: bool,
}

const SOURCES: usize = 0;
const TIMERS: usize = 1;

impl Handle {
    pub(super) fn new(system: System) -> Arc<Self> {
        Arc::new(Self {
            system: RwLock::new(Some(system)),
            parking: Parking::new(),
            sources: Mutex::default(),
            timers: Mutex::new(Timers { wheel: Wheel::new(), closed: false }),
            parked_until: AtomicU64::new(0),
            counts: Default::default(),
            attended: AtomicUsize::new(0),
            attendant: AtomicUsize::new(0),
            clock: Clock::new(),
        })
    }

    fn with_system<R>(&self, f: impl FnOnce(Option<&System>) -> R) -> R {
        f(self.system.read().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref())
    }

    /// Makes a turn that waits return, or the next one that would wait.
    ///
    /// Publish first what the owner is to see. It costs a system call only while the owner waits.
    pub(crate) fn unpark(&self) {
        if self.parking.notify() == Notify::Unpark {
            // A failure cannot be reported to a waker's caller, and ignoring it would lose a wake-up.
            self.with_system(|system| {
                system.map(|system| system.unparker.wake().expect("cannot unpark the executor"))
            });
        }
    }

    /// Whether a thread waits in the event queue, for a guess.
    pub(crate) fn is_parked(&self) -> bool {
        self.parking.is_parked()
    }

    /// Whether any source or timer is registered. If not, a turn that may not wait can be skipped.
    pub(crate) fn has_work(&self) -> bool {
        self.has_sources() || self.has_timers()
    }

    pub(super) fn has_sources(&self) -> bool {
        self.counts[SOURCES].load(Acquire) > 0
    }

    pub(super) fn has_timers(&self) -> bool {
        self.counts[TIMERS].load(Acquire) > 0
    }

    /// This thread turns the driver, until [`leave`](Handle::leave).
    pub(crate) fn attend(&self) {
        self.attendant.store(this_thread(), Relaxed);
        self.attended.fetch_add(1, AcqRel);
    }

    pub(crate) fn leave(&self) {
        self.attended.fetch_sub(1, AcqRel);
    }

    /// How many timers are armed, and sources registered.
    pub(crate) fn timers_and_sources(&self) -> (usize, usize) {
        (self.counts[TIMERS].load(Relaxed), self.counts[SOURCES].load(Relaxed))
    }

    /// Whether somebody turns it, or is between two turns.
    pub(crate) fn is_attended(&self) -> bool {
        self.attended.load(Relaxed) > 0
    }

    /// Checks that a wait for something of this driver can end: not if this thread is the one that turned it last, and
    /// runs something else now. (Another thread may be about to go on with it.)
    ///
    /// # Panics
    ///
    /// If not, naming `what` was awaited.
    #[track_caller]
    pub(crate) fn assert_attended(&self, what: &str) {
        assert!(
            self.attended.load(Relaxed) > 0 || self.attendant.load(Relaxed) != this_thread(),
            "{what} awaited outside the runtime it was created in: await it there"
        );
    }

    /// Registers a source of events.
    ///
    /// # Errors
    ///
    /// The system's, or that the driver is gone.
    pub(crate) fn register(
        self: &Arc<Self>,
        io: &mut impl event::Source,
        readers: Readers,
    ) -> io::Result<Registration> {
        let source = Source::new(readers);
        let token = {
            let mut sources = lock(&self.sources);
            sources.generation = sources.generation.wrapping_add(1);
            let generation = sources.generation;
            let key = sources.slab.insert((generation, source.clone()));
            assert!(key < 1 << KEY_BITS, "too many sources");
            self.counts[SOURCES].store(sources.slab.len(), Relaxed);
            Token(key | generation << KEY_BITS)
        };
        let registration = Registration { handle: self.clone(), token, source };
        let registered = self.with_system(|system| {
            let system = system.ok_or_else(gone)?;
            io.register(&system.registry, token, interest())
        });
        match registered {
            Ok(()) => Ok(registration),
            Err(error) => {
                registration.forget();
                Err(error)
            }
        }
    }

    /// Calls `f` with the source that each event is for.
    pub(super) fn each_source<'e>(
        &self,
        events: impl Iterator<Item = &'e event::Event>,
        mut f: impl FnMut(&Arc<Source>, &'e event::Event),
    ) {
        let sources = lock(&self.sources);
        for event in events {
            let Token(token) = event.token();
            // An event may have been on its way when its source went: then it finds nothing, or another generation.
            match sources.slab.get(token & ((1 << KEY_BITS) - 1)) {
                Some((generation, source))
                    if generation << KEY_BITS == token >> KEY_BITS << KEY_BITS =>
                {
                    f(source, event);
                }
                _ => {}
            }
        }
    }

    /// Arms a timer. Gives its key, valid as long as its state is [`State::Waiting`].
    pub(crate) fn arm(&self, deadline: Instant, timer: &Arc<Timer>) -> u32 {
        let deadline = self.clock.nanos(deadline);
        let timer = timer.clone();
        let mut timers = lock(&self.timers);
        if timers.closed {
            timer.end(State::Gone);
            return 0;
        }
        let key = timers.wheel.insert(deadline, timer);
        self.after_arming(timers, deadline);
        key
    }

    /// Moves a timer to another deadline. `false` if it waits no longer.
    pub(crate) fn rearm(&self, key: u32, timer: &Timer, deadline: Instant) -> bool {
        let deadline = self.clock.nanos(deadline);
        let mut timers = lock(&self.timers);
        if timer.state() != State::Waiting {
            return false;
        }
        timers.wheel.reset(key, deadline);
        self.after_arming(timers, deadline);
        true
    }

    fn after_arming(&self, timers: std::sync::MutexGuard<'_, Timers>, deadline: u64) {
        self.counts[TIMERS].store(timers.wheel.len(), Relaxed);
        let is_first = deadline < self.parked_until.load(Relaxed);
        drop(timers);
        if is_first {
            self.unpark();
        }
    }

    /// Replaces a timer by one with another waker, at the same deadline. `false` if it waits no longer.
    pub(crate) fn replace(&self, key: u32, timer: &Arc<Timer>, by: &Arc<Timer>) -> bool {
        let by = by.clone();
        let mut timers = lock(&self.timers);
        if timer.state() != State::Waiting {
            return false;
        }
        let stale = std::mem::replace(timers.wheel.get_mut(key), by);
        drop(timers);
        drop(stale);
        true
    }

    /// Removes a timer, if it still waits.
    pub(crate) fn cancel(&self, key: u32, timer: &Timer) {
        let mut timers = lock(&self.timers);
        if timer.state() == State::Waiting {
            let stale = timers.wheel.remove(key);
            self.counts[TIMERS].store(timers.wheel.len(), Relaxed);
            drop(timers);
            drop(stale);
        }
    }

    /// The first deadline, for an owner that will wait until then: later timers that come first unpark it.
    pub(super) fn park_until_timer(&self) -> Option<u64> {
        let timers = lock(&self.timers);
        let next = timers.wheel.next();
        self.parked_until.store(next.unwrap_or(u64::MAX), Relaxed);
        next
    }

    /// The owner waits no longer.
    pub(super) fn awake(&self) {
        self.parked_until.store(0, Relaxed);
        self.parking.awake();
    }

    /// The first deadline.
    pub(super) fn first_deadline(&self) -> Option<u64> {
        lock(&self.timers).wheel.first_deadline()
    }

    /// Moves the timers that are due to `batch`.
    pub(super) fn expire(&self, now: u64, batch: &mut Batch) {
        let mut timers = lock(&self.timers);
        timers.wheel.expire(now, |timer| {
            timer.end(State::Fired);
            batch.timers.push(timer);
        });
        self.counts[TIMERS].store(timers.wheel.len(), Relaxed);
    }

    /// The driver goes away: gives the system its own back, and tells all who wait.
    pub(super) fn close(&self, batch: &mut Batch) {
        let mut system = self.system.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(system.take());
        drop(system);
        let sources = lock(&self.sources);
        for (_, (_, source)) in &sources.slab {
            source.notice(Side::Read, source::Event::Gone, &mut batch.sources);
            source.notice(Side::Write, source::Event::Gone, &mut batch.sources);
        }
        drop(sources);
        let mut timers = lock(&self.timers);
        timers.closed = true;
        for timer in timers.wheel.clear() {
            timer.end(State::Gone);
            batch.timers.push(timer);
        }
        self.counts[TIMERS].store(0, Relaxed);
    }
}

fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

/// Edges of both directions, and of urgent data where the system tells it: reads end early there.
fn interest() -> Interest {
    let both = Interest::READABLE | Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let both = both | Interest::PRIORITY;
    both
}

/// The error of operations on what is left of a runtime.
pub(crate) fn gone() -> io::Error {
    io::Error::other("the runtime that this belongs to is gone")
}

/// One registered source. Its owner calls [`deregister`](Registration::deregister) before it closes the descriptor.
pub(crate) struct Registration {
    handle: Arc<Handle>,
    token: Token,
    source: Arc<Source>,
}

impl Registration {
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn wait(&self, side: Side) -> Wait<'_> {
        self.source.wait(side)
    }

    pub(crate) fn deregister(&self, io: &mut impl event::Source) {
        self.handle.with_system(|system| {
            // An error says that the system has forgotten it already; closing it makes sure.
            system.map(|system| io.deregister(&system.registry))
        });
        self.forget();
    }

    /// Takes the source out of the slab. Its wakers go with the last reference to it.
    fn forget(&self) {
        let key = self.token.0 & ((1 << KEY_BITS) - 1);
        let mut sources = lock(&self.handle.sources);
        let source = sources.slab.remove(key);
        if sources.slab.is_empty() && sources.slab.capacity() > KEPT {
            sources.slab = Slab::new();
        }
        self.handle.counts[SOURCES].store(sources.slab.len(), Relaxed);
        drop(sources);
        drop(source);
    }
}

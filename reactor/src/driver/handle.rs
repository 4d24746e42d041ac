//! The side of the driver that sockets, timers and other threads hold.

#![forbid(unsafe_code)]

use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::{Arc, Mutex, RwLock};
use std::task::Waker;
use std::time::Instant;

use mio::{Interest, Registry, Token, event};
use slab::Slab;

use crate::driver::batch::Batch;
use crate::driver::clock::Clock;
use crate::driver::parking::{Notify, Parking};
use crate::driver::source::{self, Readers, Side, Source, Wait};
use crate::driver::timers::{Armed, LATEST, State, Timers};
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
    timers: Timers<Waker>,
    /// How many sources there are: written under their lock, so that a look needs none.
    source_count: AtomicUsize,
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

impl Handle {
    pub(super) fn new(system: System) -> Arc<Self> {
        Arc::new(Self {
            system: RwLock::new(Some(system)),
            parking: Parking::new(),
            sources: Mutex::default(),
            timers: Timers::new(),
            source_count: AtomicUsize::new(0),
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
        self.source_count.load(Acquire) > 0
    }

    pub(super) fn has_timers(&self) -> bool {
        !self.timers.is_empty()
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
        (self.timers.len(), self.source_count.load(Relaxed))
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
            self.source_count.store(sources.slab.len(), Relaxed);
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

    /// The time of a deadline, for the timers.
    pub(crate) fn time(&self, deadline: Instant) -> u64 {
        self.clock.nanos(deadline).min(LATEST)
    }

    /// Whether a timer waits that was armed for that time.
    pub(crate) fn timer_state(&self, time: u64) -> State {
        self.timers.state(time)
    }

    /// Arms a timer. Gives its key, valid as long as it waits, or says why it does not.
    pub(crate) fn arm(&self, time: u64, waker: Waker) -> Result<u32, State> {
        let (armed, unused) = self.timers.arm(time, waker);
        drop(unused);
        self.after_arming(armed)
    }

    /// Moves a timer to another time. If that is over, the timer's task is woken, and the timer waits no longer.
    pub(crate) fn rearm(&self, key: u32, from: u64, to: u64) -> Result<u32, State> {
        let (armed, waker) = self.timers.rearm(key, from, to);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.after_arming(armed)
    }

    fn after_arming(&self, armed: Armed) -> Result<u32, State> {
        match armed {
            Armed::Waiting(key, is_first) => {
                if is_first {
                    self.unpark();
                }
                Ok(key)
            }
            Armed::Not(state) => Err(state),
        }
    }

    /// Has a timer wake another waker. `false` if it waits no longer.
    pub(crate) fn replace(&self, key: u32, time: u64, waker: Waker) -> bool {
        self.timers.replace(key, time, waker).is_ok()
    }

    /// Removes a timer, if it still waits.
    pub(crate) fn cancel(&self, key: u32, time: u64) {
        drop(self.timers.cancel(key, time));
    }

    /// The first deadline, for an owner that will wait until then: later timers that come first unpark it.
    pub(super) fn park_until_timer(&self) -> Option<u64> {
        self.timers.park()
    }

    /// The owner waits no longer.
    pub(super) fn awake(&self) {
        self.timers.awake();
        self.parking.awake();
    }

    /// The first deadline.
    pub(super) fn first_deadline(&self) -> Option<u64> {
        self.timers.first_deadline()
    }

    /// Moves the wakers of timers that are due to `batch`.
    pub(super) fn expire(&self, now: u64, batch: &mut Batch) {
        self.timers.expire(now, |waker| batch.timers.push(waker));
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
        batch.timers.extend(self.timers.close());
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
        self.handle.source_count.store(sources.slab.len(), Relaxed);
        drop(sources);
        drop(source);
    }
}

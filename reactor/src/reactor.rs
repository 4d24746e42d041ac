//! Event sources: the operating system's queue, and for each source and direction whether it is
//! ready and who waits.
//!
//! # Invariants
//!
//! Readiness is edge-triggered: the system reports a *change*, once.
//!
//! 1. `ready` means: an operation may succeed, try. It is true from the start, is set by every
//!    event, and is cleared by nothing but an operation that said `WouldBlock`. So an edge is never
//!    forgotten unused.
//! 2. It is cleared only if no event came since the attempt began (`tick`): "stale clear". On one
//!    thread nothing can come between an attempt and its clearing; the check keeps that from being
//!    an assumption of every caller.
//! 3. Who finds it false leaves a waker before returning `Pending`; an event takes all wakers of
//!    its direction.
//! 4. No waker is called and none dropped while a source or the reactor is borrowed.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll as SystemQueue, Registry, Token};
use slab::Slab;

/// The token of the executor's unparker. No slab key gets there.
pub(crate) const UNPARK: Token = Token(usize::MAX);

/// Events taken from the system at once. More wait there for the next call.
const EVENTS: usize = 256;

/// The system's event queue and the sources registered with it.
pub(crate) struct Reactor {
    queue: SystemQueue,
    events: Events,
    sources: Slab<Rc<Readiness>>,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            queue: SystemQueue::new()?,
            events: Events::with_capacity(EVENTS),
            sources: Slab::new(),
        })
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.queue.registry()
    }

    /// Registers `source` for both directions. Gives its token and its readiness.
    pub(crate) fn register(
        &mut self,
        source: &mut dyn Source,
    ) -> io::Result<(Token, Rc<Readiness>)> {
        let vacant = self.sources.vacant_entry();
        let token = Token(vacant.key());
        self.queue.registry().register(source, token, Interest::READABLE | Interest::WRITABLE)?;
        let readiness = Rc::new(Readiness::default());
        vacant.insert(readiness.clone());
        Ok((token, readiness))
    }

    /// Forgets a source. Its wakers go with the last reference to its readiness.
    pub(crate) fn deregister(&mut self, source: &mut dyn Source, token: Token) {
        self.sources.remove(token.0);
        // An error says that the system has forgotten it already; closing it makes sure.
        let _ = self.queue.registry().deregister(source);
    }

    /// Waits up to `timeout` for events (`None`: without limit), and moves the wakers of all who
    /// wait for them to `wakers`.
    pub(crate) fn poll(
        &mut self,
        timeout: Option<Duration>,
        wakers: &mut Vec<Waker>,
    ) -> io::Result<()> {
        match self.queue.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            // No foreign code runs between the system's call and this loop, so a token belongs to
            // the source it was given to, or to none.
            if let Some(readiness) = self.sources.get(event.token().0) {
                readiness.notice(event, wakers);
            }
        }
        Ok(())
    }
}

/// The state of one source.
#[derive(Default)]
pub(crate) struct Readiness {
    read: RefCell<Direction>,
    write: RefCell<Direction>,
}

/// One of a source's two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Read,
    Write,
}

struct Direction {
    ready: bool,
    /// Counts events (wrapping: it is only compared with a recent one).
    tick: u32,
    /// Of the last `poll_…` that found it not ready: these take the source exclusively, so there
    /// is one.
    poller: Option<Waker>,
    /// Of any number of [`Wait`] futures; `None` once woken.
    waiters: Slab<Option<Waker>>,
}

impl Default for Direction {
    fn default() -> Self {
        Self { ready: true, tick: 0, poller: None, waiters: Slab::new() }
    }
}

/// Proof that a side was ready, to be given back if it turned out not to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    tick: u32,
}

impl Direction {
    fn attempt(&self) -> Option<Attempt> {
        self.ready.then_some(Attempt { tick: self.tick })
    }

    fn notice(&mut self, wakers: &mut Vec<Waker>) {
        self.ready = true;
        self.tick = self.tick.wrapping_add(1);
        wakers.extend(self.poller.take());
        wakers.extend(self.waiters.iter_mut().filter_map(|(_, waker)| waker.take()));
    }
}

impl Readiness {
    fn side(&self, side: Side) -> &RefCell<Direction> {
        match side {
            Side::Read => &self.read,
            Side::Write => &self.write,
        }
    }

    /// An error or a hang-up makes both sides ready: the next operation reports it.
    fn notice(&self, event: &Event, wakers: &mut Vec<Waker>) {
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read.borrow_mut().notice(wakers);
        }
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            self.write.borrow_mut().notice(wakers);
        }
    }

    /// Whether to try an operation. If not, the task is woken when to try again; the waker of the
    /// last call counts.
    pub(crate) fn poll_ready(&self, side: Side, cx: &Context<'_>) -> Poll<Attempt> {
        if let Some(attempt) = self.side(side).borrow().attempt() {
            return Poll::Ready(attempt);
        }
        let waker = cx.waker().clone();
        let stale = self.side(side).borrow_mut().poller.replace(waker);
        drop(stale);
        Poll::Pending
    }

    /// As [`poll_ready`](Readiness::poll_ready), for any number of tasks at a time.
    pub(crate) fn wait(&self, side: Side) -> Wait<'_> {
        Wait { direction: self.side(side), key: None }
    }

    /// The attempt said `WouldBlock`.
    pub(crate) fn clear(&self, side: Side, attempt: Attempt) {
        let mut direction = self.side(side).borrow_mut();
        if direction.tick == attempt.tick {
            direction.ready = false;
        }
    }
}

/// Waits until a side is ready.
pub(crate) struct Wait<'a> {
    direction: &'a RefCell<Direction>,
    key: Option<usize>,
}

impl Wait<'_> {
    fn remove(&mut self) {
        if let Some(key) = self.key.take() {
            let waker = self.direction.borrow_mut().waiters.remove(key);
            drop(waker);
        }
    }
}

impl Future for Wait<'_> {
    type Output = Attempt;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Attempt> {
        let attempt = self.direction.borrow().attempt();
        if let Some(attempt) = attempt {
            self.remove();
            return Poll::Ready(attempt);
        }
        let waker = Some(cx.waker().clone());
        let stale = match self.key {
            Some(key) => std::mem::replace(&mut self.direction.borrow_mut().waiters[key], waker),
            None => {
                self.key = Some(self.direction.borrow_mut().waiters.insert(waker));
                None
            }
        };
        drop(stale);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

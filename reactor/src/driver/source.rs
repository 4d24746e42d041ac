//! The state of one source of events: for each direction whether it is ready, and who waits.
//!
//! # Invariants
//!
//! Readiness is edge-triggered: the system reports a *change*, once.
//!
//! 1. READY means: an operation may succeed, try. It is set from the start and by every event. It is cleared only by an
//!    attempt that found nothing left, and only if the word is as it was when the attempt began: every event changes
//!    its tick ("stale clear"). So an edge is never forgotten unused.
//! 2. A place is armed while READY is not set, under the lock of the waiters. An event sets READY, then takes that
//!    lock. So it finds the place, or the place finds it.
//! 3. An armed place has a waker.
//! 4. No foreign code runs under a lock: no waker is cloned, called or dropped there.
//! 5. An event comes after what it tells of, and releases that to the attempt that it lets begin. So an attempt that
//!    finds nothing has seen all that the tick tells.
//! 6. If one waiter at a time is woken, then it is responsible for the others until it has cleared READY. When it goes
//!    away before, it wakes the next one.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering::Relaxed},
    lock, order,
};

const READY: u32 = 1;
/// A short read no longer says that nothing is left: see [`Attempt::emptied`].
const UNSURE: u32 = 2;
/// The driver is gone: there will be no events.
const GONE: u32 = 4;
/// One event. Wraps: the tick is only compared with a recent one.
const TICK: u32 = 8;

/// One of a source's two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Reading, accepting.
    Read,
    /// Writing, connecting.
    Write,
}

/// Who is woken by an event of the reading direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// All who wait.
    All,
    /// One of those who wait, the one that has waited longest: what there is to read goes to one of them, as in a
    /// listener. It wakes the next.
    OneByOne,
}

/// What an event says of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Ready.
    Ready,
    /// Ready, and a short read proves nothing from now on: the other end has closed, an error is to be reported, or
    /// urgent data makes reads end early.
    Unsure,
    /// The driver goes away.
    Gone,
}

/// The state of one source, shared by its owner and the driver.
pub struct Source {
    read: Direction,
    write: Direction,
    readers: Readers,
}

struct Direction {
    /// Flags and tick.
    word: AtomicU32,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    /// Of `poll_…` callers: the last one counts.
    poller: Place,
    /// Of [`Wait`]s.
    places: Slab<Place>,
    /// Of a place that is no longer used. Mostly the same task waits next, which then clones nothing. So a source may
    /// keep the waker of a task that is done, one in each direction.
    spare: Option<Waker>,
    /// Counts the times that somebody began to wait.
    clock: u64,
}

#[derive(Default)]
struct Place {
    waker: Option<Waker>,
    armed: bool,
    /// Woken alone, and so responsible for the others (invariant 6).
    responsible: bool,
    since: u64,
}

/// Which place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Poller,
    Wait(usize),
}

/// A waker to be called, outside of all locks, and the place to which it goes back.
pub struct Woken {
    waker: Waker,
    source: Arc<Source>,
    side: Side,
    key: Key,
}

/// Proof that a side was ready, to be given back if it turned out not to be.
#[derive(Debug, Clone, Copy)]
pub struct Attempt(u32);

impl Attempt {
    /// Whether the driver is gone, so that waiting would never end.
    pub fn is_gone(self) -> bool {
        self.0 & GONE != 0
    }

    /// Whether a read of a byte stream that gave `read` of `asked` bytes has emptied it.
    ///
    /// Then the next bytes come with an event, and the read that would only say so is saved. The end of the stream may
    /// have come with the *same* event as the last bytes, so not once the other end has closed.
    pub fn emptied(self, read: usize, asked: usize) -> bool {
        self.0 & UNSURE == 0 && 0 < read && read < asked
    }
}

impl Waiters {
    fn place(&mut self, key: &mut Option<Key>) -> &mut Place {
        let key = *key.get_or_insert_with(|| {
            let waker = self.spare.take();
            Key::Wait(self.places.insert(Place { waker, ..Place::default() }))
        });
        self.get(key).expect("a place is there until its `Wait` is dropped")
    }

    fn get(&mut self, key: Key) -> Option<&mut Place> {
        match key {
            Key::Poller => Some(&mut self.poller),
            Key::Wait(key) => self.places.get_mut(key),
        }
    }

    /// The place that has waited longest.
    fn first(&mut self) -> Option<(usize, &mut Place)> {
        let armed = self.places.iter_mut().filter(|(_, place)| place.armed);
        armed.min_by_key(|(_, place)| place.since)
    }
}

impl Direction {
    fn new() -> Self {
        Self { word: AtomicU32::new(READY), waiters: Mutex::default() }
    }

    fn attempt(&self) -> Option<Attempt> {
        let word = self.word.load(order::acquire("attempt"));
        (word & READY != 0).then_some(Attempt(word))
    }

    /// Arms the place of `key`, unless the side is ready.
    fn poll_ready(&self, key: &mut Option<Key>, cx: &Context<'_>) -> Poll<Attempt> {
        if let Some(attempt) = self.attempt() {
            return Poll::Ready(attempt);
        }
        let mut fresh: Option<Waker> = None;
        loop {
            let _stale; // Dropped after the lock is released, as is `fresh`.
            {
                let mut waiters = lock(&self.waiters);
                if let Some(attempt) = self.attempt() {
                    return Poll::Ready(attempt);
                }
                waiters.clock += 1;
                let now = waiters.clock;
                let place = waiters.place(key);
                let kept = place.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
                if kept || fresh.is_some() {
                    if !kept {
                        _stale = std::mem::replace(&mut place.waker, fresh.take());
                    }
                    if !place.armed {
                        place.since = now;
                    }
                    place.armed = true;
                    place.responsible = false;
                    return Poll::Pending;
                }
            }
            fresh = Some(cx.waker().clone());
        }
    }
}

impl Source {
    /// The state of a source that is ready in both directions, for all that is known.
    pub fn new(readers: Readers) -> Arc<Self> {
        Arc::new(Self { read: Direction::new(), write: Direction::new(), readers })
    }

    fn side(&self, side: Side) -> &Direction {
        match side {
            Side::Read => &self.read,
            Side::Write => &self.write,
        }
    }

    /// Driver: an event came. Moves the wakers to be called to `woken`.
    pub fn notice(self: &Arc<Self>, side: Side, event: Event, woken: &mut Vec<Woken>) {
        let flags = match event {
            Event::Ready => READY,
            Event::Unsure => READY | UNSURE,
            Event::Gone => READY | UNSURE | GONE,
        };
        let direction = self.side(side);
        let _ = direction.word.fetch_update(order::release("event"), Relaxed, |word| {
            Some(word.wrapping_add(TICK) | flags)
        });
        let mut waiters = lock(&direction.waiters);
        woken.extend(self.take(side, Key::Poller, &mut waiters.poller));
        if side == Side::Read && self.readers == Readers::OneByOne && event != Event::Gone {
            if let Some((key, place)) = waiters.first() {
                place.responsible = true;
                woken.extend(self.take(side, Key::Wait(key), place));
            }
        } else {
            let places = waiters.places.iter_mut();
            woken.extend(places.filter_map(|(key, place)| self.take(side, Key::Wait(key), place)));
        }
    }

    fn take(self: &Arc<Self>, side: Side, key: Key, place: &mut Place) -> Option<Woken> {
        if !std::mem::replace(&mut place.armed, false) {
            return None;
        }
        let waker = place.waker.take()?;
        Some(Woken { waker, source: self.clone(), side, key })
    }

    /// Whether to try an operation. If not, the task is woken when to try again; the waker of the last call counts.
    pub fn poll_ready(&self, side: Side, cx: &Context<'_>) -> Poll<Attempt> {
        self.side(side).poll_ready(&mut Some(Key::Poller), cx)
    }

    /// As [`poll_ready`](Source::poll_ready), for any number of tasks at a time.
    pub fn wait(self: &Arc<Self>, side: Side) -> Wait<'_> {
        Wait { source: self, side, key: None }
    }

    /// The attempt found nothing left.
    pub fn clear(&self, side: Side, attempt: Attempt) {
        let word = &self.side(side).word;
        // A failure says that an event came since.
        let _ = word.compare_exchange(attempt.0, attempt.0 & !READY, Relaxed, Relaxed);
    }

    /// Wakes the next waiter, if there is still something for it.
    fn pass_on(self: &Arc<Self>, side: Side) {
        let direction = self.side(side);
        let woken = {
            let mut waiters = lock(&direction.waiters);
            match waiters.first() {
                Some((key, place)) if direction.attempt().is_some() => {
                    place.responsible = true;
                    self.take(side, Key::Wait(key), place)
                }
                _ => None,
            }
        };
        if let Some(woken) = woken {
            woken.wake();
        }
    }
}

impl Woken {
    /// Calls the waker, then puts it back, so that the next wait need not clone it.
    pub fn wake(self) {
        self.waker.wake_by_ref();
        let _unwanted; // Dropped after the lock is released.
        let mut waiters = lock(&self.source.side(self.side).waiters);
        let waiters = &mut *waiters;
        let home = match waiters.get(self.key) {
            Some(place) => &mut place.waker,
            // The task has waited and gone by now: it is likely to come again.
            None => &mut waiters.spare,
        };
        match home {
            None => *home = Some(self.waker),
            Some(_) => _unwanted = self.waker,
        }
    }
}

/// Waits until a side is ready, again and again.
pub struct Wait<'a> {
    source: &'a Arc<Source>,
    side: Side,
    key: Option<Key>,
}

impl Wait<'_> {
    /// Whether to try an operation. If not, the task is woken when to try again.
    pub fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Attempt> {
        self.source.side(self.side).poll_ready(&mut self.key, cx)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(Key::Wait(key)) = self.key else { return };
        let (responsible, _unwanted) = {
            let mut waiters = lock(&self.source.side(self.side).waiters);
            let place = waiters.places.remove(key);
            let unwanted = match place.waker {
                None => None,
                waker => std::mem::replace(&mut waiters.spare, waker),
            };
            (place.responsible, unwanted)
        };
        if responsible {
            self.source.pass_on(self.side);
        }
    }
}

//! The rounds: every chain of the group is resumed in turn, and a place whose chain has returned is filled at once.
//!
//! The group is a ring of places, visited in their order. It needs no queue, since a chain that suspends at a prefetch
//! is ready again when the others have had their turn. **In order** an input's place is its index modulo the size of
//! the group, and a result stays in its place until all earlier ones were delivered: so the next one to deliver is
//! always at the cursor.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::interleavable::Start;
use super::slot::Slot;
use crate::chain::host::Host;
use crate::chain::step::Turn;
use crate::interleave::waker::Lender;

/// After how many resumptions a batch in a task lets the task's executor run: so many cache misses that a trip through
/// the executor does not count.
const RESUMES_PER_POLL: usize = 4096;

/// How many chains a place runs in one round, if they return without suspending.
const STARTS_PER_VISIT: usize = 64;

/// The places of a group.
///
/// # Safety
/// - `slots` always returns the same places, at least one.
/// - They are valid, only `slots` leads to them, and they are not moved while `Self` is pinned.
pub unsafe trait Slots {
    /// The coroutines that run in them.
    type Coroutine: Start;

    /// # Safety
    /// `this` is valid.
    #[doc(hidden)]
    unsafe fn slots(this: *mut Self) -> *mut [Slot<Self::Coroutine>];
}

// SAFETY: the places are a part of `Self`. There is one at least: `Interleave::slots` asserts that.
unsafe impl<C: Start, const GROUP: usize> Slots for [Slot<C>; GROUP] {
    type Coroutine = C;

    #[inline(always)]
    unsafe fn slots(this: *mut Self) -> *mut [Slot<C>] {
        this
    }
}

/// Places that belong to somebody else.
#[derive(Debug)]
pub struct Borrowed<'a, C: Start> {
    slots: NonNull<[Slot<C>]>,
    _slots: PhantomData<&'a mut [Slot<C>]>,
}

// SAFETY: this is an exclusive reference to the places, which are `Send`.
unsafe impl<C: Start> Send for Borrowed<'_, C> where Slot<C>: Send {}
// SAFETY: a shared reference to a slot gives access to nothing.
unsafe impl<C: Start> Sync for Borrowed<'_, C> {}

impl<C: Start> Borrowed<'_, C> {
    /// # Safety
    /// There is one place at least. For the lifetime `'a` the places are valid, nothing else leads to them, and they
    /// are not moved. (Afterwards they may hold suspended chains, if this was leaked.)
    #[inline(always)]
    pub(super) unsafe fn new(slots: NonNull<[Slot<C>]>) -> Self {
        Borrowed { slots, _slots: PhantomData }
    }
}

// SAFETY: `Borrowed::new` was given places that are valid, not moved, and reached through this only.
unsafe impl<C: Start> Slots for Borrowed<'_, C> {
    type Coroutine = C;

    #[inline(always)]
    unsafe fn slots(this: *mut Self) -> *mut [Slot<C>] {
        // SAFETY: the batch that asks has this in itself.
        unsafe { (*this).slots.as_ptr() }
    }
}

/// A batch as a [`Future`]: made by [`Interleave::batch`](super::Interleave::batch) and its
/// relatives.
///
/// # Panics
/// If `inputs`, `make`, `sink` or a coroutine panics, all chains of the batch are dropped while the
/// panic unwinds. Polled after that, or after it has ended, a batch panics.
///
/// # Cancellation
/// Dropping it drops the chains in the order of their places, each one innermost frame first, then `inputs`, `make` and
/// `sink`. Results that wait for their turn are dropped with their places.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Batch<I, M, K, S: Slots, const ORDERED: bool> {
    feed: Feed<I, M, K, ORDERED>,
    slots: S,
}

/// The source of inputs, the sink of results, and how far the batch has come.
struct Feed<I, M, K, const ORDERED: bool> {
    inputs: I,
    make: M,
    sink: K,
    /// The index of the next input.
    next: usize,
    /// How many results were delivered.
    delivered: usize,
    /// In order: the place of the next result.
    cursor: usize,
    exhausted: bool,
    condition: Condition,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Condition {
    Unstarted,
    Suspended,
    /// It has ended, or is being polled: a panic leaves it so.
    Ended,
}

impl<I, M, K, S, const ORDERED: bool> Batch<I, M, K, S, ORDERED>
where
    I: Iterator,
    S: Slots,
    M: FnMut(I::Item) -> S::Coroutine,
    K: FnMut(usize, <S::Coroutine as Start>::Output),
{
    /// The places are vacant.
    #[inline(always)]
    pub(super) fn new(inputs: I, make: M, sink: K, slots: S) -> Self {
        let feed = Feed {
            inputs,
            make,
            sink,
            next: 0,
            delivered: 0,
            cursor: 0,
            exhausted: false,
            condition: Condition::Unstarted,
        };
        Batch { feed, slots }
    }

    /// Runs the batch to its end, on the spot.
    ///
    /// # Panics
    /// If every chain waits for something else than its turn.
    #[inline(always)]
    pub(super) fn run(self: Pin<&mut Self>) {
        let rounds = usize::MAX;
        // SAFETY: the batch is pinned, and `rounds` does not move its places.
        let ended = unsafe { Self::rounds(self.get_unchecked_mut(), Waker::noop(), rounds) };
        assert!(
            ended == Round::Ended,
            "all coroutines of the batch wait for something else than a prefetch: \
             await it as a future instead of running it",
        );
    }

    /// Runs at most so many rounds.
    ///
    /// A function of its own, so that the places are behind a pointer: if their addresses are computed from the stack
    /// pointer, the loop takes twice the instructions.
    ///
    /// # Safety
    /// `this` is pinned and valid.
    #[inline(never)]
    unsafe fn rounds(this: *mut Self, outer: &Waker, rounds: usize) -> Round {
        // SAFETY: `run` and `poll` have the batch pinned and borrowed exclusively. `feed` and the places do not
        // overlap, and nothing in a chain leads to either.
        let (feed, slots) = unsafe { (&mut (*this).feed, S::slots(&raw mut (*this).slots)) };
        assert!(feed.condition != Condition::Ended, "a batch was polled after it had ended");
        let resumed = feed.condition == Condition::Suspended;
        feed.condition = Condition::Ended;
        let unwinding = Reset(slots);
        // SAFETY: the places are valid and pinned as the batch is, and only this leads to them (`Slots`). They are
        // changed through their cells only.
        let slots = unsafe { &*slots };

        let lender = Lender::new(outer);
        let lent = lender.waker();
        let mut cx = Context::from_waker(&lent);
        let host = Host::of(&mut cx);
        if resumed {
            slots.iter().filter(|slot| slot.is_suspended()).for_each(|slot| slot.enter(host));
        } else if ORDERED {
            // SAFETY: the batch was not started, so its places are vacant; they are pinned (invariant I).
            unsafe { feed.fill(slots, host) };
        }

        let mut round = Round::Progress;
        for _ in 0..rounds {
            // SAFETY: the places are pinned. The suspended ones were entered above, or in this poll by `start`
            // (invariant I).
            round = unsafe { feed.round(slots, &lender, host) };
            if round != Round::Progress {
                break;
            }
        }
        core::mem::forget(unwinding);
        if round != Round::Ended {
            feed.condition = Condition::Suspended;
        }
        round
    }
}

/// The outcome of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Round {
    /// A chain has gone on, or will if it is resumed.
    Progress,
    /// Every chain waits for a wake-up.
    Stuck,
    /// There are no more chains and no more inputs.
    Ended,
}

impl<I, M, K, C, const ORDERED: bool> Feed<I, M, K, ORDERED>
where
    I: Iterator,
    C: Start,
    M: FnMut(I::Item) -> C,
    K: FnMut(usize, C::Output),
{
    /// Resumes each chain once, and fills places.
    ///
    /// # Safety
    /// The slots are pinned, and each suspended one was entered with this host, whose waker is the one of `lender`.
    #[inline(always)]
    unsafe fn round(&mut self, slots: &[Slot<C>], lender: &Lender<'_>, host: Host<'_>) -> Round {
        // Counts idle places: counting the others would cost something at each switch. (The lender knows of the chains
        // that have woken themselves.)
        let mut idle = 0;
        let mut moved = false;
        if ORDERED {
            // SAFETY: the places are pinned, as `rounds` has them (invariant I).
            moved = unsafe { self.deliver(slots, host) };
        }
        for (place, slot) in slots.iter().enumerate() {
            // SAFETY: `rounds`, or `start` in this poll, has entered this place if it is suspended (invariant I).
            match unsafe { slot.resume() } {
                Turn::Yielded => {}
                Turn::Waiting => idle += 1,
                Turn::Returned if ORDERED => {
                    if place == self.cursor {
                        // SAFETY: the places are pinned, as `rounds` has them (invariant I).
                        unsafe { self.deliver(slots, host) };
                    }
                }
                // SAFETY: the chain in this place has just returned. `put` takes the result, which leaves it vacant
                // (invariant I).
                Turn::Returned => unsafe {
                    self.put(slot);
                    self.refill(slot, host);
                },
                Turn::Ended if ORDERED || self.exhausted => idle += 1,
                // SAFETY: there is no chain, and no result is left in a place unless in order: it is vacant (invariant
                // I).
                Turn::Ended => unsafe { self.refill(slot, host) },
            }
        }
        let progress = lender.take_progress();
        if self.exhausted && self.delivered == self.next {
            Round::Ended
        } else if moved || idle < slots.len() || progress {
            Round::Progress
        } else {
            Round::Stuck
        }
    }

    /// Delivers the result of a slot.
    ///
    /// # Safety
    /// The slot has returned.
    #[inline(always)]
    unsafe fn put(&mut self, slot: &Slot<C>) {
        self.delivered += 1;
        let index = slot.index();
        // SAFETY: the caller has seen the chain in this place return, or its flag, and takes the result once (invariant
        // I).
        (self.sink)(index, unsafe { slot.take() });
    }

    /// Starts the next chain, if there is one.
    ///
    /// # Safety
    /// The slot is vacant and pinned.
    #[inline(always)]
    unsafe fn start(&mut self, slot: &Slot<C>, host: Host<'_>) -> Option<Turn> {
        if self.exhausted {
            return None;
        }
        let Some(input) = self.inputs.next() else {
            self.exhausted = true;
            return None;
        };
        let coroutine = (self.make)(input);
        let index = self.next;
        self.next += 1;
        // SAFETY: the caller has a place that is vacant and pinned (invariant I).
        Some(unsafe { slot.start(coroutine, index, host) })
    }

    /// Starts chains in a slot until one suspends.
    ///
    /// # Safety
    /// The slot is vacant and pinned.
    #[inline(always)]
    unsafe fn refill(&mut self, slot: &Slot<C>, host: Host<'_>) {
        for _ in 0..STARTS_PER_VISIT {
            // SAFETY: the place is vacant, as `round` has found it, and again when `put` has taken a result (invariant
            // I).
            unsafe {
                match self.start(slot, host) {
                    Some(Turn::Returned) => self.put(slot),
                    Some(Turn::Yielded | Turn::Waiting | Turn::Ended) | None => break,
                }
            }
        }
    }

    /// In order: starts the first chains.
    ///
    /// # Safety
    /// The slots are vacant and pinned.
    unsafe fn fill(&mut self, slots: &[Slot<C>], host: Host<'_>) {
        for slot in slots {
            // SAFETY: `rounds` calls this for a batch that was not started: its places are vacant (invariant I).
            if unsafe { self.start(slot, host) }.is_none() {
                break;
            }
        }
    }

    /// In order: delivers the results whose turn it is, and fills their places; whether there were any.
    ///
    /// # Safety
    /// The slots are pinned.
    unsafe fn deliver(&mut self, slots: &[Slot<C>], host: Host<'_>) -> bool {
        let mut any = false;
        for _ in 0..slots.len() {
            let slot = &slots[self.cursor];
            if !slot.has_returned() {
                break;
            }
            any = true;
            self.cursor = if self.cursor + 1 == slots.len() { 0 } else { self.cursor + 1 };
            // SAFETY: the flag says that the chain in this place has returned. It is vacant after `put` (invariant I).
            unsafe {
                self.put(slot);
                self.start(slot, host);
            }
        }
        any
    }
}

/// Empties the slots while a panic unwinds: chains are dropped in the order of their places.
struct Reset<C: Start>(*mut [Slot<C>]);

impl<C: Start> Drop for Reset<C> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `rounds`, which unwinds, has the slots pinned, and runs none of their chains any more (invariant I).
        unsafe { reset(self.0) }
    }
}

/// Empties the slots, as dropping them does, and leaves them as new. If a drop panics the others are dropped all the
/// same.
///
/// # Safety
/// The slots are valid, nothing runs their chains, and nobody relies on their being pinned any more.
#[cold]
#[inline(never)]
pub(super) unsafe fn reset<C: Start>(slots: *mut [Slot<C>]) {
    /// Makes all slots new, after their contents were dropped.
    struct Renew<C: Start>(*mut [Slot<C>]);
    impl<C: Start> Drop for Renew<C> {
        fn drop(&mut self) {
            for place in 0..self.0.len() {
                // SAFETY: the slot is one of those that `reset` was given, and was dropped.
                unsafe { self.0.cast::<Slot<C>>().add(place).write(Slot::new()) }
            }
        }
    }
    let _renew = Renew(slots);
    // SAFETY: the batch or the group that calls this leads to the slots, and nothing runs their chains (invariant I).
    // `Renew` makes them valid again, also if a drop panics.
    unsafe { ptr::drop_in_place(slots) }
}

impl<I, M, K, S, const ORDERED: bool> Future for Batch<I, M, K, S, ORDERED>
where
    I: Iterator,
    S: Slots,
    M: FnMut(I::Item) -> S::Coroutine,
    K: FnMut(usize, <S::Coroutine as Start>::Output),
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the places are not moved by this pointer.
        let this: *mut Self = unsafe { self.get_unchecked_mut() };
        // SAFETY: the pointer is the reference that this was given.
        let places = unsafe { S::slots(&raw mut (*this).slots) }.len();
        // SAFETY: the batch is pinned, and borrowed exclusively.
        match unsafe { Self::rounds(this, cx.waker(), (RESUMES_PER_POLL / places).max(1)) } {
            Round::Ended => Poll::Ready(()),
            Round::Stuck => Poll::Pending,
            Round::Progress => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<I, M, K, S: Slots, const ORDERED: bool> Drop for Batch<I, M, K, S, ORDERED> {
    #[inline]
    fn drop(&mut self) {
        if self.feed.condition == Condition::Suspended {
            // SAFETY: nothing runs the chains, since `self` is borrowed exclusively (invariant I).
            unsafe { reset(S::slots(&raw mut self.slots)) }
        }
    }
}

impl<I, M, K, S: Slots, const ORDERED: bool> fmt::Debug for Batch<I, M, K, S, ORDERED> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("started", &self.feed.next)
            .field("delivered", &self.feed.delivered)
            .field("ordered", &ORDERED)
            .finish_non_exhaustive()
    }
}

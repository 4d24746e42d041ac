//! The rounds: every chain of the group is resumed in turn, and a place whose chain has returned is
//! filled at once.
//!
//! The group is a ring of places, visited in their order; there is no queue, since whoever
//! suspends at a prefetch is ready again when the others have had their turn. **In order** an
//! input's place is its index modulo the size of the group, and a result stays in its place until
//! all earlier ones were delivered: so the next one to deliver is always found at the cursor.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::interleavable::Start;
use super::slot::Slot;
use crate::chain::driver::Host;
use crate::chain::step::Turn;
use crate::interleave::waker::Lender;

/// After how many resumptions a batch in a task lets the task's executor run: some 50 µs of
/// cache misses, against which a trip through the executor does not count.
const RESUMES_PER_POLL: usize = 4096;

/// How many chains that return without suspending a place runs in one round.
const STARTS_PER_VISIT: usize = 64;

/// Where the places of a group lie.
///
/// # Safety
/// `slots` returns the same places always, at least one; they are valid, only reached through it,
/// and not moved while `Self` is pinned.
pub unsafe trait Slots {
    /// What runs in them.
    type Coroutine: Start;

    /// # Safety
    /// `this` is valid.
    #[doc(hidden)]
    unsafe fn slots(this: *mut Self) -> *mut [Slot<Self::Coroutine>];
}

// SAFETY: they are part of `Self`. (At least one: `Interleave` sees to that.)
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

// SAFETY: it is an exclusive reference.
unsafe impl<C: Start> Send for Borrowed<'_, C> where Slot<C>: Send {}
// SAFETY: a shared reference to a slot gives access to nothing.
unsafe impl<C: Start> Sync for Borrowed<'_, C> {}

impl<C: Start> Borrowed<'_, C> {
    /// # Safety
    /// For the lifetime, the places are valid, reached by nobody else, and not moved; at least one.
    /// Afterwards they may hold suspended chains, if the borrow was leaked.
    #[inline(always)]
    pub(super) unsafe fn new(slots: NonNull<[Slot<C>]>) -> Self {
        Borrowed { slots, _slots: PhantomData }
    }
}

// SAFETY: contract of `Borrowed::new`.
unsafe impl<C: Start> Slots for Borrowed<'_, C> {
    type Coroutine = C;

    #[inline(always)]
    unsafe fn slots(this: *mut Self) -> *mut [Slot<C>] {
        // SAFETY: by contract.
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
/// Dropping it drops the chains in the order of their places, each one innermost frame first, then
/// `inputs`, `make` and `sink`. Results that are kept until it is their turn are dropped in their
/// places.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Batch<I, M, K, S: Slots, const ORDERED: bool> {
    feed: Feed<I, M, K, ORDERED>,
    slots: S,
}

/// Where inputs come from and results go to, and how far the batch has come.
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
    /// Or being polled: what a panic leaves behind.
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
        // SAFETY: nothing is moved out of the pinned batch.
        let ended = unsafe { Self::rounds(self.get_unchecked_mut(), Waker::noop(), rounds) };
        assert!(
            ended == Round::Ended,
            "all coroutines of the batch wait for something else than a prefetch: \
             await it as a future instead of running it",
        );
    }

    /// Runs at most so many rounds.
    ///
    /// A function of its own, in which the places are behind a pointer: a loop over places whose
    /// address is computed from the stack pointer takes twice the instructions.
    ///
    /// # Safety
    /// `this` is pinned and valid.
    #[inline(never)]
    unsafe fn rounds(this: *mut Self, outer: &Waker, rounds: usize) -> Round {
        // SAFETY: by contract. `feed` and the places do not overlap, and the chains reach neither.
        let (feed, slots) = unsafe { (&mut (*this).feed, S::slots(&raw mut (*this).slots)) };
        assert!(feed.condition != Condition::Ended, "a batch was polled after it had ended");
        let resumed = feed.condition == Condition::Suspended;
        feed.condition = Condition::Ended;
        let unwinding = Reset(slots);
        // SAFETY: valid and pinned, by the contract of `Slots`; they are only changed through
        // their cells.
        let slots = unsafe { &*slots };

        let lender = Lender::new(outer);
        let lent = lender.waker();
        let mut cx = Context::from_waker(lent.waker());
        let host = Host::of(&mut cx);
        if resumed {
            slots.iter().filter(|slot| slot.is_suspended()).for_each(|slot| slot.enter(host));
        } else if ORDERED {
            // SAFETY: the places are vacant and pinned.
            unsafe { feed.fill(slots, host) };
        }

        let mut round = Round::Progress;
        for _ in 0..rounds {
            // SAFETY: the slots are pinned and were entered or are vacant.
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

/// What a round led to.
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
    /// The slots are pinned, and each one that is suspended was entered with this
    /// host, whose waker is that of `lender`.
    #[inline(always)]
    unsafe fn round(&mut self, slots: &[Slot<C>], lender: &Lender<'_>, host: Host<'_>) -> Round {
        // How many places have nothing to do: rather than whether one has, so that a switch costs
        // nothing for it. Chains that wake themselves are known to the lender.
        let mut idle = 0;
        let mut moved = false;
        // SAFETY: the contracts of `resume`, `take`, `refill` and `deliver` are this one's, with
        // the condition that was just asked for.
        unsafe {
            if ORDERED {
                moved = self.deliver(slots, host);
            }
            for (place, slot) in slots.iter().enumerate() {
                match slot.resume() {
                    Turn::Yielded => {}
                    Turn::Waiting => idle += 1,
                    Turn::Returned if ORDERED => {
                        if place == self.cursor {
                            self.deliver(slots, host);
                        }
                    }
                    Turn::Returned => {
                        self.put(slot);
                        self.refill(slot, host);
                    }
                    Turn::Ended if ORDERED || self.exhausted => idle += 1,
                    Turn::Ended => self.refill(slot, host),
                }
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
        // SAFETY: by contract.
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
        // SAFETY: by contract.
        Some(unsafe { slot.start(coroutine, index, host) })
    }

    /// Starts chains in a slot until one suspends.
    ///
    /// # Safety
    /// The slot is vacant and pinned.
    #[inline(always)]
    unsafe fn refill(&mut self, slot: &Slot<C>, host: Host<'_>) {
        for _ in 0..STARTS_PER_VISIT {
            // SAFETY: passed on; what has returned is taken before the next start.
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
            // SAFETY: passed on.
            if unsafe { self.start(slot, host) }.is_none() {
                break;
            }
        }
    }

    /// In order: delivers the results whose turn it is and fills their places. Returns whether
    /// there were any.
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
            // SAFETY: it has returned, and is vacant after `put`.
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
        // SAFETY: whoever makes this has the slots, valid and pinned.
        unsafe { reset(self.0) }
    }
}

/// Empties the slots, as dropping them does, and leaves them as new. If a drop panics the others
/// are dropped all the same.
///
/// # Safety
/// The slots are valid, nothing runs their chains, and pins on them end here.
#[cold]
#[inline(never)]
pub(super) unsafe fn reset<C: Start>(slots: *mut [Slot<C>]) {
    /// Makes all slots new: what is in the memory was dropped.
    struct Renew<C: Start>(*mut [Slot<C>]);
    impl<C: Start> Drop for Renew<C> {
        fn drop(&mut self) {
            for place in 0..self.0.len() {
                // SAFETY: in bounds.
                unsafe { self.0.cast::<Slot<C>>().add(place).write(Slot::new()) }
            }
        }
    }
    let _renew = Renew(slots);
    // SAFETY: by contract; the memory is renewed whatever happens.
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
        // SAFETY: nothing is moved out of the pinned batch.
        unsafe {
            let this: *mut Self = self.get_unchecked_mut();
            let places = S::slots(&raw mut (*this).slots).len();
            match Self::rounds(this, cx.waker(), (RESUMES_PER_POLL / places).max(1)) {
                Round::Ended => Poll::Ready(()),
                Round::Stuck => Poll::Pending,
                Round::Progress => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        }
    }
}

impl<I, M, K, S: Slots, const ORDERED: bool> Drop for Batch<I, M, K, S, ORDERED> {
    #[inline]
    fn drop(&mut self) {
        if self.feed.condition == Condition::Suspended {
            // SAFETY: nothing runs the chains, since `self` is borrowed exclusively.
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

//! Call with current continuation, once: [`suspend`] and the [`Continuation`] it hands out.
//!
//! # Implementation notes
//!
//! A suspension is a `Handshake` shared by two parties: the *waiter* (the future) and the
//! *resumer* (the continuation). It has one state word, a slot for the value and a slot for the
//! waiter's waker.
//!
//! ```text
//!                       register                        (edges: methods of Handshake)
//!       new ──► REGISTERING ────────► WAITING
//!                │   │  ▲    claim     │  │
//!                │   │  └──────────────┘  │
//!        resume  │   │ abandon    abandon │  resume: takes the waker and wakes
//!       let_go   │   ▼                    ▼  let_go: takes the waker and wakes
//!                │  ABANDONED ◄───────────┤
//!                │   ▲      │ abandon     │
//!                ▼   │      │ (drops v)   ▼
//!               VALUE, DROPPED ◄──────────┘
//!                    │
//!                    └─ claim, register: the waiter sees it and takes the value
//! ```
//!
//! Who may touch what:
//!
//! | state | value slot | waker slot |
//! |---|---|---|
//! | `REGISTERING` | resumer | waiter |
//! | `WAITING` | resumer | whoever leaves the state: waiter by `claim` or `abandon`, else resumer |
//! | `VALUE` | waiter | resumer if it came from `WAITING`, else waiter |
//! | `DROPPED` | nobody | as `VALUE` |
//! | `ABANDONED` | resumer, unless it came from `VALUE` | as before |
//!
//! Each party is one caller at a time: the future is polled through `&mut`, and `resume` and `Drop` consume the
//! continuation. All transitions are one read-modify-write, so exactly one party leaves each state. The strings given
//! to `order` name the two ends of a happens-before edge (`value/…`, `waker/…`). `loom-tests/tests/continuation.rs`
//! weakens each alone, and shows that the protocol needs it. The races are named in `loom-tests/README.md`.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::Relaxed},
    cell::UnsafeCell,
    loses, order,
};

/// The waiter is in its poll (or in the closure) and will look again before it returns `Pending`.
const REGISTERING: u8 = 0;
/// The waiter returned `Pending` and its waker is in the slot.
const WAITING: u8 = 1;
/// The resumer has put the value in its slot.
const VALUE: u8 = 2;
/// The resumer is gone without a value.
const DROPPED: u8 = 3;
/// The waiter is gone.
const ABANDONED: u8 = 4;

/// The state that one waiter and one resumer share. The module's notes give the protocol.
struct Handshake<T> {
    state: AtomicU8,
    value: UnsafeCell<Option<T>>,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the state word gives each slot to one party at a time (the table in the module's notes),
// and every hand-over is a release/acquire pair, so no slot is accessed from two threads at once. A
// value is only moved through, from the resumer's thread to the waiter's or back: that needs `T:
// Send` and no more. ("Last reference": what is left in the slots is dropped by the `Arc`'s last
// owner, which synchronizes.)
unsafe impl<T: Send> Sync for Handshake<T> {}

/// The waiter's view of the handshake.
type Outcome<T> = Result<T, Dropped>;

impl<T> Handshake<T> {
    fn new() -> Self {
        Self {
            state: AtomicU8::new(REGISTERING),
            value: UnsafeCell::new(None),
            waker: UnsafeCell::new(None),
        }
    }

    /// Waiter: takes the waker slot back. `Ready` if the resumer has come first.
    fn claim(&self) -> Poll<Outcome<T>> {
        // Success is relaxed: the waiter gets back what it wrote itself. Failure acquires
        // `value/resume`.
        match self.state.compare_exchange(
            WAITING,
            REGISTERING,
            Relaxed,
            order::acquire("value/claim"),
        ) {
            // Already ours: the first poll, or an earlier one was unwound while it registered.
            Ok(_) | Err(REGISTERING) => Poll::Pending,
            Err(state) => Poll::Ready(self.outcome(state)),
        }
    }

    /// Waiter, owning the waker slot: leaves `waker` there ("swapped waker"), unless the resumer
    /// has come ("late register").
    fn register(&self, waker: &Waker) -> Poll<Outcome<T>> {
        // SAFETY: in REGISTERING the slot is the waiter's, and the waiter is in this function only.
        let stale = self.waker.with_mut(|slot| match unsafe { &mut *slot } {
            Some(old) if old.will_wake(waker) => None,
            slot => slot.replace(waker.clone()),
        });
        // Release: the resumer that sees WAITING (`waker/resume`, `waker/let_go`) takes the waker.
        let published = self.state.compare_exchange(
            REGISTERING,
            WAITING,
            order::release("waker/register"),
            order::acquire("value/register"), // of `value/resume`
        );
        drop(stale); // Foreign code: after the hand-over, so that it can delay or break nothing.
        match published {
            Ok(_) => Poll::Pending,
            Err(state) => Poll::Ready(self.outcome(state)),
        }
    }

    /// Waiter, having acquired `state`, which is final.
    fn outcome(&self, state: u8) -> Outcome<T> {
        match state {
            VALUE => Ok(self
                .value
                // SAFETY: in VALUE the slot is the waiter's. The load that saw VALUE acquired
                // `value/resume`.
                .with_mut(|slot| unsafe { (*slot).take() })
                .expect("value taken once")),
            DROPPED => Err(Dropped(())),
            _ => unreachable!("the resumer leaves VALUE or DROPPED"),
        }
    }

    /// Waiter: goes away. Drops its slots' content now, rather than when the resumer lets go.
    fn abandon(&self) {
        // Acquires `value/resume`. Nothing to release: the resumer touches nothing the waiter
        // wrote.
        match self.state.swap(ABANDONED, order::acquire("value/abandon")) {
            // SAFETY: the state was VALUE, so the slot is the waiter's, and it was not taken: a
            // waiter that took it does not abandon.
            VALUE => drop(self.value.with_mut(|slot| unsafe { (*slot).take() })),
            // SAFETY: the waiter was the one to leave WAITING (or REGISTERING): the slot is its
            // own.
            WAITING | REGISTERING => drop(self.waker.with_mut(|slot| unsafe { (*slot).take() })),
            _ => {}
        }
    }

    /// Resumer: hands over `value`, or gets it back if the waiter is gone ("resume meets drop").
    fn resume(&self, value: T) -> Result<(), T> {
        // SAFETY: until the resumer leaves VALUE or DROPPED, the slot is its own.
        self.value.with_mut(|slot| unsafe { *slot = Some(value) });
        // Acquires `waker/register`; releases the value to `value/claim`, `value/register`,
        // `value/abandon`.
        match self.state.swap(VALUE, order::acq_rel("waker/resume", "value/resume")) {
            WAITING if loses("resume") => {}
            WAITING => self.wake(),
            // SAFETY: the waiter is gone, so the slot is still the resumer's, and is full.
            ABANDONED => match self.value.with_mut(|slot| unsafe { (*slot).take() }) {
                Some(value) => return Err(value),
                None => unreachable!("written above"),
            },
            _ => {} // "Resume in the closure", "late register": the waiter looks before it returns.
        }
        Ok(())
    }

    /// Resumer: goes away without a value.
    fn let_go(&self) {
        // Acquires `waker/register`. Nothing to release: there is no value.
        if self.state.swap(DROPPED, order::acquire("waker/let_go")) == WAITING {
            self.wake();
        }
    }

    /// Resumer, having left WAITING.
    fn wake(&self) {
        // SAFETY: the resumer was the one to leave WAITING, so the slot is its own for good.
        if let Some(waker) = self.waker.with_mut(|slot| unsafe { (*slot).take() }) {
            waker.wake(); // "Late wake": the waiter may be done by now; a waker must stand that.
        }
    }

    fn is_abandoned(&self) -> bool {
        self.state.load(Relaxed) == ABANDONED // No data depends on it.
    }
}

/// The rest of a suspended coroutine: resuming it with a value makes its [`suspend`] evaluate to
/// that value.
///
/// It may be stored, sent to another thread and resumed from anywhere, at most once: [`resume`]
/// consumes it. It does not keep the coroutine alive.
///
/// # Dropping
///
/// A continuation that is dropped without being resumed wakes the coroutine, whose [`suspend`] then
/// panics, or whose [`try_suspend`] evaluates to [`Dropped`]. It never leaves the coroutine asleep.
/// Leaking it (`mem::forget`) does.
///
/// [`resume`]: Continuation::resume
#[must_use = "dropping a continuation makes its `suspend` panic"]
pub struct Continuation<T> {
    /// `None` only while `resume` has it.
    handshake: Option<Arc<Handshake<T>>>,
}

impl<T> Continuation<T> {
    /// Resumes the coroutine with `value`: stores it and wakes the task that awaits the suspension.
    ///
    /// The coroutine itself runs where its executor polls it, not inside this call. This call may
    /// come before the suspension is complete, also inside the closure given to [`suspend`].
    ///
    /// # Errors
    ///
    /// Gives `value` back if the coroutine is gone. `Ok` is no promise that the coroutine will
    /// look: it may still be dropped first, and then drops the value.
    pub fn resume(mut self, value: T) -> Result<(), T> {
        match self.handshake.take() {
            Some(handshake) => handshake.resume(value),
            None => unreachable!("only `resume` takes it, and it takes `self`"),
        }
    }

    /// Whether the coroutine that waits is gone, so that [`resume`](Continuation::resume) would
    /// fail.
    ///
    /// `true` is final. `false` may be out of date by the time the caller sees it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.handshake.as_ref().is_some_and(|handshake| handshake.is_abandoned())
    }
}

impl<T> Drop for Continuation<T> {
    fn drop(&mut self) {
        if let Some(handshake) = &self.handshake {
            handshake.let_go();
        }
    }
}

impl<T> fmt::Debug for Continuation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continuation").field("abandoned", &self.is_abandoned()).finish()
    }
}

/// The continuation was dropped without being resumed: there will be no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped(());

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("continuation dropped without being resumed")
    }
}

impl core::error::Error for Dropped {}

/// Suspends the coroutine and calls `f` with its continuation; evaluates to the value given to
/// [`Continuation::resume`].
///
/// `f` is called once, by the first poll, on the thread that polls. Use it to bridge callbacks,
/// threads or interrupt handlers to `async` code.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::suspend;
///
/// let answer = suspend(|k| {
///     std::thread::spawn(move || k.resume(42));
/// })
/// .await;
/// assert_eq!(answer, 42);
///
/// // The continuation may also be resumed at once.
/// let now = suspend(|k| k.resume("now").unwrap()).await;
/// assert_eq!(now, "now");
/// # });
/// ```
///
/// # Panics
///
/// The await panics if the continuation is dropped without being resumed. [`try_suspend`] is the
/// form for sources that may go away.
///
/// # Cancellation
///
/// Dropping the future abandons the continuation: [`resume`](Continuation::resume) then gives its
/// value back. A value that was given but not yet awaited is dropped with the future. A future
/// dropped before its first poll has not called `f`.
#[track_caller]
pub fn suspend<T, F>(f: F) -> Suspend<T, F>
where
    F: FnOnce(Continuation<T>),
{
    Suspend { inner: try_suspend(f), location: Location::caller() }
}

/// As [`suspend`], but evaluates to [`Dropped`] if the continuation is dropped without being
/// resumed.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::{try_suspend, suspend::Continuation};
///
/// let outcome = try_suspend(|k: Continuation<u32>| drop(k)).await;
/// assert!(outcome.is_err());
/// # });
/// ```
///
/// # Cancellation
///
/// As [`suspend`].
pub fn try_suspend<T, F>(f: F) -> TrySuspend<T, F>
where
    F: FnOnce(Continuation<T>),
{
    TrySuspend { step: Stage::Start(f) }
}

/// A suspension and its continuation, made ahead: a channel for one value.
pub(crate) fn channel<T>() -> (Continuation<T>, Receiver<T>) {
    let handshake = Arc::new(Handshake::new());
    let receiver = TrySuspend { step: Stage::Wait(handshake.clone()) };
    (Continuation { handshake: Some(handshake) }, receiver)
}

/// A suspension whose continuation was given away.
pub(crate) type Receiver<T> = TrySuspend<T, fn(Continuation<T>)>;

/// The future of [`suspend`].
#[must_use = "a suspension does nothing unless awaited"]
pub struct Suspend<T, F> {
    inner: TrySuspend<T, F>,
    location: &'static Location<'static>,
}

/// The future of [`try_suspend`].
#[must_use = "a suspension does nothing unless awaited"]
pub struct TrySuspend<T, F> {
    step: Stage<T, F>,
}

enum Stage<T, F> {
    Start(F),
    Wait(Arc<Handshake<T>>),
    Done,
}

// The closure is moved out to be called, and never pinned.
impl<T, F> Unpin for TrySuspend<T, F> {}
impl<T, F> Unpin for Suspend<T, F> {}

impl<T, F: FnOnce(Continuation<T>)> Future for TrySuspend<T, F> {
    type Output = Result<T, Dropped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.step, Stage::Start(_)) {
            let handshake = Arc::new(Handshake::new());
            let k = Continuation { handshake: Some(handshake.clone()) };
            // Before the closure runs, so that its panic leaves a future that may be dropped or
            // polled.
            let Stage::Start(f) = core::mem::replace(&mut self.step, Stage::Wait(handshake)) else {
                unreachable!("matched above")
            };
            f(k);
        }
        let Stage::Wait(handshake) = &self.step else {
            panic!("`suspend` polled after it was done");
        };
        let outcome = match handshake.claim() {
            Poll::Pending => handshake.register(cx.waker()),
            ready => ready,
        };
        if outcome.is_ready() {
            self.step = Stage::Done;
        }
        outcome
    }
}

impl<T, F> Drop for TrySuspend<T, F> {
    fn drop(&mut self) {
        if let Stage::Wait(handshake) = &self.step {
            handshake.abandon();
        }
    }
}

impl<T, F: FnOnce(Continuation<T>)> Future for Suspend<T, F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let location = self.location;
        Pin::new(&mut self.inner).poll(cx).map(|outcome| match outcome {
            Ok(value) => value,
            Err(dropped) => panic!("{dropped} (suspended at {location})"),
        })
    }
}

impl<T, F> fmt::Debug for TrySuspend<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.step {
            Stage::Start(_) => "TrySuspend(not started)",
            Stage::Wait(_) => "TrySuspend(suspended)",
            Stage::Done => "TrySuspend(done)",
        })
    }
}

impl<T, F> fmt::Debug for Suspend<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Suspend").field(&self.inner).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

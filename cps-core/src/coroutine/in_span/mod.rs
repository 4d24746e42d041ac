//! Calls in a span of `tracing`, which is entered whenever their frames run.
//!
//! A wake-up resumes the innermost frame, and no other, so the frames cannot enter their spans themselves. While a
//! chain is suspended with such calls in it, its leaf is a *gate*, in front of the frame that runs next:
//!
//! ```text
//!   driver ──▶ gate ──▶ frame ──▶ … ──▶ spanned frame ──▶ … ──▶ spanned frame ──▶ … ──▶ root
//!              └──────── outer: the innermost call's ───┘ └───── outer ──────┘
//! ```
//!
//! When the gate is resumed, it enters the spans, the outermost first, and resumes the frame behind it. It goes on,
//! as the driver's loop does, until the chain suspends. Then it leaves the spans that are still there, the innermost
//! first. A spanned frame that returns meanwhile leaves its span before its caller goes on. Chains without such calls
//! have no gate, and do nothing for this.
//!
//! A call that suspends in its start has entered its span on the host stack. Leaving it runs the subscriber's code,
//! which must not run then (invariant P). So the call puts its gate before the leaf, and asks to be resumed at once.
//!
//! The subscriber sees the same events as from `tracing`'s `Instrument` around nested futures, which enters a span
//! once more to drop the future.

mod gate;

use core::fmt;
use core::future::IntoFuture;
use core::marker::PhantomData;
use core::mem::{MaybeUninit, offset_of};
use core::task::Poll;

use tracing::Span;
use tracing::instrument::{Instrument, Instrumented};

use crate::call::{Callee, Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header, VTable};
use crate::chain::outermost::Parent;
use crate::chain::step::Step;
use crate::coroutine::Coroutine;
use crate::coroutine::in_span::gate::{Close, Gate};
use crate::frame::body::{Body, Site};
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::resume_caller::resume_caller;
use crate::frame::{Frame, body_name};

/// A coroutine that is called in a span: made by [`Coroutine::in_span`].
#[must_use = "a coroutine does nothing until it is awaited"]
pub struct InSpan<B, R = Nothing> {
    body: B,
    span: Span,
    on_return: R,
}

/// An action on a call's value before its span is left: the events of `#[cps(instrument)]`.
pub trait OnReturn<T>: Copy + Send + 'static {
    /// Whether backtraces show the call.
    #[doc(hidden)]
    const IS_SHOWN: bool;

    #[doc(hidden)]
    fn returned(self, value: &T);
}

/// Nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl<T> OnReturn<T> for Nothing {
    const IS_SHOWN: bool = true;

    fn returned(self, _: &T) {}
}

/// In a function under `#[cps(instrument)]`, which is shown itself.
#[derive(Clone, Copy, Debug)]
pub struct Instrumenting<F>(F);

impl<T, F: Fn(&T) + Copy + Send + 'static> OnReturn<T> for Instrumenting<F> {
    const IS_SHOWN: bool = false;

    fn returned(self, value: &T) {
        (self.0)(value);
    }
}

impl<B: Body, P> Coroutine<B, P> {
    /// The coroutine in `span`, which is entered whenever it runs and left whenever it is suspended.
    ///
    /// `tracing`'s `Instrument` does the same for futures. But if a coroutine awaits this, it is a call, and its frame
    /// is resumed directly. The frame lies in the caller's.
    pub fn in_span(self, span: Span) -> InSpan<B> {
        InSpan { body: self.into_body(), span, on_return: Nothing }
    }

    /// For the expansion of `#[cps(instrument)]`.
    #[doc(hidden)]
    pub fn __cps_instrument<F: Fn(&B::Output) + Copy + Send + 'static>(
        self,
        span: Span,
        on_return: F,
    ) -> InSpan<B, Instrumenting<F>> {
        InSpan { body: self.into_body(), span, on_return: Instrumenting(on_return) }
    }
}

impl<B, R> InSpan<B, R> {
    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    pub fn __cps_call(self) -> Self {
        self
    }
}

impl<B: Body> IntoFuture for InSpan<B> {
    type Output = B::Output;
    type IntoFuture = Instrumented<Coroutine<B>>;

    fn into_future(self) -> Self::IntoFuture {
        Coroutine::from_body(self.body).instrument(self.span)
    }
}

impl<B, R> fmt::Debug for InSpan<B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InSpan").field(&self.span).finish()
    }
}

/// The memory of a spanned call.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct SpannedFrame<B: Body, R> {
    gate: Gate,
    on_return: MaybeUninit<R>,
    frame: Frame<B>,
}

impl<B: Body, R: OnReturn<B::Output>> SpannedFrame<B, R> {
    /// The memory around a frame.
    ///
    /// # Safety
    /// `frame` heads the frame of a `Self`.
    unsafe fn of(frame: *mut Header) -> *mut Self {
        // SAFETY: the functions of `SpannedAt`'s vtable, which call this, are given frames in such memory (invariant
        // V).
        unsafe { frame.byte_sub(offset_of!(Self, frame)).cast() }
    }

    /// [`VTable::describe`].
    unsafe fn describe<S: Site>(_: *const Header) -> Description {
        let (body, call) = if R::IS_SHOWN { (body_name::<B>(), S::AT) } else { ("", None) };
        Description { body, call, branches: None }
    }
}

/// The slot's content for a spanned call.
#[derive(Debug)]
pub struct Spanned<B, R>(PhantomData<(B, R)>);

impl<B: Body, R> Memory for Spanned<B, R> {
    type Running = SpannedFrame<B, R>;
    type Returned = ();
    type Owner = B;
    type Inner = B::Future;
}

impl<B: Body, R: OnReturn<B::Output>> Content for Spanned<B, R> {
    type Awaited = Returned;
    type Value = B::Output;
    type Ready = B::Output;

    unsafe fn ready(_: *mut SlotOf<Self>, ready: B::Output) -> B::Output {
        ready
    }

    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned (invariant L), and `close_returned` has
        // closed its span.
        unsafe { Frame::take_result(&raw mut (*slot.cast::<SpannedFrame<B, R>>()).frame) }
    }
}

impl<B: Body, R: OnReturn<B::Output>, K: MayWait> Callee<K> for InSpan<B, R> {
    type Content = Spanned<B, R>;
    type Waiting = Suspended;

    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Spanned<B, R>>,
    ) -> Result<B::Output, Suspended> {
        let memory = slot.cast::<SpannedFrame<B, R>>();
        // SAFETY: the running body calls this (invariant D).
        let driver = unsafe { &*chain.driver };
        // A branching point that is deferred is polled without the chain's gate: in this chain none is.
        driver.parent.set(Parent::NONE);
        // SAFETY: the slot is the body's, and valid memory for this (invariant F).
        let (gate, frame) = unsafe { (&raw mut (*memory).gate, &raw mut (*memory).frame) };
        // SAFETY: each part is moved out once, also if this panics: `Handle::__cps_begin`, which owns `this`, does
        // not use it again.
        let (span, on_return, body) = unsafe {
            let span = (&raw const (*this).span).read();
            (span, (*this).on_return, Passing::of(&raw mut (*this).body))
        };
        // SAFETY: the slot is empty, and the body's own (invariant F).
        unsafe {
            gate.write(Gate::new(span));
            (&raw mut (*memory).on_return).cast::<R>().write(on_return);
        }
        let close = Close(gate);
        // SAFETY: the gate was written just now.
        unsafe { (*gate).enter() };
        // SAFETY: the slot is valid until the call has ended, and `chain` is that of the running body (invariants F,
        // D).
        match unsafe { Frame::call_as(frame, body, chain, SpannedAt::<B, R, S>::VTABLE) } {
            Poll::Ready(given) => {
                // SAFETY: the call of this frame has just given it.
                let value = unsafe { Frame::take_given(frame, given) };
                on_return.returned(&value);
                drop(close);
                Ok(value)
            }
            Poll::Pending => {
                core::mem::forget(close);
                // SAFETY: `call_as` has linked the frame. Nothing runs between this and the body's await (invariant P).
                unsafe {
                    Gate::link(gate, chain.driver);
                    Err(Suspended::now(chain))
                }
            }
        }
    }
}

/// The vtable of a spanned frame, called at `S`.
struct SpannedAt<B, R, S>(PhantomData<(B, R, S)>);

impl<B: Body, R: OnReturn<B::Output>, S: Site> SpannedAt<B, R, S> {
    const VTABLE: &'static VTable = &VTable {
        resume: <B::Future as OutlinedSpanned<B>>::resume_spanned::<R>,
        drop: drop_spanned::<B, R>,
        describe: SpannedFrame::<B, R>::describe::<S>,
        drop_branches: None,
    };
}

/// The resume of a spanned frame of `B`. (`Self` is the body's future: see `frame/outlined.rs`.)
trait OutlinedSpanned<B: Body> {
    /// [`VTable::resume`] of a spanned frame: its span is entered.
    ///
    /// # Safety
    /// As the vtable demands, which is that of a [`SpannedFrame<B, R>`].
    unsafe fn resume_spanned<R: OnReturn<B::Output>>(
        frame: *mut Header,
        driver: *const Driver,
    ) -> Step;
}

impl<B: Body> OutlinedSpanned<B> for B::Future {
    unsafe fn resume_spanned<R: OnReturn<B::Output>>(
        frame: *mut Header,
        driver: *const Driver,
    ) -> Step {
        // SAFETY: this function is in `SpannedAt`'s vtable only, so `frame` heads a `Frame<B>` (invariant V). It is the
        // leaf of a driver in a poll, which resumes it, and the step was reset (invariants L and S).
        unsafe {
            match Frame::resume_here(frame.cast::<Frame<B>>(), driver) {
                Some(step) => step,
                None => {
                    close_returned::<B, R>(frame);
                    resume_caller!(frame, driver)
                }
            }
        }
    }
}

/// Closes the span of a call that has returned.
///
/// # Safety
/// - `frame` heads the frame of a [`SpannedFrame<B, R>`].
/// - The frame has returned just now, and is the leaf: `DropChain` drops it if this panics.
unsafe fn close_returned<B: Body, R: OnReturn<B::Output>>(frame: *mut Header) {
    // SAFETY: `resume_spanned`, the only caller, has the frame of a spanned call, which has returned: the result lies
    // in it. `InSpan`'s call has written `on_return`.
    unsafe {
        let this = SpannedFrame::<B, R>::of(frame);
        let gate = &(*this).gate;
        gate.has_returned.set(true);
        (*this).on_return.assume_init_read().returned(Frame::result_of(&raw const (*this).frame));
        gate.unlink();
        gate.close(true);
    }
}

/// [`VTable::drop`] of a spanned frame.
unsafe fn drop_spanned<B: Body, R: OnReturn<B::Output>>(frame: *mut Header) {
    /// Closes the span when the future is dropped, also if that panics.
    struct CloseDropped<'a>(&'a Gate);
    impl Drop for CloseDropped<'_> {
        fn drop(&mut self) {
            // Unwound by a panic it is not dropped yet, as it would be in its caller's future.
            let is_running = self.0.is_resumed();
            self.0.unlink();
            self.0.close(is_running);
        }
    }

    // SAFETY: this function is in `SpannedAt`'s vtable only, of frames that were linked (invariant V). `drop_chain` has
    // taken the frame out of the chain, and drops it once.
    unsafe {
        let gate = &(*SpannedFrame::<B, R>::of(frame)).gate;
        let _close = CloseDropped(gate);
        if gate.has_returned.get() {
            // Only that the subscriber was told of it has panicked.
            drop(Frame::take_result(frame.cast::<Frame<B>>()));
            return;
        }
        gate.enter();
        <B::Future as Outlined<B>>::drop_suspended(frame);
    }
}

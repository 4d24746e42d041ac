//! Calls in a span of `tracing`, which is entered whenever their frames run.
//!
//! A wake-up resumes the innermost frame, and no other: so it is not the frames that enter their spans. While a chain
//! is suspended with such calls in it, its leaf is a *gate*, in front of the frame that runs next:
//!
//! ```text
//!   driver ──▶ gate ──▶ frame ──▶ … ──▶ spanned frame ──▶ … ──▶ spanned frame ──▶ … ──▶ root
//!              └──────── outer: the innermost call's ───┘ └───── outer ──────┘
//! ```
//!
//! Resumed, the gate enters the spans, the outermost first; resumes the frame that it stands in front of; goes on,
//! as the driver's loop does, until the chain suspends; and leaves the spans that are still there, the innermost first.
//! A spanned frame that returns meanwhile leaves its span before its caller goes on. Chains without such calls have
//! no gate, and do nothing for this.
//!
//! A call that suspends in its start has entered its span on the host stack. To leave it is the subscriber's code, which
//! must not run then (invariant P); so the call puts its gate before the leaf, and asks to be resumed at once.
//!
//! The events are those of `tracing`'s `Instrument` around nested futures: it enters a span once more to drop the future.

use core::cell::{Cell, UnsafeCell};
use core::fmt;
use core::future::IntoFuture;
use core::marker::PhantomData;
use core::mem::{MaybeUninit, offset_of};
use core::ptr;
use core::task::Poll;

use tracing::Span;
use tracing::instrument::{Instrument, Instrumented};
use tracing::span::EnteredSpan;

use crate::call::{Callee, Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::chain::driver::Driver;
use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Description, Header, VTable};
use crate::chain::outermost::Parent;
use crate::chain::step::Step;
use crate::coroutine::Coroutine;
use crate::frame::body::{Body, Site};
use crate::frame::passing::Passing;
use crate::frame::{Frame, body_name, drop_suspended, resume_caller};

/// A coroutine that is called in a span: made by [`Coroutine::in_span`].
#[must_use = "a coroutine does nothing until it is awaited"]
pub struct InSpan<B, R = Nothing> {
    body: B,
    span: Span,
    on_return: R,
}

/// What is done with a call's value before its span is left: the events of `#[cps(instrument)]`.
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
    /// Has the call enter `span` whenever the coroutine runs, and leave it whenever it is suspended.
    ///
    /// What `tracing`'s `Instrument` does for futures; but awaited by a coroutine this is a call, and its frame is
    /// resumed directly. The frame is in the caller's.
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
    /// For the expansion of `#[coroutine]`: see `call/mod.rs`.
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

/// A span, and whether it is entered.
enum State {
    Left(Span),
    Entered(EnteredSpan),
    Closed,
}

/// What a spanned frame has besides: in the chain it is a frame of no body, if it is the leaf.
#[repr(C)]
struct Gate {
    /// Its caller is the frame that runs next, while this is the leaf.
    header: Header,
    /// What is to be done once the spans are entered: while this is the leaf.
    step: Cell<Step>,
    /// The outermost of the list that begins with this: while this is the leaf.
    outermost: Cell<*const Gate>,
    outer: Cell<*const Gate>,
    inner: Cell<*const Gate>,
    /// The resume that is under way, once the chain has suspended in this call.
    resume: Cell<*const Resume>,
    has_returned: Cell<bool>,
    state: UnsafeCell<State>,
}

/// A gate's resume that is under way.
struct Resume {
    /// The innermost of the calls that the chain is in.
    innermost: Cell<*const Gate>,
}

/// The gates' vtable: by it they are known.
static GATE: VTable = {
    unsafe fn describe(_: *const Header) -> Description {
        Description { body: "", call: None, branches: None }
    }
    VTable { resume: resume_gate, drop: enter_to_drop, describe, drop_branches: None }
};

impl Gate {
    fn new(span: Span) -> Self {
        Gate {
            header: Header::new(&raw const GATE, ptr::null()),
            step: Cell::new(Step::NONE),
            outermost: Cell::new(ptr::null()),
            outer: Cell::new(ptr::null()),
            inner: Cell::new(ptr::null()),
            resume: Cell::new(ptr::null()),
            has_returned: Cell::new(false),
            state: UnsafeCell::new(State::Left(span)),
        }
    }

    /// The gate that a leaf is, if it is one.
    ///
    /// # Safety
    /// The leaf is live.
    unsafe fn of_leaf(leaf: *const Header) -> Option<*const Gate> {
        // SAFETY: by contract.
        ptr::eq(unsafe { (*leaf).vtable.get() }, &raw const GATE).then_some(leaf.cast())
    }

    fn take(&self) -> State {
        // SAFETY: nothing refers to it: it is moved in and out.
        unsafe { self.state.get().replace(State::Closed) }
    }

    fn put(&self, state: State) {
        // SAFETY: as above. (What is overwritten was taken.)
        unsafe { self.state.get().write(state) }
    }

    fn enter(&self) {
        match self.take() {
            State::Left(span) => self.put(State::Entered(span.entered())),
            other => self.put(other),
        }
    }

    fn leave(&self) {
        match self.take() {
            State::Entered(entered) => self.put(State::Left(entered.exit())),
            other => self.put(other),
        }
    }

    /// The end of a call whose future has been dropped, or dropped all that it owned: has the events of both.
    fn close(&self, is_to_be_dropped: bool) {
        self.leave();
        if is_to_be_dropped {
            self.enter();
            self.leave();
        }
        drop(self.take());
    }

    /// Puts a call that has suspended in its start into the chain.
    ///
    /// # Safety
    /// Its frame was linked just now.
    unsafe fn link(this: *const Gate, driver: *const Driver) {
        // SAFETY: by contract; what the leaf is, is live.
        unsafe {
            let leaf = (*driver).leaf.get();
            if let Some(innermost) = Gate::of_leaf(leaf) {
                // That of a callee, which has suspended with this.
                let outermost = (*innermost).outermost.replace(this);
                (*outermost).outer.set(this);
                (*this).inner.set(outermost);
                return;
            }
            (*this).stand_before(leaf, (*driver).step.get(), this);
            (*driver).leaf.set(&raw const (*this).header);
            (*driver).step.set(const { Step::CONTINUE.of_callee() });
        }
    }

    fn stand_before(&self, leaf: *const Header, step: Step, outermost: *const Gate) {
        self.header.caller.set(leaf);
        self.step.set(step);
        self.outermost.set(outermost);
    }

    /// Enters the spans of the list that begins with this, and has the frame behind it be the leaf. What is to be done
    /// then.
    ///
    /// # Safety
    /// It is the leaf of the driver's chain, which `resume` runs.
    unsafe fn open(this: *const Gate, driver: *const Driver, resume: &Resume) -> Step {
        // SAFETY: by contract; the gates of a list are live as their calls are.
        unsafe {
            (*driver).leaf.set((*this).header.caller.get());
            let outermost = (*this).outermost.get();
            let outer = resume.innermost.replace(this);
            (*outermost).outer.set(outer);
            if let Some(outer) = outer.as_ref() {
                outer.inner.set(outermost);
            }
            let mut gate = outermost;
            while !gate.is_null() {
                (*gate).resume.set(resume);
                (*gate).enter();
                gate = if ptr::eq(gate, this) { ptr::null() } else { (*gate).inner.get() };
            }
            (*this).step.get()
        }
    }

    /// Takes the innermost call out of the list of the resume that is under way.
    fn unlink(&self) {
        let outer = self.outer.replace(ptr::null());
        // SAFETY: a resume that is under way is live, and so is the gate of the caller's call.
        unsafe {
            if let Some(resume) = self.resume.replace(ptr::null()).as_ref() {
                resume.innermost.set(outer);
            }
            if let Some(outer) = outer.as_ref() {
                outer.inner.set(ptr::null());
            }
        }
    }
}

/// [`VTable::resume`] of a gate.
unsafe fn resume_gate(gate: *mut Header, driver: *const Driver) -> Step {
    let resume = Resume { innermost: Cell::new(ptr::null()) };
    // The frames that are dropped by a panic are so in their spans.
    let unwinding = DropChain(driver);
    // SAFETY: contract of `VTable::resume`; the rest as in `Driver::run_on`.
    unsafe {
        let mut step = Gate::open(gate.cast_const().cast(), driver, &resume);
        loop {
            (*driver).step.set(Step::NONE);
            if step.is_pending()
                || step.is_yielded()
                || step == Step::RETURNED
                || step == Step::ENDED
            {
                break;
            }
            let leaf = (*driver).leaf.get();
            step = match Gate::of_leaf(leaf) {
                // Of calls that have suspended in their start.
                Some(gate) => Gate::open(gate, driver, &resume),
                None => ((*(*leaf).vtable.get()).resume)(leaf.cast_mut(), driver),
            };
        }
        let innermost = resume.innermost.get();
        let (mut gate, mut outermost) = (innermost, innermost);
        while !gate.is_null() {
            (*gate).leave();
            (*gate).resume.set(ptr::null());
            outermost = gate;
            gate = (*gate).outer.get();
        }
        if !innermost.is_null() {
            (*innermost).stand_before((*driver).leaf.get(), Step::CONTINUE, outermost);
            (*driver).leaf.set(&raw const (*innermost).header);
        }
        core::mem::forget(unwinding);
        step
    }
}

/// [`VTable::drop`] of a gate: enters the spans, which the frames that are dropped after it leave.
unsafe fn enter_to_drop(gate: *mut Header) {
    let this = gate.cast_const().cast::<Gate>();
    // SAFETY: contract of `VTable::drop`; as in `open`.
    unsafe {
        let mut gate = (*this).outermost.get();
        while !gate.is_null() {
            (*gate).enter();
            gate = if ptr::eq(gate, this) { ptr::null() } else { (*gate).inner.get() };
        }
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
    /// # Safety
    /// `frame` heads the frame of one.
    unsafe fn of(frame: *mut Header) -> *mut Self {
        // SAFETY: by contract.
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

impl<B: Body, R: OnReturn<B::Output>> Memory for Spanned<B, R> {
    type Running = SpannedFrame<B, R>;
    type Returned = ();
    type Owner = B;
    type Inner = B::Future;
}

impl<B: Body, R: OnReturn<B::Output>> Content for Spanned<B, R> {
    type Awaited = Returned;
    type Value = B::Output;

    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned, and has closed its span.
        unsafe { Frame::take_result(&raw mut (*slot.cast::<SpannedFrame<B, R>>()).frame) }
    }
}

/// Closes the span of a call that ends in its start.
struct Close(*const Gate);

impl Drop for Close {
    fn drop(&mut self) {
        // SAFETY: the gate is live as long as the call is.
        unsafe { (*self.0).close(true) }
    }
}

impl<B: Body, R: OnReturn<B::Output>, K: MayWait> Callee<K> for InSpan<B, R> {
    type Content = Spanned<B, R>;
    type Waiting = Suspended;

    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Spanned<B, R>>,
    ) -> (Option<B::Output>, Suspended) {
        let memory = slot.cast::<SpannedFrame<B, R>>();
        // SAFETY: the slot is valid memory for it, by contract; body and span are moved out, also if this panics. The
        // chain is running, since its body calls this.
        unsafe {
            // A branching point that is deferred is polled without the chain's gate: in this chain none is.
            (*chain.driver).parent.set(Parent::NONE);
            let (gate, frame) = (&raw mut (*memory).gate, &raw mut (*memory).frame);
            gate.write(Gate::new((&raw const (*this).span).read()));
            let on_return = (*this).on_return;
            (&raw mut (*memory).on_return).cast::<R>().write(on_return);
            let body = Passing::of(&raw mut (*this).body);
            let close = Close(gate);
            (*gate).enter();
            match Frame::call_as(frame, body, chain, SpannedAt::<B, R, S>::VTABLE) {
                Poll::Ready(value) => {
                    on_return.returned(&value);
                    drop(close);
                    Suspended::returned(value)
                }
                Poll::Pending => {
                    core::mem::forget(close);
                    Gate::link(gate, chain.driver);
                    Suspended::now(chain)
                }
            }
        }
    }
}

/// The vtable of a spanned frame, called at `S`.
struct SpannedAt<B, R, S>(PhantomData<(B, R, S)>);

impl<B: Body, R: OnReturn<B::Output>, S: Site> SpannedAt<B, R, S> {
    const VTABLE: &'static VTable = &VTable {
        resume: resume_spanned::<B, R>,
        drop: drop_spanned::<B, R>,
        describe: SpannedFrame::<B, R>::describe::<S>,
        drop_branches: None,
    };
}

/// [`VTable::resume`] of a spanned frame: its span is entered.
unsafe fn resume_spanned<B: Body, R: OnReturn<B::Output>>(
    frame: *mut Header,
    driver: *const Driver,
) -> Step {
    // SAFETY: as in `frame::resume`.
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

/// # Safety
/// The frame is that of a spanned call, has returned just now, and is the leaf: it is dropped if this panics.
unsafe fn close_returned<B: Body, R: OnReturn<B::Output>>(frame: *mut Header) {
    // SAFETY: by contract. The result lies in the frame, and what is to be done with it was written by the call.
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
            let is_running = !self.0.resume.get().is_null();
            self.0.unlink();
            self.0.close(is_running);
        }
    }

    // SAFETY: this vtable is set on spanned frames only, that are linked; contract of `VTable::drop`.
    unsafe {
        let gate = &(*SpannedFrame::<B, R>::of(frame)).gate;
        let _close = CloseDropped(gate);
        if gate.has_returned.get() {
            // Only that the subscriber was told of it has panicked.
            drop(Frame::take_result(frame.cast::<Frame<B>>()));
            return;
        }
        gate.enter();
        drop_suspended::<B>(frame);
    }
}

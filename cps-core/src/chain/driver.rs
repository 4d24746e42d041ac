//! The driver: the state of one chain, and the loop that runs it. See the [room](crate::chain) for the picture.

use core::cell::Cell;
use core::marker::{PhantomData, PhantomPinned};
use core::panic::Location;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Header, ended};
use crate::chain::host_stack::Limit;
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
use crate::chain::step::{Step, Turn};
use crate::stack::FrameStack;

/// The state of one chain of frames: five words.
#[allow(unreachable_pub, reason = "public traits name it")]
pub struct Driver {
    /// See invariant L. Null before the root frame is started; [`ended`] after the chain has ended.
    pub(crate) leaf: Cell<*const Header>,
    /// The context of the poll that is under way, for futures that are no coroutines. Dangling outside
    /// of [`Driver::enter`]; while frames are dropped, the chain that comes next ([`DropChain`]).
    cx: Cell<*mut Context<'static>>,
    /// Of the poll that is under way.
    limit: Cell<Limit>,
    /// What it means that the body that runs is pending: see invariant S.
    pub(crate) step: Cell<Step>,
    /// Memory for the frames that are on the frame stack.
    pub(crate) stack: FrameStack,
    /// The branching point whose branch the chain is, from its first poll on.
    #[cfg(feature = "alloc")]
    pub(crate) parent: Cell<Parent>,
    /// Where the leaf awaits a future that is no coroutine, if it does.
    #[cfg(feature = "backtrace")]
    pub(crate) waits_at: Cell<Option<&'static Location<'static>>>,
    /// The innermost call that is under way, if it has not suspended.
    #[cfg(feature = "backtrace")]
    pub(crate) starting: Cell<*const crate::chain::Starting>,
    _pinned: PhantomPinned,
}

/// The poll that is under way, as the chains see it that run by it.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    cx: *mut Context<'static>,
    limit: Limit,
    _loan: PhantomData<&'a Context<'static>>,
}

impl<'a> Host<'a> {
    /// Lends `cx` to bodies and takes the measure of the host stack. One for all chains that run by the poll:
    /// another would end the first one's loan.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn of(cx: &'a mut Context<'_>) -> Self {
        Host { cx: ptr::from_mut(cx).cast(), limit: Limit::here(), _loan: PhantomData }
    }
}

impl Driver {
    #[cfg(feature = "alloc")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn new() -> Self {
        Self::with_stack(FrameStack::new())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn with_stack(stack: FrameStack) -> Self {
        Self::with(ptr::null(), stack)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn with(leaf: *const Header, stack: FrameStack) -> Self {
        Driver {
            leaf: Cell::new(leaf),
            cx: Cell::new(ptr::null_mut()),
            limit: Cell::new(Limit::NONE),
            step: Cell::new(Step::NONE),
            stack,
            #[cfg(feature = "alloc")]
            parent: Cell::new(Parent::NONE),
            #[cfg(feature = "backtrace")]
            waits_at: Cell::new(None),
            #[cfg(feature = "backtrace")]
            starting: Cell::new(ptr::null()),
            _pinned: PhantomPinned,
        }
    }

    /// A driver whose chain has ended, and which may be used for another.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn vacant() -> Self {
        Self::with(ended(), FrameStack::new())
    }

    /// Whether the root frame was started.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_started(&self) -> bool {
        !self.leaf.get().is_null()
    }

    /// Notes that the running body goes to await a future that is no coroutine, or has awaited it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn set_waits_at(&self, _at: Option<&'static Location<'static>>) {
        #[cfg(feature = "backtrace")]
        self.waits_at.set(_at);
    }

    /// Where the leaf awaits a future that is no coroutine, if that is known.
    #[cfg(feature = "alloc")]
    pub(crate) fn waits_at(&self) -> Option<&'static Location<'static>> {
        #[cfg(feature = "backtrace")]
        return self.waits_at.get();
        #[cfg(not(feature = "backtrace"))]
        return None;
    }

    /// How far the chain has come, for `Debug`.
    pub(crate) fn condition(&self) -> &'static str {
        match self.leaf.get() {
            leaf if leaf.is_null() => "unstarted",
            leaf if ptr::eq(leaf, ended()) => "ended",
            _ => "suspended",
        }
    }

    /// Prepares for a poll, by which the chain runs.
    ///
    /// # Safety
    /// `this` is valid for writes; the rest of the driver need not be written yet.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn enter(this: *const Driver, host: Host<'_>) {
        // SAFETY: by contract.
        unsafe {
            (&raw const (*this).cx).cast_mut().write(Cell::new(host.cx));
            (&raw const (*this).limit).cast_mut().write(Cell::new(host.limit));
        }
    }

    /// What the driver was entered with.
    ///
    /// # Safety
    /// It was, in the poll that is under way; the rest of the driver need not be written yet.
    pub(crate) unsafe fn host<'a>(this: *const Driver) -> Host<'a> {
        // SAFETY: by contract.
        unsafe {
            let cx = (&raw const (*this).cx).cast::<*mut Context<'static>>().read();
            let limit = (&raw const (*this).limit).cast::<Limit>().read();
            Host { cx, limit, _loan: PhantomData }
        }
    }

    /// Says where the root frame was called by another chain's body. It is known until the driver is entered.
    pub(crate) fn set_called_at(&self, at: Option<&'static Location<'static>>) {
        let at = at.map_or(ptr::null(), ptr::from_ref);
        // There is no poll, whose context this could be taken for.
        self.cx.set(at.cast_mut().cast());
    }

    /// What [`Driver::set_called_at`] has said.
    ///
    /// # Safety
    /// It has, and the driver was not entered since.
    pub(crate) unsafe fn called_at(&self) -> Option<&'static Location<'static>> {
        // SAFETY: by contract.
        unsafe { self.cx.get().cast::<Location<'static>>().as_ref() }
    }

    /// The context of the poll that is under way.
    ///
    /// # Safety
    /// Only during a poll (between [`Driver::enter`] and the return to the executor), and the
    /// reference must not outlive it; nor may there be another.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn context<'a>(&self) -> &'a mut Context<'a> {
        // SAFETY: `enter` stored a reference that lives as long as the poll, which the caller
        // says is under way, and so does what is in it.
        unsafe { &mut *self.cx.get().cast() }
    }

    /// Notes the chain that is to be dropped after this one, in the place of a context that no poll needs any more.
    pub(crate) fn set_next_dropped(&self, next: *const Driver) {
        self.cx.set(next.cast_mut().cast());
    }

    pub(crate) fn next_dropped(&self) -> *const Driver {
        self.cx.get().cast_const().cast()
    }

    /// The waker of the poll that is under way.
    ///
    /// # Safety
    /// As for [`Driver::context`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn waker<'a>(&self) -> &'a Waker {
        // SAFETY: as for `context`.
        unsafe { (*self.cx.get()).waker() }
    }

    /// Whether a callee may be started on the host stack.
    ///
    /// (All of a poll runs on one stack: a body cannot switch stacks in between, since what it runs
    /// on another stack is another body.)
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn may_nest_call(&self) -> bool {
        self.limit.get().may_nest_call()
    }

    /// Whether a caller may be resumed on the host stack.
    #[cfg(not(feature = "tail-call"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn may_nest_return(&self) -> bool {
        self.limit.get().may_nest_return()
    }

    /// Calls an unstarted frame later: makes it the leaf, for the driver's loop to start.
    ///
    /// # Safety
    /// The frame is valid until it has ended, and the running body of this chain, whose frame is `caller`, is
    /// calling it.
    #[cold]
    pub(crate) unsafe fn defer(&self, frame: *const Header, caller: *const Header) {
        // SAFETY: by contract.
        unsafe { (*frame).caller.set(caller) };
        self.leaf.set(frame);
        self.step.set(const { Step::CONTINUE.of_callee() });
    }

    /// Has the pending body that comes next mean that its chain only lets others run.
    ///
    /// One store, and no waker is looked at: who resumes the chain knows what to make of it.
    /// An executor is asked to poll again ([`Driver::settle`]); an interleaver resumes the chain
    /// anyway ([`Driver::take_turn`]).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn yield_turn(&self) {
        self.step.set(Step::YIELDED);
    }

    /// Has the pending body that comes next polled again at once: see [`context`](crate::frame::context).
    #[cold]
    pub(crate) fn poll_again(&self) {
        self.step.set(Step::CONTINUE);
    }

    /// Makes the leaf of a frame whose body has suspended in its start, unless a callee of it is.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn suspended_at(&self, frame: *const Header) {
        let step = self.step.get();
        if !step.calls() {
            self.leaf.set(frame);
            self.step.set(step.of_callee());
        }
    }

    /// What the pending body means, of a frame that was resumed, or of a root frame that was started.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pending(&self) -> Step {
        self.step.get()
    }

    /// Resumes the leaf and runs the chain until it suspends or the root body has returned, for an
    /// executor: a chain that yields is woken.
    ///
    /// If a body panics, the frames that wait for it are dropped, innermost first, while the panic
    /// unwinds through this function: the same drops in the same order as when the panic unwinds
    /// through nested futures.
    ///
    /// # Safety
    /// `this` is pinned and live, has a non-null leaf, invariants L and C hold, and `enter` was
    /// called in this poll.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn run(this: *const Driver) -> Poll<()> {
        let unwinding = DropChain(this);
        // SAFETY: the chain's leaf is live by invariants L and C; `this` is live by contract.
        let step = unsafe { resume_leaf(this) };
        core::mem::forget(unwinding);
        // SAFETY: passed on.
        unsafe { Driver::settle(this, step) }
    }

    /// Goes on after a step: returns if the chain has suspended or ended, else runs it further.
    ///
    /// # Safety
    /// As for [`Driver::run`]; the leaf may have ended if `step` says so.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn settle(this: *const Driver, step: Step) -> Poll<()> {
        /// Most polls do not come here: they have one step, and end in suspension.
        #[inline(never)]
        unsafe fn settle_others(this: *const Driver, step: Step) -> Poll<()> {
            // SAFETY: passed on; the poll is under way.
            match unsafe { Driver::run_on(this, step) } {
                Turn::Returned => Poll::Ready(()),
                Turn::Ended => panic!("a coroutine was polled after it had returned or panicked"),
                Turn::Waiting => Poll::Pending,
                Turn::Yielded => {
                    // SAFETY: as above.
                    unsafe { (*this).waker() }.wake_by_ref();
                    Poll::Pending
                }
            }
        }

        if step == Step::NONE {
            Poll::Pending
        } else if step.is_pending() {
            // SAFETY: `this` is live by contract.
            unsafe { (*this).step.set(Step::NONE) };
            Poll::Pending
        } else {
            // SAFETY: passed on.
            unsafe { settle_others(this, step) }
        }
    }

    /// The driver's loop.
    ///
    /// # Safety
    /// As for [`Driver::settle`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn run_on(this: *const Driver, mut step: Step) -> Turn {
        let unwinding = DropChain(this);
        let turn = loop {
            // SAFETY: `this` is live by contract.
            unsafe { (*this).step.set(Step::NONE) };
            if step.is_yielded() {
                break Turn::Yielded;
            }
            if step.is_pending() {
                break Turn::Waiting;
            }
            if step == Step::RETURNED {
                break Turn::Returned;
            }
            if step == Step::ENDED {
                break Turn::Ended;
            }
            // SAFETY: as above; the rest is passed on.
            step = unsafe { resume_leaf(this) };
        };
        core::mem::forget(unwinding);
        turn
    }
}

/// # Safety
/// As for [`Driver::run`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn resume_leaf(this: *const Driver) -> Step {
    // SAFETY: `leaf` is live and waits to be run (invariants L and C), which is what `resume`
    // requires; the vtable is static.
    unsafe {
        let leaf = (*this).leaf.get();
        ((*(*leaf).vtable.get()).resume)(leaf.cast_mut(), this)
    }
}

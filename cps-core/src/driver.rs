//! The erased half of the machinery: what a chain of frames is, whatever its bodies' types.
//!
//! ```text
//!            Driver                    Header (leaf)            Header (its caller)
//!        ┌────────────┐              ┌──────────────┐          ┌──────────────┐
//!        │ leaf ──────┼─────────────▶│ vtable       │    ┌────▶│ vtable       │
//!        │ cx         │              │ caller ──────┼────┘     │ caller ──────┼──▶ … ──▶ ROOT ──▶ ENDED
//!        │ step       │              ├──────────────┤          ├──────────────┤
//!        │ stack      │              │ body         │          │ body         │
//!        └────────────┘              └──────────────┘          └──────────────┘
//! ```
//!
//! A call runs on the host stack and writes nothing of this. Only if the callee suspends does it become
//! a part of the chain, while `Pending` is passed up through the calls:
//!
//! ```text
//!   what the innermost body awaits is pending         step: what that means (`Driver::yield_turn`, …)
//!       │ `Frame::call` of it                         its caller is linked; leaf = it
//!       ▼ `Frame::call` of its caller, and so on      its caller is linked
//!   `resume` of the frame that was resumed last
//! ```
//!
//! **Invariant L**: `Driver::leaf` is the frame that was resumed last or, while the chain is suspended, the
//! frame that runs next. It is written when a callee suspends and when a frame returns to its caller in
//! the chain, and never when a frame suspends that was resumed.
//!
//! **Invariant C**: while the chain is suspended, a frame is reachable from `leaf` through `caller` if and
//! only if its body has been constructed (or its arguments stored), and has neither returned nor been
//! dropped. While it runs, so are all of them but those whose start is under way, which are on the host
//! stack. Frames are live in strict LIFO order.
//!
//! **Invariant S**: whenever a frame is resumed, `Driver::step` is `NONE`: whoever takes note of a step that is
//! not resets it.

use core::cell::Cell;
use core::marker::{PhantomData, PhantomPinned};
use core::panic::Location;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::drop_chain::DropChain;
use crate::host_stack::Limit;
#[cfg(feature = "alloc")]
use crate::outermost::Parent;
use crate::stack::FrameStack;
use crate::step::{Step, Turn};

/// The signature of everything that runs a frame. `become` needs it to be one type.
pub(crate) type Resume = unsafe fn(*mut Header, *const Driver) -> Step;

/// What is known statically about a frame, behind one pointer in its header.
pub(crate) struct VTable {
    /// Polls the body once; when it returns, stores the result and resumes the caller.
    ///
    /// Requires: the frame is `driver.leaf` of the driver, which is in a poll; invariant S.
    pub(crate) resume: Resume,
    /// Ends the frame without running its body: drops what it owns and frees its memory if it has
    /// memory of its own.
    ///
    /// Requires: the frame is in no chain any more.
    pub(crate) drop: unsafe fn(*mut Header),
    /// What a backtrace says about the frame.
    ///
    /// Requires: the frame is in a chain that is suspended, or runs on this thread.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))]
    pub(crate) describe: unsafe fn(*const Header) -> Description,
    /// Of a branching point: drops its branches in their order, up to the first one with frames, whose driver this
    /// gives, not null; null when none is left. To be called again when that chain has ended.
    ///
    /// Requires: the frame is the leaf of a chain that nothing runs, and will be dropped.
    pub(crate) drop_branches: Option<unsafe fn(*mut Header) -> *const Driver>,
}

/// What is known of a frame by its type and by the place in the text where it was called.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "alloc"), allow(dead_code))]
pub(crate) struct Description {
    /// The name of a type that was defined in the body's function; empty for what is no frame.
    pub(crate) body: &'static str,
    /// The await that called it; `None` for a root frame.
    pub(crate) call: Option<&'static Location<'static>>,
    /// Shows the branches that are not finished, of a frame that is a branching point.
    ///
    /// Requires: as [`VTable::describe`].
    pub(crate) branches: Option<unsafe fn(*const Header, &mut Look<'_>)>,
}

/// Who is shown the branches of a branching point, each with its number.
#[cfg_attr(not(feature = "alloc"), allow(dead_code, unreachable_pub))]
pub struct Look<'a>(pub(crate) &'a mut dyn FnMut(usize, Below<'_>));

/// What is in a branch.
#[cfg_attr(not(feature = "alloc"), allow(dead_code))]
pub(crate) enum Below<'a> {
    /// A future that nothing is known of.
    Future,
    /// A chain of its own.
    Chain(&'a Driver),
    /// A branching point, which shows its branches.
    Branches(&'a dyn Fn(&mut Look<'_>)),
}

/// The head of a frame.
///
/// Two words. Another layout was measured (`lab call --instructions`, `lab resume --instructions`): with
/// the resume function's pointer beside that of the vtable a resume took 35 instructions when it was
/// 36, a level of a call that suspends once 56.8 when it was 55.8, and a frame 8 bytes more. A
/// pointer to the driver is not needed, since resume functions are given it; bodies find it in their
/// context.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) vtable: Cell<*const VTable>,
    /// The frame that awaits this one. Set when that suspends.
    pub(crate) caller: Cell<*const Header>,
}

impl Header {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn new(vtable: *const VTable, caller: *const Header) -> Self {
        Header { vtable: Cell::new(vtable), caller: Cell::new(caller) }
    }
}

/// A header that is never written and so may be shared by all chains of all threads.
struct StaticHeader(Header);

// SAFETY: the only static headers are `ROOT` and `ENDED`; nothing writes to them (`caller` and
// `vtable` are written by the owner of a frame only, and nobody owns these).
unsafe impl Sync for StaticHeader {}

impl VTable {
    /// That of a static header.
    const fn of_static(resume: Resume) -> Self {
        unsafe fn drop_nothing(_: *mut Header) {}
        unsafe fn describe_nothing(_: *const Header) -> Description {
            Description { body: "", call: None, branches: None }
        }
        VTable { resume, drop: drop_nothing, describe: describe_nothing, drop_branches: None }
    }
}

/// The root continuation: resuming it ends the chain. It has no body and no owner.
static ROOT: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: *const Driver) -> Step {
        Step::RETURNED
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, &raw const ENDED.0))
};

/// What stands in the place of the leaf once the chain has ended.
static ENDED: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: *const Driver) -> Step {
        Step::ENDED
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, ptr::null()))
};

/// The caller of every root frame.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn root_continuation() -> *const Header {
    &raw const ROOT.0
}

/// The leaf of a chain that has ended.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) const fn ended() -> *const Header {
    &raw const ENDED.0
}

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
    pub(crate) starting: Cell<*const crate::running::Starting>,
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

    /// Has the pending body that comes next polled again at once: see [`in_chain`](crate::in_chain).
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

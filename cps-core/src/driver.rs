//! The erased half of the machinery: what a chain of frames is, whatever its bodies' types.
//!
//! ```text
//!            Driver                    Header (leaf)            Header (its caller)
//!        ┌────────────┐              ┌──────────────┐          ┌──────────────┐
//!        │ leaf ──────┼─────────────▶│ vtable       │    ┌────▶│ vtable       │
//!        │ waker      │              │ caller ──────┼────┘     │ caller ──────┼──▶ … ──▶ ROOT ──▶ ENDED
//!        │ limit      │              ├──────────────┤          ├──────────────┤
//!        │ stack      │              │ body         │          │ body         │
//!        └────────────┘              └──────────────┘          └──────────────┘
//! ```
//!
//! **Invariant L**: `Driver::leaf` is always the frame that is running or, while the chain is
//! suspended, the frame that runs next. It is kept at call and return, as a stack pointer is, and
//! never written at a suspension.
//!
//! **Invariant C**: a frame is reachable from `leaf` through `caller` if and only if its body has
//! been constructed (or its arguments stored), and has neither returned nor been dropped. Frames
//! are live in strict LIFO order.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::panic::Location;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::host_stack::{Limit, stack_address};
use crate::stack::FrameStack;
use crate::turn::Turn;

/// How far calls may nest on the host stack, in bytes below the poll that is under way, before they
/// are deferred to the driver's loop.
///
/// Bytes and not levels, so that large and small bodies are treated alike: a recursion whose
/// starts take 200 bytes each nests 160 deep before it is deferred, and a thread with a stack of
/// 256 KiB has room left in an unoptimised build, where a start takes a kilobyte or two.
pub(crate) const CALL_BUDGET: usize = 32 * 1024;

/// How far returns may nest on the host stack, likewise, before they go through the driver's loop.
///
/// A return that calls the caller's resume function has an indirect branch of its own, which a
/// predictor learns, instead of sharing the loop's (16 levels: 14 cycles a level, 20 through the
/// loop). In optimised builds that call is a jump in most resume functions, and takes no stack. Where
/// it is a call, the processor's return stack holds a few dozen addresses, and every `ret` beyond
/// them is mispredicted (64 levels, when all were calls: 16 cycles a level with this budget, 34
/// without). A resume function takes 24 to 64 bytes.
#[cfg(not(feature = "tail-call"))]
const RETURN_BUDGET: usize = 1024;

/// What resuming a frame led to: a word of which only the two lowest bits mean anything, so that
/// [`Driver::pending`] is one load. But for [`Step::DONE`], which is a word of its own, so that one
/// bit tells a chain that has yielded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step(usize);

impl Step {
    const MASK: usize = 3;

    /// The chain goes on: the driver's loop must resume the leaf. Either a body has returned and
    /// the leaf is its caller, or a call was deferred and the leaf is its unstarted callee.
    pub(crate) const CONTINUE: Step = Step(1);
    /// The chain has suspended, but only to let others run: it waits for nothing.
    const YIELDED: Step = Step(2);
    /// The root body returned; its result lies in the root frame. Not the address of a [`Limit`] with
    /// another step in its lowest bits, since its third bit is set.
    const DONE: Step = Step(usize::MAX - 2);

    /// The chain has suspended.
    #[inline(always)]
    fn is_pending(self) -> bool {
        self.0 & Step::MASK == 0
    }

    #[inline(always)]
    pub(crate) fn is_yielded(self) -> bool {
        self.0 & Step::YIELDED.0 != 0
    }
}

/// The signature of everything that runs a frame. `become` needs it to be one type.
pub(crate) type Resume = unsafe fn(*mut Header, &mut Context<'_>, *const Driver) -> Step;

/// What is known statically about a frame, behind one pointer in its header.
pub(crate) struct VTable {
    /// Polls the body once; when it returns, stores the result and resumes the caller.
    ///
    /// Requires: the frame is `driver.leaf` of the driver that is being polled with the context.
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
/// pointer to the driver is not needed, since resume functions are given it; the body, which is not
/// given anything and does not know its own frame, has one in its `Scope`.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) vtable: Cell<*const VTable>,
    /// The frame that awaits this one. Set at the await, never at creation.
    pub(crate) caller: Cell<*const Header>,
}

impl Header {
    #[inline(always)]
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
        VTable { resume, drop: drop_nothing, describe: describe_nothing }
    }
}

/// The root continuation: resuming it ends the chain. It has no body and no owner.
static ROOT: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: &mut Context<'_>, _: *const Driver) -> Step {
        Step::DONE
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, &raw const ENDED.0))
};

/// What stands in the place of the leaf once the chain has ended.
static ENDED: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: &mut Context<'_>, _: *const Driver) -> Step {
        panic!("a coroutine was polled after it had returned or panicked")
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, ptr::null()))
};

/// The caller of every root frame.
#[inline(always)]
pub(crate) fn root_continuation() -> *const Header {
    &raw const ROOT.0
}

/// The leaf of a chain that has ended.
#[inline(always)]
pub(crate) const fn ended() -> *const Header {
    &raw const ENDED.0
}

/// The state of one chain of frames: four words. (With the waker on the host stack of the poll it
/// would be three; a resume took 39 instructions then, when it was 36.)
pub(crate) struct Driver {
    /// See invariant L. Null before the root frame is started; [`ended`] after the chain has ended.
    pub(crate) leaf: Cell<*const Header>,
    /// The waker of the poll that is under way. Dangling outside [`Driver::enter`].
    waker: Cell<*const Waker>,
    /// Up to where calls may nest on the host stack in the poll that is under way, an address; and
    /// in its two lowest bits, which a [`Limit`] does not need, the step that a pending body means:
    /// none whenever a frame is resumed; `CONTINUE` after a call was deferred, when a body is pending
    /// because its callee has yet to start; or `YIELDED`.
    pub(crate) limit: Cell<usize>,
    /// Memory for the frames that are on the frame stack.
    pub(crate) stack: FrameStack,
    /// Where the leaf awaits a future that is no coroutine, if it does.
    #[cfg(feature = "backtrace")]
    pub(crate) waits_at: Cell<Option<&'static Location<'static>>>,
    _pinned: PhantomPinned,
}

impl Driver {
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self::with_stack(FrameStack::new())
    }

    #[inline(always)]
    pub(crate) const fn with_stack(stack: FrameStack) -> Self {
        Self::with(ptr::null(), stack)
    }

    #[inline(always)]
    const fn with(leaf: *const Header, stack: FrameStack) -> Self {
        Driver {
            leaf: Cell::new(leaf),
            waker: Cell::new(ptr::null()),
            limit: Cell::new(0),
            stack,
            #[cfg(feature = "backtrace")]
            waits_at: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }

    /// A driver whose chain has ended, and which may be used for another.
    #[inline(always)]
    pub(crate) const fn vacant() -> Self {
        Self::with(ended(), FrameStack::new())
    }

    /// Whether the root frame was started.
    #[inline(always)]
    pub(crate) fn is_started(&self) -> bool {
        !self.leaf.get().is_null()
    }

    /// Notes that the running body goes to await a future that is no coroutine, or has awaited it.
    #[inline(always)]
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

    /// Lends the waker of `cx` to the bodies and takes the measure of the host stack.
    #[inline(always)]
    pub(crate) fn enter(&self, cx: &Context<'_>) {
        self.enter_within(cx, Limit::here());
    }

    /// [`Driver::enter`] where the host stack was measured already.
    #[inline(always)]
    pub(crate) fn enter_within(&self, cx: &Context<'_>, limit: Limit) {
        self.waker.set(cx.waker());
        self.limit.set(limit.address());
    }

    /// The waker of the poll that is under way.
    ///
    /// # Safety
    /// Only during a poll (between [`Driver::enter`] and the return to the executor), and the
    /// reference must not outlive it.
    #[inline(always)]
    pub(crate) unsafe fn waker<'a>(&self) -> &'a Waker {
        // SAFETY: `enter` stored a reference that lives as long as the poll, which the caller
        // says is under way.
        unsafe { &*self.waker.get() }
    }

    /// The step of a resume function whose body is pending.
    #[inline(always)]
    pub(crate) fn pending(&self) -> Step {
        Step(self.limit.get())
    }

    /// Whether a callee may be started on the host stack.
    ///
    /// (All of a poll runs on one stack: a body cannot switch stacks in between, since what it runs
    /// on another stack is another body. Where the stack lies below `CALL_BUDGET` the limit wraps
    /// and every call is deferred.)
    #[inline(always)]
    pub(crate) fn may_nest_call(&self) -> bool {
        stack_address() > self.limit.get()
    }

    /// Whether a caller may be resumed on the host stack.
    #[cfg(not(feature = "tail-call"))]
    #[inline(always)]
    pub(crate) fn may_nest_return(&self) -> bool {
        let above_limit = stack_address().wrapping_sub(self.limit.get()) as isize;
        above_limit > (CALL_BUDGET - RETURN_BUDGET) as isize
    }

    /// Calls an unstarted frame later: makes it the leaf, for the driver's loop to start.
    ///
    /// # Safety
    /// The frame is valid until it has ended, and the running body of this chain is calling it.
    #[cold]
    pub(crate) unsafe fn defer(&self, frame: *const Header) {
        // SAFETY: by contract.
        unsafe { (*frame).caller.set(self.leaf.get()) };
        self.leaf.set(frame);
        self.limit.set(self.limit.get() | Step::CONTINUE.0);
    }

    /// Has the pending body that comes next mean that its chain only lets others run.
    ///
    /// One instruction, and no waker is looked at: who resumes the chain knows what to make of it.
    /// An executor is asked to poll again ([`Driver::settle`]); an interleaver resumes the chain
    /// anyway ([`Driver::take_turn`]).
    #[inline(always)]
    pub(crate) fn yield_turn(&self) {
        self.limit.set(self.limit.get() | Step::YIELDED.0);
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
    /// called with this `cx`.
    #[inline(always)]
    pub(crate) unsafe fn run(this: *const Driver, cx: &mut Context<'_>) -> Poll<()> {
        let unwinding = DropChain(this);
        // SAFETY: the chain's leaf is live by invariants L and C; `this` is live by contract.
        let step = unsafe { resume_leaf(this, cx) };
        core::mem::forget(unwinding);
        // SAFETY: passed on.
        unsafe { Driver::settle(this, cx, step) }
    }

    /// Goes on after a step: returns if the chain has suspended or ended, else runs it further.
    ///
    /// # Safety
    /// As for [`Driver::run`]; the leaf may have ended if `step` says so.
    #[inline(always)]
    pub(crate) unsafe fn settle(this: *const Driver, cx: &mut Context<'_>, step: Step) -> Poll<()> {
        /// Most polls do not come here: they have one step, and end in suspension.
        #[inline(never)]
        unsafe fn settle_others(this: *const Driver, cx: &mut Context<'_>, step: Step) -> Poll<()> {
            // SAFETY: passed on.
            match unsafe { Driver::run_on(this, cx, step) } {
                Turn::Returned => Poll::Ready(()),
                Turn::Waiting => Poll::Pending,
                Turn::Yielded => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        }

        if step.is_pending() {
            Poll::Pending
        } else {
            // SAFETY: passed on.
            unsafe { settle_others(this, cx, step) }
        }
    }

    /// The driver's loop.
    ///
    /// # Safety
    /// As for [`Driver::settle`].
    #[inline(always)]
    pub(crate) unsafe fn run_on(this: *const Driver, cx: &mut Context<'_>, mut step: Step) -> Turn {
        let unwinding = DropChain(this);
        // SAFETY: `this` is live by contract.
        let limit = unsafe { (*this).limit.get() & !Step::MASK };
        let turn = loop {
            if step.is_yielded() {
                break Turn::Yielded;
            }
            if step.is_pending() {
                break Turn::Waiting;
            }
            if step == Step::DONE {
                break Turn::Returned;
            }
            // SAFETY: as above; the rest is passed on.
            step = unsafe {
                (*this).limit.set(limit);
                resume_leaf(this, cx)
            };
        };
        core::mem::forget(unwinding);
        turn
    }

    /// Drops the frames of a suspended chain, innermost first, in a loop.
    ///
    /// # Safety
    /// `this` is live, invariants L and C hold, and nothing runs the chain any more.
    #[inline]
    pub(crate) unsafe fn cancel(this: *const Driver) {
        // SAFETY: `this` is live by contract. Most roots are dropped after they have ended.
        if unsafe { !ptr::eq((*this).leaf.get(), ended()) } {
            drop(DropChain(this));
        }
    }
}

/// # Safety
/// As for [`Driver::run`].
#[inline(always)]
pub(crate) unsafe fn resume_leaf(this: *const Driver, cx: &mut Context<'_>) -> Step {
    // SAFETY: `leaf` is live and waits to be run (invariants L and C), which is what `resume`
    // requires; the vtable is static.
    unsafe {
        let leaf = (*this).leaf.get();
        ((*(*leaf).vtable.get()).resume)(leaf.cast_mut(), cx, this)
    }
}

/// Drops a chain's frames from the leaf up, also when one of those drops panics.
pub(crate) struct DropChain(pub(crate) *const Driver);

impl Drop for DropChain {
    #[inline(always)]
    fn drop(&mut self) {
        drop_chain(self.0);
    }
}

/// See [`DropChain`], which keeps its contract: invariant C, and a driver that is live.
#[inline(never)]
fn drop_chain(driver: *const Driver) {
    // A second panic while this one unwinds aborts, as for any value dropped by unwinding.
    let rest = DropChain(driver);
    // SAFETY: the driver outlives the guard (both users hold it pinned). Each frame is unlinked
    // before it is dropped, so that nothing is dropped twice if a drop panics, and every frame in
    // the chain is live (invariant C).
    unsafe {
        loop {
            let frame = (*driver).leaf.get();
            if ptr::eq(frame, ended()) {
                break;
            }
            (*driver).leaf.set((*frame).caller.get());
            ((*(*frame).vtable.get()).drop)(frame.cast_mut());
        }
    }
    core::mem::forget(rest);
}

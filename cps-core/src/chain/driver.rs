//! The driver: the state of one chain, and the loop that runs it. See the [room](crate::chain) for the picture.

use core::cell::Cell;
use core::hint::assert_unchecked;
use core::marker::PhantomPinned;
#[cfg(feature = "alloc")]
use core::mem::offset_of;
use core::panic::Location;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Header, ended};
use crate::chain::host::Host;
use crate::chain::host_stack::Limit;
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
use crate::chain::step::{Step, Turn};
use crate::stack::FrameStack;

/// The state of one chain of frames: five words.
#[allow(unreachable_pub, reason = "public traits name it")]
#[repr(C)]
pub struct Driver {
    /// See invariant L. Null before the root frame is started; [`ended`] after the chain has ended.
    pub(crate) leaf: Cell<*const Header>,
    /// The context of the poll that is under way, for futures that are no coroutines. Dangling outside of a poll; while
    /// frames are dropped, the chain that is dropped next ([`DropChain`]).
    cx: Cell<*mut Context<'static>>,
    pub(crate) now: Now,
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
    /// The innermost nested body of the chain.
    #[cfg(feature = "backtrace")]
    pub(crate) nested: Cell<*const crate::chain::NestedCall>,
    _pinned: PhantomPinned,
}

/// What is known of the poll that is under way: one word, which is written at once when the poll begins.
#[repr(C, align(8))]
pub(crate) struct Now {
    /// How far the host stack may be used.
    limit: Cell<Limit>,
    /// What `Pending` from the running body means: see invariant S.
    pub(crate) step: Cell<Step>,
}

impl Now {
    /// At the beginning.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn begin(limit: Limit) -> u64 {
        // SAFETY: numbers of 32 bits, which are the fields, in their order.
        unsafe { core::mem::transmute::<[u32; 2], u64>([limit.bits(), Step::NONE.bits()]) }
    }
}

/// What a driver has at first besides: [`Driver::stack`] and [`Driver::parent`], which it is copied to at once.
#[repr(C)]
pub(crate) struct Outset {
    stack: *const (),
    #[cfg(feature = "alloc")]
    parent: Parent,
}

#[cfg(feature = "alloc")]
const _: () = assert!(
    offset_of!(Driver, parent) - offset_of!(Driver, stack) == offset_of!(Outset, parent)
        && size_of::<Outset>() == size_of::<FrameStack>() + size_of::<Parent>()
);

impl Outset {
    pub(crate) const fn new(#[cfg(feature = "alloc")] parent: Parent) -> Self {
        Outset {
            stack: FrameStack::EMPTY,
            #[cfg(feature = "alloc")]
            parent,
        }
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn parent(&self) -> Parent {
        self.parent
    }
}

impl Driver {
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
            now: Now { limit: Cell::new(Limit::NONE), step: Cell::new(Step::NONE) },
            stack,
            #[cfg(feature = "alloc")]
            parent: Cell::new(Parent::NONE),
            #[cfg(feature = "backtrace")]
            waits_at: Cell::new(None),
            #[cfg(feature = "backtrace")]
            starting: Cell::new(ptr::null()),
            #[cfg(feature = "backtrace")]
            nested: Cell::new(ptr::null()),
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

    /// Prepares for a poll that runs the chain.
    ///
    /// # Safety
    /// `this` is valid for writes; the rest of the driver need not be written yet.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn enter(this: *const Driver, host: Host<'_>) {
        // SAFETY: the root or the interleaver that is polled owns the driver's memory, and these two are fields of it.
        unsafe {
            (&raw const (*this).cx).cast_mut().write(Cell::new(host.cx));
            (&raw const (*this).now).cast_mut().cast::<u64>().write(host.now);
        }
    }

    /// Writes all of a driver but its leaf, which is null, and enters it.
    ///
    /// # Safety
    /// `this` is valid for writes, and only its leaf is written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn begin(this: *mut Driver, host: Host<'_>, outset: &'static Outset) {
        // SAFETY: the lazy chain that starts owns the driver's memory, of which nothing but the leaf is used; these are
        // fields of it.
        unsafe {
            Driver::enter(this, host);
            (&raw mut (*this).stack).cast::<Outset>().copy_from_nonoverlapping(outset, 1);
            #[cfg(feature = "backtrace")]
            (&raw mut (*this).waits_at).write(Cell::new(None));
            #[cfg(feature = "backtrace")]
            (&raw mut (*this).starting).write(Cell::new(ptr::null()));
            #[cfg(feature = "backtrace")]
            (&raw mut (*this).nested).write(Cell::new(ptr::null()));
        }
    }

    /// Notes where another chain's body called the root frame, until the driver is entered.
    pub(crate) fn set_called_at(&self, at: Option<&'static Location<'static>>) {
        let at = at.map_or(ptr::null(), ptr::from_ref);
        // There is no poll, whose context this could be taken for.
        self.cx.set(at.cast_mut().cast());
    }

    /// The place that [`Driver::set_called_at`] has noted.
    ///
    /// # Safety
    /// It was called, and the driver was not entered since.
    pub(crate) unsafe fn called_at(&self) -> Option<&'static Location<'static>> {
        // SAFETY: the caller has said where by `set_called_at`, and `enter`, which overwrites it, was not called since.
        unsafe { self.cx.get().cast::<Location<'static>>().as_ref() }
    }

    /// The context of the poll that is under way.
    ///
    /// # Safety
    /// Only during a poll (between [`Driver::enter`] and the return to the executor), and the
    /// reference must not outlive it; nor may there be another.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn context<'a>(&self) -> &'a mut Context<'a> {
        // SAFETY: the running body's call or await, which asks for it, is in a poll (invariant D). `enter` has stored a
        // reference that lives as long as that poll.
        unsafe { &mut *self.cx.get().cast() }
    }

    /// [`Driver::context`] of a driver of which nothing else need be written.
    ///
    /// # Safety
    /// As for that; the driver was entered.
    pub(crate) unsafe fn context_of<'a>(this: *const Driver) -> &'a mut Context<'a> {
        // SAFETY: the caller has entered the driver in the poll that is under way, which has written this field.
        unsafe { &mut *(&raw const (*this).cx).cast::<*mut Context<'a>>().read() }
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
        // SAFETY: the caller is in a poll (invariant D), and `enter` has stored a reference that lives as long as that.
        unsafe { (*self.cx.get()).waker() }
    }

    /// Whether a callee may be started on the host stack.
    ///
    /// (All of a poll runs on one stack: code that a body runs on another stack is no part of its chain.)
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn may_nest_call(&self) -> bool {
        Limit::may_nest_call(&self.now.limit)
    }

    /// Whether a caller may be resumed on the host stack.
    #[cfg(not(feature = "tail-call"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn may_nest_return(&self) -> bool {
        Limit::may_nest_return(&self.now.limit)
    }

    /// Calls an unstarted frame later: makes it the leaf, for the driver's loop to start.
    ///
    /// # Safety
    /// The frame is valid until it has ended, and the running body of this chain, whose frame is `caller`, is
    /// calling it.
    #[cold]
    pub(crate) unsafe fn defer(&self, frame: *const Header, caller: *const Header) {
        // SAFETY: `Frame::defer`, the caller, has just written the header of this frame (invariant F).
        unsafe { (*frame).caller.set(caller) };
        self.leaf.set(frame);
        self.now.step.set(const { Step::CONTINUE.of_callee() });
    }

    /// Marks the next `Pending` of this chain as a yield, not a wait.
    ///
    /// One store, and no look at a waker: the code that resumes the chain decides what follows. A root asks its
    /// executor to poll again ([`Driver::settle`]); an interleaver resumes the chain anyway ([`Driver::take_turn`]).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn yield_turn(&self) {
        self.now.step.set(Step::YIELDED);
    }

    /// Marks the next `Pending` of this chain as a wish to be polled again at once: see
    /// [`context`](crate::frame::context).
    #[cold]
    pub(crate) fn poll_again(&self) {
        self.now.step.set(Step::CONTINUE);
    }

    /// Marks the next `Pending` of this chain as an item that was yielded.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn yield_item(&self) {
        self.now.step.set(Step::ITEM);
    }

    /// Whether the running body, or a callee of it, has yielded an item with which the chain suspends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn has_item(&self) -> bool {
        self.now.step.get().has_item()
    }

    /// Makes `frame`, whose body has suspended in its start, the leaf, unless one of its callees has become the leaf.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn suspended_at(&self, frame: *const Header) {
        let step = self.now.step.get();
        if !step.calls() {
            self.leaf.set(frame);
            self.now.step.set(step.of_callee());
        }
    }

    /// [`Driver::suspended_at`] for the root frame, of whose suspension no caller need be told.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn suspended_at_root(&self, frame: *const Header) {
        if !self.now.step.get().calls() {
            self.leaf.set(frame);
        }
    }

    /// What `Pending` means from the body that was resumed, or from the root's that was started.
    ///
    /// # Safety
    /// `this` is valid.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn pending(this: *const Driver) -> Step {
        // SAFETY: the functions that call this have just run a body in a poll of the driver (invariant D).
        unsafe { (*this).now.step.get() }
    }

    /// Tells the compiler that a frame is about to be resumed, so that it leaves out what a body does when it has just
    /// suspended.
    ///
    /// # Safety
    /// - `this` is valid.
    /// - Its step is `NONE` (invariant S).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn assume_no_step(this: *const Driver) {
        // SAFETY: invariant S, which the driver's loop upholds for `Frame::resume_here`, the caller.
        unsafe { assert_unchecked((*this).now.step.get() == Step::NONE) };
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
        // SAFETY: the root that is polled holds the driver pinned (invariant M) and has entered it; `step` is the one of
        // its leaf.
        unsafe {
            let step = Driver::take_step(this);
            Driver::settle(this, step)
        }
    }

    /// Resumes the leaf.
    ///
    /// # Safety
    /// As for [`Driver::run`]. If the leaf is `CALLED`, nothing of the driver but that and what `enter` writes need be
    /// written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn take_step(this: *const Driver) -> Step {
        let unwinding = DropChain(this);
        // SAFETY: the root that is polled holds the driver pinned (invariant M) and has entered it. Its chain's leaf is
        // live (invariants L and C), or a static header.
        let step = unsafe { resume_leaf(this) };
        core::mem::forget(unwinding);
        step
    }

    /// Goes on after a step: returns if the chain has suspended or ended, else runs it further.
    ///
    /// # Safety
    /// As for [`Driver::run`]; the leaf may have ended if `step` says so.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn settle(this: *const Driver, step: Step) -> Poll<()> {
        // SAFETY: the root that is polled holds the driver pinned (invariant M) and has entered it.
        unsafe {
            match Driver::settle_most(this, step) {
                Some(poll) => poll,
                None => Driver::settle_others(this, step),
            }
        }
    }

    /// Returns if the chain has suspended or ended, as it has in most polls.
    ///
    /// # Safety
    /// As for [`Driver::settle`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn settle_most(this: *const Driver, step: Step) -> Option<Poll<()>> {
        if step == Step::NONE {
            Some(Poll::Pending)
        } else if step.is_pending() {
            // SAFETY: the root that is polled holds the driver pinned (invariant M).
            unsafe { (*this).now.step.set(Step::NONE) };
            Some(Poll::Pending)
        } else if step == Step::RETURNED {
            Some(Poll::Ready(()))
        } else {
            None
        }
    }

    /// The rest of [`Driver::settle`].
    ///
    /// # Safety
    /// As for that.
    #[inline(never)]
    pub(crate) unsafe fn settle_others(this: *const Driver, step: Step) -> Poll<()> {
        // SAFETY: `settle`, or the lazy chain that ends its poll with this, has the driver pinned and in a poll.
        match unsafe { Driver::run_on(this, step) } {
            Turn::Returned => Poll::Ready(()),
            Turn::Ended => panic!("a coroutine was polled after it had returned or panicked"),
            Turn::Waiting => Poll::Pending,
            Turn::Yielded => {
                // SAFETY: the poll that this is called in is still under way (invariant D).
                unsafe { (*this).waker() }.wake_by_ref();
                Poll::Pending
            }
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
            if step.has_item() {
                // The generator's root reads it again, and enters the driver before it resumes the leaf.
                // SAFETY: the root that is polled holds the driver pinned (invariant M).
                unsafe { (*this).now.step.set(Step::ITEM) };
                break Turn::Waiting;
            }
            // SAFETY: the root that is polled holds the driver pinned (invariant M).
            unsafe { (*this).now.step.set(Step::NONE) };
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
            // SAFETY: the step says that the chain goes on: its leaf waits to be run (invariants L and C). The driver
            // is in a poll, and its step was reset above (invariant S).
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
    // SAFETY: the driver's loop, which calls this in a poll, upholds invariants L and C: the leaf is live and waits to
    // be run. Its vtable is one of such frames (invariant V).
    unsafe {
        let leaf = (*this).leaf.get();
        ((*(*leaf).vtable.get()).resume)(leaf.cast_mut(), this)
    }
}

//! Branching points one in another, to any depth, on a host stack of bounded size.
//!
//! A branching point polls its branches, and so each level of a recursion through `join` would be a poll within a
//! poll. While the host stack is shallow it is one. Beyond a budget ([`Depth`]) a branching point is *deferred*: it polls
//! nothing, says that it is pending, and everything above it returns at once, to the outermost poll. Its loop
//! ([`Outermost::run_deferred`]) then polls the deferred one from its own, shallow stack:
//!
//! ```text
//!   host stack        in the heap: a stack of those that were deferred
//!
//!   outermost poll    ┌──────────────┐  (1) polls …, where one is too deep: deferred, pushed
//!     │ poll  ◀───────┤ deferred   0 │  (2) its branches are polled from here: another is too deep, and pushed
//!     │ … nested      ├──────────────┤
//!     │               │ deferred   1 │  (3) polled from here: all its branches are pending, or it has ended. Popped
//!     ▼ too deep      └──────────────┘  (4) number 0 goes on, and finds by nested polls what number 1 has come to
//! ```
//!
//! **Nothing happens in between.** A branching point in whose branch one was deferred stops, and says to its own poller
//! that it is pending; when it is polled again it goes on with that branch. So bodies run, finish, panic and are dropped
//! in the very order in which nested polls would have it: no sibling is polled before a branch that was deferred has had
//! its poll, a race has the same winner, and a panic unwinds from each branch to its siblings and then to what awaits
//! them. (That takes the feature `std`, by which a panic is carried over to the next level. Without it all of the
//! outermost one's branches are dropped in their order.)
//!
//! The life of a branching point in a poll; `Stage` has a name for each state between polls:
//!
//! ```text
//!              poll, shallow                     one in branch `i` was deferred
//!     ┌───▶ Fresh ─────────▶ polls branches ────────────────────────────▶ At(i)
//!     │       │                │ ▲    │                                     │
//!     │       │ poll, too deep │ └────┼───── poll, shallow: branch `i` again ┤
//!     │       ▼                │      │                                     │ poll, too deep
//!     │   deferred ◀───────────┼──────┼─────────────────────────────────────┘
//!     │       │ run_deferred   │      │
//!     │       ▼                │      └─ (while it is run so) ─▶ Waits, Ended, Panicked
//!     │   polls branches ──────┘                                    │
//!     └─────────────────────────────────────────────────────────────┘ poll: says so
//! ```
//!
//! # Who is whose branch
//!
//! What is deferred is polled behind the back of what owns it. That is sound only if nobody but this crate stands
//! between it and the outermost poll: a future of a user's that polls a boxed join might drop it, or send it to another
//! thread, once it has said that it is pending. So a branching point is deferred only if
//!
//! - it is awaited in a coroutine, and lies in that chain's leaf; or it is a branch itself;
//! - that chain is the future in a branch of a branching point: not something within it;
//! - and likewise for that one, up to the outermost poll.
//!
//! Then all of it is borrowed exclusively by the outermost poll, and what it consists of is suspended.
//! (**Invariant N**.) What finds that another is polled within it by a future of another kind, a plain `async` block for
//! one, is polled by nesting, and takes its own measure.
//!
//! That a future *is* a branch it learns from the waker of its first poll (`wake_set::BranchAt`): a waker of a table of
//! its own, lent for that poll, says where the branch's future lies and of what type it is. If that is this future's
//! address and type, then it is this future, for two of one type are not in one place, and it is polled by that branch,
//! which has borrowed it exclusively. It then stays there until it is dropped: so the answer holds for good, and is kept as its
//! [`Parent`]. The wakers of later polls, which others may have too, are asked nothing.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::TypeId;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomPinned;
use core::mem::ManuallyDrop;
#[cfg(feature = "std")]
use core::mem::MaybeUninit;
use core::ptr;
use core::task::{Context, Waker};

use crate::chain::driver::Driver;
use crate::chain::type_id;
use crate::wake_set::{self, BranchAt};

mod depth;

use depth::Depth;

/// So many drops of branching points may nest, where the order of the destructors is that of a body's locals.
const MOST_DROPS: u32 = if cfg!(any(miri, deferring)) { 3 } else { 16 };

/// What a branching point's branches know of it.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Joiner {
    /// The outermost poll by which it is polled; dangling outside of polls.
    outermost: Cell<*const Outermost>,
    /// In how many others it is.
    level: Cell<u32>,
    /// Branches keep its address.
    _pinned: PhantomPinned,
}

// SAFETY: the pointer is used in polls only, which set it first.
unsafe impl Send for Joiner {}
// SAFETY: a shared reference gives access to nothing outside of this module, which uses it in polls only.
unsafe impl Sync for Joiner {}

impl Joiner {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Joiner { outermost: Cell::new(ptr::null()), level: Cell::new(0), _pinned: PhantomPinned }
    }

    /// Notes the outermost poll by which this is polled.
    #[inline(always)]
    pub(crate) fn polled_by(&self, outermost: &Outermost) {
        self.outermost.set(outermost);
    }

    /// Notes its parent.
    pub(crate) fn is_in(&self, parent: Parent) {
        // SAFETY: a parent lives longer than its branch.
        let level = unsafe { parent.0.as_ref() }.map_or(0, |joiner| joiner.level.get());
        self.level.set(level.saturating_add(1));
    }

    /// Whether it is in so many others that their drops must not nest.
    pub(crate) fn is_deep(&self) -> bool {
        self.level.get() > MOST_DROPS
    }
}

/// The branching point whose branch a chain is, or another branching point.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Parent(*const Joiner);

// SAFETY: the pointer is used in polls of the parent only.
unsafe impl Send for Parent {}
// SAFETY: as above.
unsafe impl Sync for Parent {}

impl Parent {
    /// It is no branch, or that is not known.
    pub(crate) const NONE: Parent = Parent(ptr::null());

    /// That of the future that is polled with `waker`, if this is the first poll of a branch, and the future is what is
    /// in that branch.
    ///
    /// # Safety
    /// A poll of the future is under way, with that waker.
    #[inline(always)]
    pub(crate) unsafe fn of_branch<F>(waker: &Waker, future: *const F) -> Self {
        match wake_set::branch_at(waker) {
            Some(BranchAt { future: branch, type_id: of, joiner })
                if ptr::eq(branch, future.cast())
                    // One function gives one answer, which need not be asked for.
                    && (ptr::fn_addr_eq(of, type_id::<F> as fn() -> TypeId)
                        || of() == type_id::<F>()) =>
            {
                Parent(joiner.cast())
            }
            _ => Parent::NONE,
        }
    }

    /// That of a chain.
    ///
    /// # Safety
    /// The driver is live.
    #[inline(always)]
    pub(crate) unsafe fn of_chain(driver: *const Driver) -> Self {
        // SAFETY: by contract.
        unsafe { (*driver).parent.get() }
    }

    /// What a branch's first waker says of it.
    ///
    /// The future is what a branch of the joiner's polls at that place, pinned, until it is dropped; and `F` is its type.
    #[inline(always)]
    pub(crate) fn branch_at<F>(future: *const F, joiner: *const Joiner) -> BranchAt {
        BranchAt { future: future.cast(), type_id: type_id::<F>, joiner: joiner.cast() }
    }

    /// The outermost poll by which the parent polls this branch.
    ///
    /// # Safety
    /// It does: invariant N.
    #[inline(always)]
    pub(crate) unsafe fn outermost<'a>(self) -> Option<&'a Outermost> {
        // SAFETY: the parent lives longer than its branch, pinned, and notes the poll before it polls a branch.
        unsafe { self.0.as_ref().map(|joiner| &*joiner.outermost.get()) }
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_null() { "no parent" } else { "a parent" })
    }
}

/// Polls what was deferred, and leaves in its `Stage` what it has come to; or the branch in which another was deferred.
pub(crate) type RunDeferred = unsafe fn(*mut (), &mut Context<'_>, &Outermost);

/// A branching point that was deferred.
struct Deferred {
    at: *mut (),
    run: RunDeferred,
    waker: Waker,
}

/// A poll of a branching point by somebody who is not known: it is polled with that host stack.
///
/// It lies at the end of that stack.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Outermost {
    /// What was deferred last, and not polled since. (Nothing of this is dropped: it is gone when the poll ends, as long as
    /// what unwinds is a branch. Most polls defer nothing, and need not look.)
    deferred: Cell<Option<ManuallyDrop<Box<Deferred>>>>,
    /// What a deferred one has panicked with, if that is its stage.
    #[cfg(feature = "std")]
    panic: Cell<MaybeUninit<Panic>>,
    pub(crate) depth: Depth,
}

#[cfg(feature = "std")]
pub(crate) type Panic = Box<dyn core::any::Any + Send>;

impl Outermost {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Outermost {
            deferred: Cell::new(None),
            #[cfg(feature = "std")]
            panic: Cell::new(MaybeUninit::uninit()),
            depth: Depth::new(),
        }
    }

    /// Whether nothing was deferred.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        // SAFETY: no reference to what is in the cell is kept, here or elsewhere.
        unsafe { (*self.deferred.as_ptr()).is_none() }
    }

    /// Has what is `at` that place polled by `run` when everything has returned from here, with this poll's `waker`.
    ///
    /// # Safety
    /// Invariant N holds for it, and its poller is told that it is pending. `run` may be called with that pointer until it
    /// is polled again.
    #[cold]
    pub(crate) unsafe fn defer(&self, at: *mut (), run: RunDeferred, waker: &Waker) {
        debug_assert!(self.is_idle());
        let waker = waker.clone(); // Foreign code.
        self.deferred.set(Some(ManuallyDrop::new(Box::new(Deferred { at, run, waker }))));
    }

    /// Polls what was deferred, and what is deferred meanwhile, until there is nothing but what the outermost branching
    /// point itself has to go on with.
    ///
    /// # Safety
    /// By the poll that has made this, whose branches are all pending.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn run_deferred(&self) {
        let mut stack = Vec::new();
        loop {
            if let Some(deferred) = self.deferred.take() {
                stack.push(ManuallyDrop::into_inner(deferred));
            } else {
                // The topmost one has come to something, which the one below finds.
                drop(stack.pop());
            }
            let Some(top) = stack.last() else { return };
            // SAFETY: it was deferred in this poll, or one within it was, and its owner has not polled it since: only
            // what is below it in the stack leads there. By invariant N it is live and nobody else uses it. If one in it
            // was deferred, that has come to something.
            unsafe { (top.run)(top.at, &mut Context::from_waker(&top.waker), self) }
        }
    }

    /// Runs a deferred one's poll. A panic is kept, for the poll of its owner; whether there was none.
    #[cfg(feature = "std")]
    pub(crate) fn is_calm(&self, poll: impl FnOnce()) -> bool {
        // What the poll has broken is dropped before anybody sees it: the panic goes on.
        match std::panic::catch_unwind(core::panic::AssertUnwindSafe(poll)) {
            Ok(()) => true,
            Err(panic) => {
                self.panic.set(MaybeUninit::new(panic));
                false
            }
        }
    }

    /// Without `std` it unwinds through the loop.
    #[cfg(not(feature = "std"))]
    pub(crate) fn is_calm(&self, poll: impl FnOnce()) -> bool {
        poll();
        true
    }

    /// Goes on with the panic of a deferred one.
    ///
    /// # Safety
    /// One has panicked: its stage says so, and is replaced.
    #[cold]
    pub(crate) unsafe fn unwind(&self) -> ! {
        // SAFETY: by contract `is_calm` has kept the panic, and it is taken once. It is that one's: what panics next is what
        // awaits it.
        #[cfg(feature = "std")]
        unsafe {
            std::panic::resume_unwind(self.panic.replace(MaybeUninit::uninit()).assume_init())
        }
        #[cfg(not(feature = "std"))]
        unreachable!("a panic unwinds")
    }
}

/// How far a poll of a branching point has come that was deferred, or in which another was. (Numbers of 32 bits: it is
/// part of every branching point.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Neither: the next poll is one of its own.
    Fresh,
    /// One in branch `.0` was deferred. The poll goes on with that branch.
    At(u32),
    /// It was deferred, and has polled its branches.
    Waits,
    /// It was deferred, and all branches have ended.
    Ended,
    /// Likewise, by a branch, whose output is there.
    EndedBy(u32),
    /// It was deferred, and has panicked.
    Panicked,
    /// Its branches are being dropped, this one next.
    Drops(u32),
}

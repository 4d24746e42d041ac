//! Branching points one in another, to any depth, on a host stack of bounded size.
//!
//! A branching point polls its branches, and so each level of a recursion through `join` is a poll within a poll, as
//! long as the host stack is shallow. Beyond a budget ([`Depth`]) a branching point is *deferred*: it polls nothing and
//! returns `Pending`, and everything above it returns at once, to the outermost poll. The loop of that poll
//! ([`Outermost::run_deferred`]) then polls the deferred one from its own, shallow stack:
//!
//! ```text
//!   host stack        in the heap: a stack of those that were deferred
//!
//!   outermost poll    ┌──────────────┐  (1) polls …, where one is too deep: deferred, pushed
//!     │ poll  ◀───────┤ deferred   0 │  (2) its branches are polled from here: another is too deep, and pushed
//!     │ … nested      ├──────────────┤
//!     │               │ deferred   1 │  (3) polled from here: all its branches are pending, or it has ended. Popped
//!     ▼ too deep      └──────────────┘  (4) number 0 goes on: its polls reach number 1, which returns its result
//! ```
//!
//! **Nothing happens in between.** When one is deferred in a branch, the branching point that polls this branch stops
//! and returns `Pending`; when it is polled again it goes on with that branch. So bodies run, finish, panic and are
//! dropped in the same order as by nested polls: no sibling is polled before the deferred branch has had its poll, a
//! race has the same winner, and a panic unwinds from each branch to its siblings and then to the body that awaits
//! them. (The last needs the feature `std`, which can carry a panic over to the next level. Without it all branches of
//! the outermost one are dropped, in their order.)
//!
//! The life of a branching point in a poll ([`Stage`] names each state between polls):
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
//!     └─────────────────────────────────────────────────────────────┘ poll: returns it
//! ```
//!
//! # Who is whose branch
//!
//! The loop polls a deferred branching point without its owner's knowledge. That is sound only if this crate's futures
//! alone stand between it and the outermost poll: a user's future that polls a boxed join might drop it, or send it to
//! another thread, after its `Pending`. So a branching point is deferred only if
//!
//! - it is awaited in a coroutine, and lies in that chain's leaf; or it is a branch itself;
//! - that chain is the whole future in a branch of a branching point;
//! - and likewise for that one, up to the outermost poll.
//!
//! Then the outermost poll borrows all of it exclusively, and all of it is suspended (**invariant N**). Where another
//! kind of future stands between, such as a plain `async` block, the inner branching point is an outermost one itself:
//! it is polled within the other's poll, and has a budget of its own.
//!
//! A future learns from the waker of its first poll that it *is* a branch (`wake_set::BranchAt`): that waker, which is
//! lent for the one poll and has a table of its own, tells the address and the type of the branch's future. If both are
//! those of the polled future, it is the branch, since no two futures of one type have one address; and its poller is
//! that branch, which borrows it exclusively. It stays there until it is dropped. So the answer holds for good, and is
//! kept as its [`Parent`]. The wakers of later polls, which others may have too, are not asked. (A chain asks no sooner
//! than it calls a branching point or suspends in its first poll: most that return at once never do.)
//!
//! # Drops
//!
//! A few branching points one in another are dropped as nested futures are. If they are more, the innermost has told
//! all others so when it started, and a loop drops them (`chain/drop_chain.rs`).

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

/// How many drops of branching points may nest. Beyond that, a loop drops them (`chain/drop_chain.rs`).
const MOST_DROPS: usize = if cfg!(any(miri, deferring)) { 3 } else { 16 };

/// The bit of a joiner's level that says: it, or one in it, lies in so many others that their drops must not nest.
const HAS_DEEP: usize = 1 << (usize::BITS - 1);

/// The part of a branching point that its branches know.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Joiner {
    /// The outermost poll that polls it; dangling outside of polls.
    outermost: Cell<*const Outermost>,
    /// Its own parent in the poll that is under way; dangling outside of polls, if it is a `Select`'s.
    parent: Cell<Parent>,
    /// How many others it lies in, counted to [`MOST_DROPS`]; and [`HAS_DEEP`]. (A word, since with padding the compiler
    /// would make a branching point in one place and move it to another.)
    level: Cell<usize>,
    /// Branches keep its address.
    _pinned: PhantomPinned,
}

// SAFETY: the pointer is used in polls only, each of which sets it first (`polled_by`).
unsafe impl Send for Joiner {}
// SAFETY: a shared reference gives access to nothing outside of this module, which uses it in polls only.
unsafe impl Sync for Joiner {}

impl Joiner {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Joiner {
            outermost: Cell::new(ptr::null()),
            parent: Cell::new(Parent::NONE),
            level: Cell::new(0),
            _pinned: PhantomPinned,
        }
    }

    /// The parent that was noted last.
    #[inline(always)]
    pub(crate) fn parent(&self) -> Parent {
        self.parent.get()
    }

    /// Notes its parent in the poll that begins, which may be another one than in earlier polls.
    #[inline(always)]
    pub(crate) fn has_parent(&self, parent: Parent) {
        self.parent.set(parent);
    }

    /// Notes the outermost poll that polls this.
    #[inline(always)]
    pub(crate) fn polled_by(&self, outermost: &Outermost) {
        self.outermost.set(outermost);
    }

    /// Notes its parent, which polls it, and how deep it is.
    #[inline(always)]
    pub(crate) fn starts_in(&self, parent: Parent) {
        // SAFETY: a parent outlives its branch and does not move (invariant N): `Parent::of_branch` made it.
        let Some(joiner) = (unsafe { parent.0.as_ref() }) else { return };
        self.has_parent(parent);
        let level = ((joiner.level.get() & !HAS_DEEP) + 1).min(MOST_DROPS);
        self.level.set(level);
        if level == MOST_DROPS {
            self.is_found_deep();
        }
    }

    /// Tells all that it lies in. (Whichever was told has told the others: so a recursion tells each once.)
    #[cold]
    #[inline(never)]
    fn is_found_deep(&self) {
        let mut next = Some(self);
        while let Some(joiner) = next.filter(|joiner| !joiner.has_deep()) {
            joiner.level.set(joiner.level.get() | HAS_DEEP);
            // SAFETY: each that this one lies in is being polled, and so has noted its own parent in this poll
            // (invariant N).
            next = unsafe { joiner.parent.get().0.as_ref() };
        }
    }

    /// Whether it lies in so many others that their drops must not nest.
    pub(crate) fn is_deep(&self) -> bool {
        self.level.get() & !HAS_DEEP == MOST_DROPS
    }

    /// Whether it, or one in it, does.
    #[inline(always)]
    pub(crate) fn has_deep(&self) -> bool {
        self.level.get() & HAS_DEEP != 0
    }
}

/// The branching point of which a chain, or another branching point, is a branch.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Parent(*const Joiner);

/// The bit of a [`Parent`] that was not asked for: the rest is where the type is that the chain is polled as.
const UNASKED: usize = 1;

// SAFETY: the pointer is used in polls of the parent only, which borrow the branch exclusively (invariant N).
unsafe impl Send for Parent {}
// SAFETY: as for `Send`: only a poll of the parent uses the pointer (invariant N).
unsafe impl Sync for Parent {}

impl Parent {
    /// No branch, or not known to be one.
    pub(crate) const NONE: Parent = Parent(ptr::null());

    /// The parent of the future that is polled with `waker`, if this is the first poll of a branch and the future is
    /// the one in that branch.
    ///
    /// # Safety
    /// A poll of the future is under way, with that waker.
    #[inline(always)]
    pub(crate) unsafe fn of_branch<F>(waker: &Waker, future: *const F) -> Self {
        match wake_set::branch_at(waker) {
            Some(branch) => Parent::found(branch, future.cast(), type_id::<F>),
            None => Parent::NONE,
        }
    }

    /// Of a chain that is polled for the first time as an `F`, which begins with its driver: nobody has asked yet.
    #[inline(always)]
    pub(crate) const fn unasked<F>() -> Self {
        let of: &'static fn() -> TypeId = const { &(type_id::<F> as fn() -> TypeId) };
        Parent(ptr::from_ref(of).cast::<Joiner>().wrapping_byte_add(UNASKED))
    }

    /// The type that the chain is polled as, if nobody has asked for its parent.
    #[inline(always)]
    fn asks_for(self) -> Option<&'static fn() -> TypeId> {
        if self.0.addr() & UNASKED == 0 {
            return None;
        }
        // SAFETY: only `unasked` makes one with that bit, which no address of a `Joiner` has.
        Some(unsafe { &*self.0.wrapping_byte_sub(UNASKED).cast() })
    }

    /// Asks for the parent of a chain, if nobody has.
    ///
    /// # Safety
    /// The driver is in a poll.
    #[inline(always)]
    pub(crate) unsafe fn ask(driver: *const Driver) {
        // SAFETY: a call in this chain asks, or the chain's first poll, and so the driver is in a poll (invariant D).
        let driver = unsafe { &*driver };
        let Some(of) = driver.parent.get().asks_for() else { return };
        // SAFETY: it is in a poll (invariant D): the first one, since that asks before it ends.
        driver.parent.set(match wake_set::branch_at(unsafe { driver.waker() }) {
            Some(branch) => Parent::found(branch, ptr::from_ref(driver).cast(), *of),
            None => Parent::NONE,
        });
    }

    /// The parent of a chain.
    ///
    /// # Safety
    /// The driver is live, and [`Parent::ask`] was called.
    #[inline(always)]
    pub(crate) unsafe fn of_chain(driver: *const Driver) -> Self {
        // SAFETY: the branching point that asks runs in this chain, whose driver is in a poll (invariant D).
        unsafe { (*driver).parent.get() }
    }

    /// The parent of the future at that address, of that type, if it is the one in the branch.
    #[inline(always)]
    fn found(branch: BranchAt, future: *const (), of: fn() -> TypeId) -> Self {
        // Equal functions need not be called: they give one answer.
        let is_branch = ptr::eq(branch.future, future)
            && (ptr::fn_addr_eq(branch.type_id, of) || (branch.type_id)() == of());
        if is_branch { Parent(branch.joiner.cast()) } else { Parent::NONE }
    }

    /// What a branch's first waker tells.
    ///
    /// `future`, of type `F`, lies pinned in a branch of the joiner until it is dropped.
    #[inline(always)]
    pub(crate) fn branch_at<F>(future: *const F, joiner: *const Joiner) -> BranchAt {
        BranchAt { future: future.cast(), type_id: type_id::<F>, joiner: joiner.cast() }
    }

    /// The outermost poll by which the parent polls this branch.
    ///
    /// # Safety
    /// The parent is polling this branch (invariant N).
    #[inline(always)]
    pub(crate) unsafe fn outermost<'a>(self) -> Option<&'a Outermost> {
        // SAFETY: the parent outlives its branch and does not move (invariant N). It notes the outermost poll, which is
        // still under way, before it polls a branch.
        unsafe { self.0.as_ref().map(|joiner| &*joiner.outermost.get()) }
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_null() { "no parent" } else { "a parent" })
    }
}

/// Polls a branching point that was deferred, and leaves the result in its `Stage`: how the poll has ended, or in which
/// branch another was deferred.
pub(crate) type RunDeferred = unsafe fn(*mut (), &mut Context<'_>, &Outermost);

/// A branching point that was deferred.
struct Deferred {
    at: *mut (),
    run: RunDeferred,
    waker: Waker,
}

/// A poll of a branching point that is not known to be a branch: all that it polls runs on the host stack from here.
///
/// A local of that poll, whose address tells where this part of the stack begins.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Outermost {
    /// The one that was deferred last, and not polled since. (Not dropped with this, since the loop takes it before the
    /// poll ends: so a poll that defers nothing, as most do, need not look.)
    deferred: Cell<Option<ManuallyDrop<Box<Deferred>>>>,
    /// The panic of a deferred one, while a branching point's stage is [`Stage::Panicked`].
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
        // SAFETY: no reference into the cell is kept, here or elsewhere in this module, which alone has it.
        unsafe { (*self.deferred.as_ptr()).is_none() }
    }

    /// Defers the branching point `at`: when everything has returned to this poll, its loop calls `run` with `waker`.
    ///
    /// # Safety
    /// - Invariant N holds for the branching point, which returns `Pending` to its poller at once.
    /// - `run` may be called with `at` until its owner polls it again.
    #[cold]
    pub(crate) unsafe fn defer(&self, at: *mut (), run: RunDeferred, waker: &Waker) {
        debug_assert!(self.is_idle());
        let waker = waker.clone(); // Foreign code.
        self.deferred.set(Some(ManuallyDrop::new(Box::new(Deferred { at, run, waker }))));
    }

    /// Polls the one that was deferred, and all that are deferred meanwhile. Then the outermost branching point goes
    /// on.
    ///
    /// # Safety
    /// The poll that has made this calls it, and is polling no branch.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn run_deferred(&self) {
        let mut stack = Vec::new();
        loop {
            if let Some(deferred) = self.deferred.take() {
                stack.push(ManuallyDrop::into_inner(deferred));
            } else {
                // The topmost one has a result, which the one below finds.
                drop(stack.pop());
            }
            let Some(top) = stack.last() else { return };
            // SAFETY: `defer` was told of it in this poll, and its owner has not polled it since: only those below it
            // in the stack lead to it. So it is live, and nobody else uses it (invariant N). If one in it was deferred,
            // that one has a result by now.
            unsafe { (top.run)(top.at, &mut Context::from_waker(&top.waker), self) }
        }
    }

    /// Runs the poll of a deferred one; whether it did not panic. A panic is kept, for the poll by its owner.
    #[cfg(feature = "std")]
    pub(crate) fn is_calm(&self, poll: impl FnOnce()) -> bool {
        // Unwind safe: the panic goes on later, and drops what the poll has broken before anybody sees it.
        match std::panic::catch_unwind(core::panic::AssertUnwindSafe(poll)) {
            Ok(()) => true,
            Err(panic) => {
                self.panic.set(MaybeUninit::new(panic));
                false
            }
        }
    }

    /// Runs the poll of a deferred one. Without `std` a panic unwinds through the loop.
    #[cfg(not(feature = "std"))]
    pub(crate) fn is_calm(&self, poll: impl FnOnce()) -> bool {
        poll();
        true
    }

    /// Goes on with the panic of a deferred one.
    ///
    /// # Safety
    /// The stage of that one was [`Stage::Panicked`], and was replaced.
    #[cold]
    pub(crate) unsafe fn unwind(&self) -> ! {
        // SAFETY: `come_to`, or its like in a scope, has found `Panicked`, so `is_calm` has kept a panic. Its owner's
        // poll takes it once, before another deferred one can panic.
        #[cfg(feature = "std")]
        unsafe {
            std::panic::resume_unwind(self.panic.replace(MaybeUninit::uninit()).assume_init())
        }
        #[cfg(not(feature = "std"))]
        unreachable!("a panic unwinds")
    }
}

/// How far a branching point's poll has come, if it was deferred or another one was deferred in it. (Numbers have 32
/// bits, since this is a part of every branching point.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Neither was: the next poll begins anew.
    Fresh,
    /// One in branch `.0` was deferred. The poll goes on with that branch.
    At(u32),
    /// It was deferred, and has polled its branches: they wait.
    Waits,
    /// It was deferred, and all branches have ended.
    Ended,
    /// It was deferred, and branch `.0`, which keeps its output, has ended the poll.
    EndedBy(u32),
    /// It was deferred, and has panicked.
    Panicked,
    /// Its branches are being dropped, number `.0` next.
    Drops(u32),
}

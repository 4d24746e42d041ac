//! Branching points as frames, and what a backtrace sees of them.
//!
//! ```text
//!   driver ──▶ leaf: Frame<BranchingBody<Join>> ──▶ caller: the body that awaits the join
//!                    │ describe: branches
//!                    ▼
//!              Join: BranchSet ── kinds ──▶ FutureTag: is the future in this branch a chain, or a branching point?
//!                     ├─ branch 0 ──▶ driver ──▶ leaf ──▶ …
//!                     └─ branch 1 ──▶ driver ──▶ leaf ──▶ …
//! ```
//!
//! A `join` that a coroutine awaits is called, as a coroutine is: its future lies in a frame, which is the leaf while
//! it waits. So a wake-up resumes the join without its caller's body, and a walk of the chain finds the branches there.
//!
//! A branch may be a future of any type. A future of this crate says what it is: in its first poll it [`report`]s its
//! [`FutureTag`], which names its type, to its waker. The branching point uses the tag only if that type is the one of
//! the branch: the report may come from a future inside, which is polled with the same waker.

use core::any::TypeId;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::call::{Callee, Embedded, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::chain::driver::Driver;
use crate::chain::header::{BranchContent, BranchVisitor, Description, Header, VTable};
use crate::chain::outermost::Parent;
use crate::chain::type_id;
use crate::frame::Frame;
use crate::frame::body::{ResumeBody, Site};
use crate::frame::outlined::Outlined;
use crate::frame::passing::Given;
use crate::wake_set;

/// A future with branches.
pub trait BranchingPoint: Future {
    /// Shows the branches that are not finished.
    ///
    /// # Safety
    /// The future is valid, pinned, and nobody polls it meanwhile. (A reference to all of it would be a read of all of
    /// it, also of memory that a branch has lent out exclusively.)
    #[doc(hidden)]
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>);

    /// Polls it within a poll of its parent.
    ///
    /// # Safety
    /// Invariant N holds for it and this parent: see `chain/outermost/mod.rs`.
    #[doc(hidden)]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<Self::Output>;

    /// [`BranchingPoint::poll_in`], for a resume of its frame: what most resumes do is compiled there.
    ///
    /// # Safety
    /// As for that.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn resume_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<Self::Output> {
        // SAFETY: as for this function.
        unsafe { self.poll_in(parent, cx) }
    }

    /// Drops branches, in the order of a drop of it, up to the first one with frames. Gives the driver of these, or
    /// null if no branch is left.
    ///
    /// # Safety
    /// The future is valid, pinned, nobody polls it, and it will be dropped.
    #[doc(hidden)]
    unsafe fn drop_branches(this: *mut Self) -> *const Driver;
}

/// The tag that a future of this crate reports to the branching point whose branch it is.
#[derive(Debug)]
pub struct FutureTag {
    type_id: fn() -> TypeId,
    is_chain: bool,
    show: unsafe fn(*const (), usize, &mut BranchVisitor<'_>),
    frames: unsafe fn(*mut ()) -> *const Driver,
}

/// Where a branch's kind is kept.
pub(crate) type TagOf = Option<&'static FutureTag>;

impl FutureTag {
    /// The tag of a future that begins with its driver.
    ///
    /// # Safety
    /// An `F` does.
    pub(crate) const unsafe fn of_chain<F>() -> Self {
        unsafe fn show(future: *const (), number: usize, look: &mut BranchVisitor<'_>) {
            // SAFETY: `Branch::look` has compared the tag's type with that of the future (invariant A). One of that
            // type begins with its driver, as the caller of `of_chain` has promised.
            (look.0)(number, BranchContent::Chain(unsafe { &*future.cast::<Driver>() }));
        }
        unsafe fn frames(future: *mut ()) -> *const Driver {
            let driver = future.cast_const().cast::<Driver>();
            // SAFETY: `Branch::frames` has compared the tag's type with that of the future (invariant A). One of that
            // type begins with its driver, as the caller of `of_chain` has promised.
            if unsafe { Driver::has_frames(driver) } { driver } else { ptr::null() }
        }
        FutureTag { type_id: type_id::<F>, is_chain: true, show, frames }
    }

    pub(crate) const fn of_branching_point<F: BranchingPoint>() -> Self {
        unsafe fn show<F: BranchingPoint>(
            future: *const (),
            number: usize,
            look: &mut BranchVisitor<'_>,
        ) {
            // SAFETY: `Branch::look` has compared the tag's type with that of the future, which nobody polls (invariant
            // A).
            let branches = |look: &mut BranchVisitor<'_>| unsafe { F::look(future.cast(), look) };
            (look.0)(number, BranchContent::Branches(&branches));
        }
        unsafe fn frames<F: BranchingPoint>(future: *mut ()) -> *const Driver {
            // SAFETY: `Branch::frames` has compared the tag's type with that of the future, which nobody polls and
            // which its branching point drops (invariant A).
            unsafe { F::drop_branches(future.cast()) }
        }
        FutureTag { type_id: type_id::<F>, is_chain: false, show: show::<F>, frames: frames::<F> }
    }

    /// Whether it is the tag of futures of type `F`.
    pub(crate) fn is_of<F>(&self) -> bool {
        (self.type_id)() == type_id::<F>()
    }

    /// Whether these begin with the driver of a chain.
    pub(crate) fn is_chain(&self) -> bool {
        self.is_chain
    }

    /// Shows the chain or the branches in the future.
    ///
    /// # Safety
    /// The future has this tag's type; the rest is as for [`BranchingPoint::look`].
    pub(crate) unsafe fn show(
        &self,
        future: *const (),
        number: usize,
        look: &mut BranchVisitor<'_>,
    ) {
        // SAFETY: `Branch::look`, which calls this, has compared the types, and nobody polls the branch (invariant A).
        unsafe { (self.show)(future, number, look) }
    }

    /// The driver of the first frames that a drop of the future would drop, or null.
    ///
    /// # Safety
    /// The future has this tag's type; the rest is as for [`BranchingPoint::drop_branches`].
    pub(crate) unsafe fn frames(&self, future: *mut ()) -> *const Driver {
        // SAFETY: `Branch::frames`, which calls this, has compared the types; its branching point drops the branch
        // (invariant A).
        unsafe { (self.frames)(future) }
    }
}

/// If a branching point polls its branch for the first time, with `waker`, tells it the kind of the future.
#[inline(always)]
pub(crate) fn report(waker: &Waker, kind: &'static FutureTag) {
    wake_set::report(waker, kind);
}

/// A branching point that a coroutine calls.
#[derive(Debug)]
pub struct BranchingCall<F>(pub(crate) F);

impl<F: BranchingPoint, K: MayWait> Callee<K> for BranchingCall<F> {
    type Content = Embedded<BranchingBody<F>>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Embedded<BranchingBody<F>>>,
    ) -> Result<Given<F::Output>, Suspended> {
        // SAFETY: the slot is the call's own (invariant F), and the chain runs the body that calls (invariant D).
        // `Handle::__cps_begin`, which calls this, gives the future up.
        unsafe { Embedded::await_branches::<S>(slot, chain, &raw mut (*this).0) }
    }
}

/// A branching point as a body. It has no start of its own: [`Embedded::await_branches`] gives its frame the future.
#[derive(Debug)]
pub struct BranchingBody<F>(F);

/// The future of a branching point, which owns nothing once it has returned.
#[derive(Debug)]
pub struct Fuse<F>(Option<F>);

// SAFETY: invariant B: the future is `Send`, or `Sync`, if `F` is, and so is the body. Invariant E: once it has
// returned it is empty.
unsafe impl<F: BranchingPoint> ResumeBody for BranchingBody<F> {
    type Value = F::Output;
    type Future = Fuse<F>;

    #[inline(always)]
    unsafe fn resume(future: Pin<&mut Fuse<F>>, chain: Caller) -> Poll<F::Output> {
        // SAFETY: `Frame::resume_here` or `call_future` runs this body, and gives its own chain, which is in a poll
        // (invariant D). Nobody else uses that poll's context meanwhile. `call_future` has asked for the parent.
        let (parent, cx) = unsafe { (Parent::of_chain(chain.driver), (*chain.driver).context()) };
        // SAFETY: the future lies in the chain's leaf, and the chain is the future in its parent's branch (invariant
        // N).
        unsafe { future.poll_in(parent, cx) }
    }
}

impl<F: BranchingPoint> Embedded<BranchingBody<F>> {
    /// Calls a branching point with its frame in the slot.
    ///
    /// # Safety
    /// As for [`Embedded::call`]; `future` is valid, and is not used again.
    #[inline(always)]
    pub(crate) unsafe fn await_branches<S: Site>(
        slot: *mut SlotOf<Self>,
        chain: Caller,
        future: *mut F,
    ) -> Result<Given<F::Output>, Suspended> {
        let frame = slot.cast::<Frame<BranchingBody<F>>>();
        let vtable = Branching::<F, S>::VTABLE;
        // Where nothing is inlined it passes by pointer, as arguments do (see `frame/passing.rs`).
        // SAFETY: the caller gives the future up: it is moved out once.
        #[cfg(not(debug_assertions))]
        let future = unsafe { future.read() };
        let write = move |place: *mut Fuse<F>| {
            // SAFETY: the caller gives the future up: it is moved out once, since this is called once.
            #[cfg(debug_assertions)]
            let future = unsafe { future.read() };
            // SAFETY: `call_future` gives the place of the frame's future.
            unsafe { place.write(Fuse(Some(future))) };
        };
        // SAFETY: the slot is memory for a frame, the caller's own until the call has ended (invariant F), and the body
        // that calls this runs (invariant D). If it is pending the body awaits it at once (invariant P).
        unsafe {
            match Frame::call_future(frame, write, chain, vtable) {
                Poll::Ready(value) => Ok(value),
                Poll::Pending => Err(Suspended::now(chain)),
            }
        }
    }
}

/// The vtable of a branching point's frame, called at `S`.
struct Branching<F, S>(PhantomData<(F, S)>);

impl<F: BranchingPoint, S: Site> Branching<F, S> {
    const VTABLE: &'static VTable = &VTable {
        resume: Frame::<BranchingBody<F>>::RESUME_IN_PLACE,
        drop: <Fuse<F> as Outlined<BranchingBody<F>>>::drop_suspended,
        describe: Self::describe,
        drop_branches: Some(Self::drop_branches),
    };

    unsafe fn drop_branches(frame: *mut Header) -> *const Driver {
        let whole = Frame::<BranchingBody<F>>::future(frame.cast());
        // SAFETY: only such frames have this vtable (invariant V), and a frame in a chain has not returned (invariant
        // C). `drop_chains` drops it next, and nobody polls it.
        unsafe { Fuse::drop_branches(whole) }
    }

    unsafe fn describe(_: *const Header) -> Description {
        unsafe fn branches<F: BranchingPoint>(frame: *const Header, look: &mut BranchVisitor<'_>) {
            let whole = Frame::<BranchingBody<F>>::future(frame.cast_mut().cast());
            // SAFETY: only such frames have this vtable (invariant V), and a frame in a chain has not returned
            // (invariant C). The walk of the chain, which calls this, finds it suspended.
            unsafe { Fuse::look(whole, look) }
        }
        Description { body: "", call: S::AT, branches: Some(branches::<F>) }
    }
}

impl<F: BranchingPoint> Fuse<F> {
    /// # Safety
    /// As for [`BranchingPoint::poll_in`].
    #[inline(always)]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        // SAFETY: the future is pinned as this is, and dropped in place below.
        let mut future = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let Some(running) = future.as_mut().as_pin_mut() else {
            unreachable!("polled after it has returned")
        };
        // SAFETY: `BranchingBody::resume` calls this, with the parent of the chain whose leaf this is (invariant N).
        let poll = unsafe { running.resume_in(parent, cx) };
        if poll.is_ready() {
            future.set(None);
        }
        poll
    }

    /// # Safety
    /// As for [`BranchingPoint::drop_branches`].
    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: the vtable's function calls this for its frame's future, which is pinned, and which nobody polls and
        // `drop_chains` drops (invariant C).
        unsafe {
            match &mut (*this).0 {
                Some(future) => F::drop_branches(future),
                None => ptr::null(),
            }
        }
    }

    /// # Safety
    /// As for [`BranchingPoint::look`].
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the vtable's function calls this for its frame's future, whose chain is suspended. The branches lie
        // in cells, so that a reference to the future is no read of them (invariant A).
        unsafe {
            if let Some(future) = &(*this).0 {
                F::look(future, look);
            }
        }
    }
}

/// Gives a branching point the method that coroutines have: see `call/mod.rs`. With `by P, of S`, also the impls of a
/// future whose field `group` is a `BranchSet<S>` that is polled by a `P`. Its function `output` makes its output of
/// the group, and of the value that has ended the poll, if one has.
macro_rules! branching_point {
    (($($generics:tt)*) $Type:ty => $Output:ty, by $By:ty, of $Branches:ty) => {
        $crate::concurrent::frame::branching_point! { ($($generics)*) $Type }

        impl<$($generics)*> $Type {
            /// # Safety
            /// As for `BranchSet::poll`.
            #[inline(always)]
            unsafe fn poll_group(
                mut group: Pin<&mut $crate::concurrent::engine::BranchSet<$Branches>>,
                parent: $crate::chain::outermost::Parent,
                cx: &mut Context<'_>,
            ) -> Poll<$Output> {
                // SAFETY: `poll` and `poll_in`, the callers, give the future's own parent (invariant N).
                unsafe { group.as_mut().poll::<$By>(cx, Self::KIND, parent) }.map(|end| {
                    let output = Self::output(group.as_mut(), end);
                    group.end();
                    output
                })
            }

            /// The output of a group whose poll has ended so. (Not inlined, since most polls do not end a group.)
            #[inline(never)]
            fn finish(
                mut group: Pin<&mut $crate::concurrent::engine::BranchSet<$Branches>>,
                end: Option<<$By as $crate::concurrent::engine::PollBranch<$Branches>>::Break>,
            ) -> $Output {
                let output = Self::output(group.as_mut(), end);
                group.end();
                output
            }
        }

        impl<$($generics)*> core::future::Future for $Type {
            type Output = $Output;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$Output> {
                // SAFETY: the group is pinned as this is, and is not moved here.
                let this = unsafe { self.get_unchecked_mut() };
                let future = core::ptr::from_ref(this);
                // SAFETY: the group is in this future for good, which is polled with that waker.
                let parent = unsafe { this.group.parent_of(future, cx.waker()) };
                // SAFETY: the group is pinned as this is. If there is a parent, this is the future in one of its
                // branches (invariant N), as `Parent::of_branch` has found.
                unsafe { Self::poll_group(Pin::new_unchecked(&mut this.group), parent, cx) }
            }
        }

        impl<$($generics)*> $crate::concurrent::frame::BranchingPoint for $Type {
            unsafe fn look(this: *const Self, look: &mut $crate::chain::header::BranchVisitor<'_>) {
                // SAFETY: the walk of the chains, which calls this, leads to a pinned future that nobody polls, in
                // which the group is (invariant A).
                unsafe { $crate::concurrent::engine::BranchSet::look(&raw const (*this).group, look) }
            }

            #[inline(always)]
            unsafe fn resume_in(
                mut self: Pin<&mut Self>,
                parent: $crate::chain::outermost::Parent,
                cx: &mut Context<'_>,
            ) -> Poll<$Output> {
                // SAFETY: the group is pinned as this is, and is not moved here.
                let group = unsafe { &mut self.as_mut().get_unchecked_mut().group };
                if !group.is_open(parent) {
                    // SAFETY: as for this function. (Not inlined: it is the first poll, or a rare one.)
                    return unsafe { self.poll_in(parent, cx) };
                }
                group.poll_open(cx, &mut <$By>::default()).map(|end| {
                    // SAFETY: the group is pinned as this is.
                    Self::finish(unsafe { Pin::new_unchecked(group) }, end)
                })
            }

            #[inline(never)]
            unsafe fn poll_in(
                self: Pin<&mut Self>,
                parent: $crate::chain::outermost::Parent,
                cx: &mut Context<'_>,
            ) -> Poll<$Output> {
                // SAFETY: the group is pinned as this is. The chain in whose leaf this is, or the future that holds
                // this, gives its own parent (invariant N).
                unsafe {
                    let group = self.map_unchecked_mut(|this| &mut this.group);
                    Self::poll_group(group, parent, cx)
                }
            }

            unsafe fn drop_branches(this: *mut Self) -> *const $crate::chain::driver::Driver {
                // SAFETY: the owner of this future calls this when it drops it: it is pinned, and nobody polls it
                // (invariant A).
                unsafe { $crate::concurrent::engine::BranchSet::drop_to_frames(&raw mut (*this).group) }
            }
        }
    };
    (($($generics:tt)*) $Type:ty $(where $($bounds:tt)*)?) => {
        impl<$($generics)*> $Type $(where $($bounds)*)? {
            #[allow(dead_code, reason = "a type that cannot be a branch reports nothing")]
            pub(crate) const KIND: &'static $crate::concurrent::frame::FutureTag =
                &$crate::concurrent::frame::FutureTag::of_branching_point::<Self>();

            /// For the expansion of `#[cps]`: see `call/mod.rs`.
            #[doc(hidden)]
            #[inline(always)]
            pub fn __cps_call(self) -> $crate::concurrent::frame::BranchingCall<Self> {
                $crate::concurrent::frame::BranchingCall(self)
            }
        }
    };
}
pub(crate) use branching_point;

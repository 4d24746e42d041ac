//! Branching points as frames, and what a backtrace sees of them.
//!
//! ```text
//!   driver ──▶ leaf: Frame<Native<Join>> ──▶ caller: the body that awaits the join
//!                    │ describe: branches
//!                    ▼
//!              Join: Group ── kinds ──▶ Kind: is the future in this branch a chain, or a branching point?
//!                     ├─ branch 0 ──▶ driver ──▶ leaf ──▶ …
//!                     └─ branch 1 ──▶ driver ──▶ leaf ──▶ …
//! ```
//!
//! A `join` that a coroutine awaits is called, as a coroutine is: its future lies in a frame, which is the leaf
//! while it waits. A wake-up so resumes the join without its caller's body, and whoever walks the chain
//! finds the branches there.
//!
//! A branch's type may be any future's. What it is, it says itself: polled for the first time it finds in its
//! waker where to [`report`] its [`Kind`], which names its type; and only if that is the type of the branch (and
//! not that of something inside which is polled with the same waker) is the branch ever looked at as such.

use core::any::TypeId;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::body::{Body, Site};
use crate::call::{Callee, Embedded, SlotOf, Suspended};
use crate::chain::{Chain, MayWait, Waits};
use crate::driver::{Below, Description, Driver, Header, Look, VTable};
use crate::enter::Enter;
use crate::frame::{Frame, drop_suspended, resume};
use crate::outermost::Parent;
use crate::wake_set;

/// A future with branches.
pub trait BranchingPoint: Future {
    /// Shows the branches that are not finished.
    ///
    /// # Safety
    /// The future is valid, pinned, and nobody polls it meanwhile. (A reference to all of it would be a read of
    /// all of it, also of what a branch has lent out exclusively.)
    #[doc(hidden)]
    unsafe fn look(this: *const Self, look: &mut Look<'_>);

    /// Polls it as a part of what its parent polls.
    ///
    /// # Safety
    /// Invariant N holds for it and this parent: see `outermost.rs`.
    #[doc(hidden)]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<Self::Output>;

    /// Drops branches in the order in which a drop of it does, up to the first one with frames: gives their driver. Null
    /// if none is left.
    ///
    /// # Safety
    /// The future is valid, pinned, nobody polls it, and it will be dropped.
    #[doc(hidden)]
    unsafe fn drop_branches(this: *mut Self) -> *const Driver;
}

/// What a future of this crate says of itself to the branching point whose branch it is.
#[derive(Debug)]
pub struct Kind {
    type_id: fn() -> TypeId,
    show: unsafe fn(*const (), usize, &mut Look<'_>),
    frames: unsafe fn(*mut ()) -> *const Driver,
}

/// Where a branch's kind is kept.
pub(crate) type KindOf = Option<&'static Kind>;

impl Kind {
    /// Of a future that begins with its driver.
    ///
    /// # Safety
    /// It does.
    pub(crate) const unsafe fn of_chain<F>() -> Self {
        unsafe fn show(future: *const (), number: usize, look: &mut Look<'_>) {
            // SAFETY: by contract the future begins with its driver.
            (look.0)(number, Below::Chain(unsafe { &*future.cast::<Driver>() }));
        }
        unsafe fn frames(future: *mut ()) -> *const Driver {
            let driver = future.cast_const().cast::<Driver>();
            // SAFETY: by contract the future begins with its driver.
            if unsafe { Driver::has_frames(driver) } { driver } else { ptr::null() }
        }
        Kind { type_id: type_id::<F>, show, frames }
    }

    pub(crate) const fn of_branching_point<F: BranchingPoint>() -> Self {
        unsafe fn show<F: BranchingPoint>(future: *const (), number: usize, look: &mut Look<'_>) {
            // SAFETY: passed on.
            let branches = |look: &mut Look<'_>| unsafe { F::look(future.cast(), look) };
            (look.0)(number, Below::Branches(&branches));
        }
        unsafe fn frames<F: BranchingPoint>(future: *mut ()) -> *const Driver {
            // SAFETY: passed on.
            unsafe { F::drop_branches(future.cast()) }
        }
        Kind { type_id: type_id::<F>, show: show::<F>, frames: frames::<F> }
    }

    /// Whether it is that of futures of type `F`.
    pub(crate) fn is_of<F>(&self) -> bool {
        (self.type_id)() == type_id::<F>()
    }

    /// Shows what is in the future.
    ///
    /// # Safety
    /// It is of this kind; the rest is as for [`BranchingPoint::look`].
    pub(crate) unsafe fn show(&self, future: *const (), number: usize, look: &mut Look<'_>) {
        // SAFETY: passed on.
        unsafe { (self.show)(future, number, look) }
    }

    /// The driver of the first frames that a drop of the future would drop, or null.
    ///
    /// # Safety
    /// It is of this kind; the rest is as for [`BranchingPoint::drop_branches`].
    pub(crate) unsafe fn frames(&self, future: *mut ()) -> *const Driver {
        // SAFETY: passed on.
        unsafe { (self.frames)(future) }
    }
}

/// Tells the branching point that polls with `waker` for the first time, if one does, what the future is.
#[inline(always)]
pub(crate) fn report(waker: &Waker, kind: &'static Kind) {
    wake_set::report(waker, kind);
}

/// The type's identity, with all lifetimes taken for the same: types that differ in nothing else have one layout.
/// (The way of the crate `typeid`.)
pub(crate) fn type_id<T: ?Sized>() -> TypeId {
    trait NonStatic {
        fn type_id(&self) -> TypeId
        where
            Self: 'static;
    }

    impl<T: ?Sized> NonStatic for PhantomData<T> {
        fn type_id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }

    let phantom: &dyn NonStatic = &PhantomData::<T>;
    // SAFETY: only the bound of the trait object changes. The method uses nothing but the type's identity,
    // which does not depend on lifetimes.
    let phantom =
        unsafe { core::mem::transmute::<&dyn NonStatic, &(dyn NonStatic + 'static)>(phantom) };
    phantom.type_id()
}

/// A branching point that is to be called.
#[derive(Debug)]
pub struct BranchingCall<F>(pub(crate) F);

impl<F: BranchingPoint, K: MayWait> Callee<K> for BranchingCall<F> {
    type Content = Embedded<Native<F>>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Chain,
        slot: *mut SlotOf<Embedded<Native<F>>>,
    ) -> (Option<F::Output>, Suspended) {
        // SAFETY: passed on; the future is moved out once.
        unsafe { Embedded::await_branches::<S>(slot, chain, this.read().0) }
    }
}

/// A branching point as a body.
#[derive(Debug)]
pub struct Native<F>(F);

/// Its future, which owns nothing once it has returned.
#[derive(Debug)]
pub struct Whole<F>(Option<F>);

impl<F: Future> Future for Whole<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<F::Output> {
        unreachable!("it is polled by `Native::resume`")
    }
}

// SAFETY: the future is `Send`, or `Sync`, if `F` is, and so is the body. It has no first statement, and needs
// none: `Embedded::await_branches` hands it over as it is, and `take_make` is not called. Once it has returned it
// is empty.
unsafe impl<F: BranchingPoint> Body for Native<F> {
    type Output = F::Output;
    type Kind = Waits;
    type Args = F;
    type Make = fn(Enter<F, Waits>) -> Whole<F>;
    type Future = Whole<F>;

    fn into_parts(self) -> (F, Self::Make) {
        unreachable!("a branching point is called with its future")
    }

    unsafe fn take_make(_: *mut Self) -> Self::Make {
        unreachable!("a branching point is called with its future")
    }

    unsafe fn args(this: *mut Self) -> *mut F {
        this.cast()
    }

    #[inline(always)]
    fn output(result: F::Output) -> F::Output {
        result
    }

    #[inline(always)]
    unsafe fn resume(future: Pin<&mut Whole<F>>, chain: Chain) -> Poll<F::Output> {
        // SAFETY: the chain is in a poll, whose context nobody else uses meanwhile. The future lies in the chain's leaf,
        // and the chain is what is in its parent's branch (invariant N).
        unsafe { future.poll_in(Parent::of_chain(chain.driver), (*chain.driver).context()) }
    }
}

impl<F: BranchingPoint> Embedded<Native<F>> {
    /// Calls a branching point with its frame in the slot.
    ///
    /// # Safety
    /// As for [`Embedded::call`].
    #[inline(always)]
    pub(crate) unsafe fn await_branches<S: Site>(
        slot: *mut SlotOf<Self>,
        chain: Chain,
        future: F,
    ) -> (Option<F::Output>, Suspended) {
        let frame = slot.cast::<Frame<Native<F>>>();
        let vtable = Branching::<F, S>::VTABLE;
        // SAFETY: as in `Embedded::call`.
        unsafe {
            match Frame::call_future(frame, Whole(Some(future)), chain, vtable) {
                Poll::Ready(value) => Suspended::returned(value),
                Poll::Pending => Suspended::now(chain),
            }
        }
    }
}

/// The vtable of a branching point's frame, called at `S`.
struct Branching<F, S>(PhantomData<(F, S)>);

impl<F: BranchingPoint, S: Site> Branching<F, S> {
    const VTABLE: &'static VTable = &VTable {
        resume: resume::<Native<F>>,
        drop: drop_suspended::<Native<F>>,
        describe: Self::describe,
        drop_branches: Some(Self::drop_branches),
    };

    unsafe fn drop_branches(frame: *mut Header) -> *const Driver {
        let whole = Frame::<Native<F>>::future(frame.cast());
        // SAFETY: only such frames have this vtable, and a frame in a chain has not returned. The rest is passed on.
        unsafe { Whole::drop_branches(whole) }
    }

    unsafe fn describe(_: *const Header) -> Description {
        unsafe fn branches<F: BranchingPoint>(frame: *const Header, look: &mut Look<'_>) {
            let whole = Frame::<Native<F>>::future(frame.cast_mut().cast());
            // SAFETY: only such frames have this vtable, and a frame in a chain has not returned; the future is
            // reached as `BranchingPoint::look` asks for.
            unsafe { Whole::look(whole, look) }
        }
        Description { body: "", call: S::AT, branches: Some(branches::<F>) }
    }
}

impl<F: BranchingPoint> Whole<F> {
    /// # Safety
    /// As for [`BranchingPoint::poll_in`].
    #[inline(always)]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        // SAFETY: the future is pinned as this is, and dropped in place.
        let mut future = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let Some(running) = future.as_mut().as_pin_mut() else {
            unreachable!("polled after it has returned")
        };
        // SAFETY: passed on.
        let poll = unsafe { running.poll_in(parent, cx) };
        if poll.is_ready() {
            future.set(None);
        }
        poll
    }

    /// # Safety
    /// As for [`BranchingPoint::drop_branches`].
    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: by contract; as in `look`.
        unsafe {
            match &mut (*this).0 {
                Some(future) => F::drop_branches(future),
                None => ptr::null(),
            }
        }
    }

    /// # Safety
    /// As for [`BranchingPoint::look`].
    unsafe fn look(this: *const Self, look: &mut Look<'_>) {
        // SAFETY: by contract. The branches lie in cells, so that a reference to the future is no read of them.
        unsafe {
            if let Some(future) = &(*this).0 {
                F::look(future, look);
            }
        }
    }
}

/// Gives a branching point the method that coroutines have: see `call.rs`. With `by group`, its branches are those of
/// its field `group`, which its function `poll_group` polls.
macro_rules! branching_point {
    (($($generics:tt)*) $Type:ty => $Output:ty, by group) => {
        $crate::branching::branching_point! { ($($generics)*) $Type }

        impl<$($generics)*> core::future::Future for $Type {
            type Output = $Output;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$Output> {
                // SAFETY: nothing is moved. The group is in this future for good, which is polled with that waker; and if
                // it has a parent, this is what is in the parent's branch (invariant N).
                unsafe {
                    let this = self.get_unchecked_mut();
                    let future = core::ptr::from_ref(this);
                    let parent = this.group.parent_of(future, cx.waker());
                    Self::poll_group(Pin::new_unchecked(&mut this.group), parent, cx)
                }
            }
        }

        impl<$($generics)*> $crate::branching::BranchingPoint for $Type {
            unsafe fn look(this: *const Self, look: &mut $crate::driver::Look<'_>) {
                // SAFETY: passed on.
                unsafe { $crate::group::Group::look(&raw const (*this).group, look) }
            }

            #[inline]
            unsafe fn poll_in(
                self: Pin<&mut Self>,
                parent: $crate::outermost::Parent,
                cx: &mut Context<'_>,
            ) -> Poll<$Output> {
                // SAFETY: the group is pinned as this is; the rest is passed on.
                unsafe {
                    let group = self.map_unchecked_mut(|this| &mut this.group);
                    Self::poll_group(group, parent, cx)
                }
            }

            unsafe fn drop_branches(this: *mut Self) -> *const $crate::driver::Driver {
                // SAFETY: passed on.
                unsafe { $crate::group::Group::drop_to_frames(&raw mut (*this).group) }
            }
        }
    };
    (($($generics:tt)*) $Type:ty $(where $($bounds:tt)*)?) => {
        impl<$($generics)*> $Type $(where $($bounds)*)? {
            #[allow(dead_code, reason = "what cannot be a branch reports nothing")]
            pub(crate) const KIND: &'static $crate::branching::Kind =
                &$crate::branching::Kind::of_branching_point::<Self>();

            /// For the expansion of `#[coroutine]`: see `call.rs`.
            #[doc(hidden)]
            #[inline(always)]
            pub fn __cps_call(self) -> $crate::branching::BranchingCall<Self> {
                $crate::branching::BranchingCall(self)
            }
        }
    };
}
pub(crate) use branching_point;

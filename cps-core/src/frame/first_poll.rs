//! The start of a body, kept out of its resume function.
//!
//! An `async` block is one function: what runs up to the first suspension and what runs after each
//! of them, with a branch in front. A body is polled in two places, at its start, where the compiler
//! knows the branch, and in its resume function, where it does not: so that would contain the whole
//! body once more, and save the registers that the start needs. The one thing that a body can see
//! of whoever polls it is the context, and by that the two are told apart here.
//!
//! By the context a body has its arguments too. (rustc keeps the arguments of an `async fn` in the future
//! for its whole life, and a second time as locals once they live across an await; and likewise what an
//! `async` block captures. So a body captures nothing.)

use core::future::Future;
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::chain::caller::{Caller, Handle};
use crate::frame::context;
use crate::frame::passing::Passed;

/// What a body finds at its start, while that is polled.
struct Entry<'a, A> {
    chain: Caller,
    /// The waker of a body's context once the body was entered.
    in_chain: &'a Waker,
    args: Passed<A>,
}

/// Polls a body for the first time.
///
/// # Safety
/// The body's first statement is to await an [`Enter`] of these arguments' type, after which it takes
/// them: they are moved out of `args`. The driver is in a poll; the body is that of the chain's frame.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn poll<A, F: Future>(
    body: Pin<&mut F>,
    args: Passed<A>,
    chain: Caller,
) -> Poll<F::Output> {
    // SAFETY: passed on.
    let in_chain = unsafe { context::waker(&chain) };
    let entry = Entry { chain, in_chain: &in_chain, args };
    // SAFETY: the functions do nothing.
    let waker = ManuallyDrop::new(unsafe { Waker::new((&raw const entry).cast(), &ENTERING) });
    let mut cx = Context::from_waker(&waker);
    let poll = body.poll(&mut cx);
    if poll.is_pending() && context::asks_again(&cx) {
        // SAFETY: the driver is in a poll, by contract.
        unsafe { (*chain.driver).poll_again() };
    }
    poll
}

/// What a body awaits first of all, to have its arguments `A` and its chain, of kind `K`: ready at once.
///
/// The first poll of a body has a waker of a kind that no other has, until this puts another in its place.
#[derive(Debug)]
#[must_use = "a body begins with it"]
pub struct Enter<A, K>(PhantomData<(A, fn() -> K)>);

// SAFETY: it stands for the arguments, which are in no `Enter`, and is used by the body that owns it only.
unsafe impl<A, K> Send for Enter<A, K> {}
// SAFETY: as above.
unsafe impl<A, K> Sync for Enter<A, K> {}

impl<A, K> Enter<A, K> {
    /// # Safety
    /// For a body that is polled first by [`poll`] with arguments `A`, and awaits this as its first
    /// statement.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn new() -> Self {
        Enter(PhantomData)
    }
}

impl<A, K> Future for Enter<A, K> {
    type Output = Entered<A, K>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Entered<A, K>> {
        // SAFETY: a body's first poll has this waker, which leads to an entry that outlives the poll, and
        // this is the first statement (contract of `new`). In later polls, which have another waker, the
        // body is past it: so this tells the compiler that it need not look there.
        unsafe {
            assert_unchecked(ptr::eq(cx.waker().vtable(), &raw const ENTERING));
            let entry = cx.waker().data().cast::<Entry<'_, A>>();
            *cx = Context::from_waker((*entry).in_chain);
            Poll::Ready(Entered { entry: entry.cast(), kind: PhantomData })
        }
    }
}

/// The arguments of a body, and its chain.
#[derive(Debug)]
pub struct Entered<A, K> {
    /// An `Entry<A>`.
    entry: *const (),
    kind: PhantomData<(A, fn() -> K)>,
}

impl<A, K> Clone for Entered<A, K> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, K> Copy for Entered<A, K> {}

impl<A, K> Entered<A, K> {
    /// Takes the arguments.
    ///
    /// # Safety
    /// Once, before the body awaits anything else than its [`Enter`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_args(self) -> A {
        // SAFETY: the entry is live in the first poll, and the caller says that this is the only call.
        unsafe {
            let args = &raw const (*self.entry.cast::<Entry<'_, A>>()).args;
            #[cfg(debug_assertions)]
            let args = args.read();
            args.cast::<A>().read()
        }
    }

    /// The chain that runs the body, branded with the lifetime of one of the body's locals.
    ///
    /// # Safety
    /// Once, before the body awaits anything else than its [`Enter`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_handle<'b>(self, _: &'b BodyLocal) -> Handle<'b, K> {
        // SAFETY: the entry is live in the first poll. The body, of kind `K` by the contract of `Enter::new`, is
        // the one that the chain runs.
        unsafe { Handle::new((*self.entry.cast::<Entry<'_, A>>()).chain) }
    }

    /// A local of the body, for [`Entered::__cps_handle`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    #[doc(hidden)]
    pub fn __cps_local(self) -> BodyLocal {
        BodyLocal(())
    }
}

/// What a body borrows for the brand of its [`Handle`].
#[derive(Debug)]
pub struct BodyLocal(());

/// The table of the wakers of first polls. A `static`, whose address is its own: by it they are
/// known. Nobody gets to use them.
static ENTERING: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &ENTERING)
    }
    unsafe fn nothing(_: *const ()) {}
    RawWakerVTable::new(clone, nothing, nothing, nothing)
};

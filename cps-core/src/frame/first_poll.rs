//! The start of a body, kept out of its resume function.
//!
//! An `async` block is one function: what runs up to the first suspension and what runs after each of them, with a
//! branch in front. A body is polled in two places, at its start, where the compiler knows the branch, and in its
//! resume function, where it does not: so without a remedy the resume function would contain the whole body once
//! more, and save the registers that the start needs. A body sees nothing of its poller but the context, and here the
//! two are told apart by it.
//!
//! The context also brings a body its arguments. (rustc keeps the arguments of an `async fn` in the future for its
//! whole life, and a second time as locals once they live across an await. It treats the captures of an `async` block
//! likewise. So a body captures nothing.)

use core::future::Future;
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::chain::caller::{Caller, Handle};
use crate::frame::body::Body;
use crate::frame::context;
use crate::frame::passing::{Given, Passed};

/// What a body finds in its first poll.
struct Entry<'a, A> {
    chain: Caller,
    /// The waker of a body's context once the body was entered.
    in_chain: &'a Waker,
    args: Passed<A>,
}

/// Polls a body for the first time.
///
/// # Safety
/// - The body's first statement awaits an [`Enter`] of these arguments' type, and then the body takes the arguments:
///   they are moved out of `args` (invariant E).
/// - The driver is in a poll, and the body is that of the frame `chain.frame` (invariant D).
/// - `result` is where that frame has its result.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn poll<B: Body>(
    body: Pin<&mut B::Future>,
    args: Passed<B::Args>,
    chain: Caller,
    result: *mut B::Output,
) -> Poll<Given<B::Output>> {
    // SAFETY: the chain outlives the waker, which ends with this poll, and its driver is in a poll (invariants D
    // and X).
    let in_chain = unsafe { context::waker(&chain) };
    let entry = Entry { chain, in_chain: &in_chain, args };
    // SAFETY: the functions of the table ignore their data, and do nothing.
    let waker = ManuallyDrop::new(unsafe { Waker::new(&raw const entry as *const (), &ENTERING) });
    let mut cx = Context::from_waker(&waker);
    #[cfg(not(debug_assertions))]
    match body.poll(&mut cx) {
        // SAFETY: a future that has returned owns nothing (invariant E), so that its memory is free for the result.
        Poll::Ready(value) => return Poll::Ready(unsafe { Given::of(B::output(value), result) }),
        Poll::Pending => {}
    }
    #[cfg(debug_assertions)]
    {
        let mut poll = body.poll(&mut cx);
        // SAFETY: a future that has returned owns nothing (invariant E), so that its memory is free for the result.
        if unsafe { Given::move_from_poll::<B>(&mut poll, result) } {
            // SAFETY: the result was moved there just now.
            return Poll::Ready(unsafe { Given::in_frame() });
        }
    }
    // SAFETY: the caller's driver is in a poll until this returns (invariant D).
    unsafe { context::answer(&cx, chain.driver) };
    Poll::Pending
}

/// [`poll`] that gives what the future returns.
///
/// # Safety
/// As for [`poll`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn poll_future<B: Body>(
    body: Pin<&mut B::Future>,
    args: Passed<B::Args>,
    chain: Caller,
) -> Poll<<B::Future as Future>::Output> {
    // SAFETY: the chain outlives the waker, which ends with this poll, and its driver is in a poll (invariants D
    // and X).
    let in_chain = unsafe { context::waker(&chain) };
    let entry = Entry { chain, in_chain: &in_chain, args };
    // SAFETY: the functions of the table ignore their data, and do nothing.
    let waker = ManuallyDrop::new(unsafe { Waker::new(&raw const entry as *const (), &ENTERING) });
    let mut cx = Context::from_waker(&waker);
    let poll = body.poll(&mut cx);
    if poll.is_pending() {
        // SAFETY: the caller's driver is in a poll until this returns (invariant D).
        unsafe { context::answer(&cx, chain.driver) };
    }
    poll
}

/// The future that a body awaits first of all. It is ready at once, with the body's arguments `A` and its chain, of
/// kind `K`.
///
/// The first poll of a body begins with a waker that no other poll has. This replaces it.
#[derive(Debug)]
#[must_use = "a body begins with it"]
pub struct Enter<A, K>(PhantomData<(A, fn() -> K)>);

// SAFETY: it stands for the arguments, but contains none, and only the body that owns it uses it.
unsafe impl<A, K> Send for Enter<A, K> {}
// SAFETY: a shared reference gives access to nothing: its only method takes it by value or pinned.
unsafe impl<A, K> Sync for Enter<A, K> {}

impl<A, K> Enter<A, K> {
    /// For [`Frame::make`](crate::frame::Frame::make) only: it is given to a body of kind `K` that awaits it as its first
    /// statement, and whose first poll is [`poll`] with arguments `A`.
    ///
    /// (A constant: where nothing is inlined, a function might unwind, and what makes the body would have to be dropped.)
    pub(super) const NEW: Self = Enter(PhantomData);
}

impl<A, K> Future for Enter<A, K> {
    type Output = Entered<A, K>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Entered<A, K>> {
        // SAFETY: invariant E: this is the first statement of a body, whose first poll is `poll` above, with this
        // waker and an entry that outlives it. In later polls, which have another waker, the body is past it: so
        // this tells the compiler that it need not look there.
        unsafe {
            assert_unchecked(ptr::eq(cx.waker().vtable(), &raw const ENTERING));
            let entry = cx.waker().data().cast::<Entry<'_, A>>();
            *cx = Context::from_waker((*entry).in_chain);
            Poll::Ready(Entered { entry: entry as *const (), kind: PhantomData })
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
    /// - This is called once for a body.
    /// - The body has awaited nothing but its [`Enter`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_args(self) -> A {
        // SAFETY: the entry is live in the body's first poll, in which the expansion calls this (invariant E),
        // once.
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
    /// - This is called once for a body.
    /// - The body has awaited nothing but its [`Enter`].
    /// - The reference is to a local of the body, so that the handle cannot leave it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_handle<'b>(self, _: &'b ()) -> Handle<'b, K> {
        // SAFETY: the entry is live in the body's first poll, in which the expansion calls this (invariant E),
        // once. The body, of kind `K` (`Enter::NEW`), is the one that the chain runs (invariants D and H).
        unsafe { Handle::new((*self.entry.cast::<Entry<'_, A>>()).chain) }
    }
}

/// The table of the wakers of first polls, which are known by its address: it is a `static`. Nobody uses these wakers.
static ENTERING: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &ENTERING)
    }
    unsafe fn nothing(_: *const ()) {}
    RawWakerVTable::new(clone, nothing, nothing, nothing)
};

//! The start of a body, kept out of its resume function.
//!
//! An `async` block is one function: what runs up to the first suspension and what runs after each
//! of them, with a branch in front. A body is polled in two places, at its start, where the compiler
//! knows the branch, and in its resume function, where it does not: so that would contain the whole
//! body once more, and save the registers that the start needs. The one thing that a body can see
//! of whoever polls it is the context, and by that the two are told apart here.
//!
//! Together with returns that are jumps (see `host_stack`), a level of a call that suspends once takes
//! 37.8 instructions instead of 55.8, and a resume 32 instead of 36 (`lab call --instructions`,
//! `lab resume --instructions`).

use core::future::Future;
use core::hint::assert_unchecked;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::driver::Driver;

/// What a body awaits first of all: ready at once.
///
/// The first poll has a waker of a kind that no other poll has, `Enter::waker`, until this puts the
/// chain's in its place; of later polls `Enter::assert_over` promises that they have another.
#[derive(Debug)]
pub struct Enter(());

impl Enter {
    /// # Safety
    /// To be awaited as the first statement of a body.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Enter(())
    }

    /// The waker of a body's first poll, for [`Context::from_waker`].
    ///
    /// # Safety
    /// For a poll of a body of this driver, which is in a poll.
    #[inline(always)]
    pub(crate) unsafe fn waker(driver: *const Driver) -> ManuallyDrop<Waker> {
        // SAFETY: the functions do nothing.
        ManuallyDrop::new(unsafe { Waker::new(driver.cast(), &ENTERING) })
    }

    /// Promises that a body was entered.
    ///
    /// # Safety
    /// The context is not that of a body's first poll, unless the body has awaited an `Enter` in it.
    #[inline(always)]
    pub(crate) unsafe fn assert_over(cx: &Context<'_>) {
        // SAFETY: nobody else has a waker with this table: `Enter`'s poll, before which there is
        // nothing in a body, removes it.
        unsafe { assert_unchecked(!ptr::eq(cx.waker().vtable(), &raw const ENTERING)) }
    }
}

impl Future for Enter {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: a body's first poll has this waker, and this is the first statement (contract of
        // `new`). The data are the driver, whose poll outlasts the context.
        unsafe {
            assert_unchecked(ptr::eq(cx.waker().vtable(), &raw const ENTERING));
            let driver = cx.waker().data().cast::<Driver>();
            *cx = Context::from_waker((*driver).waker());
        }
        Poll::Ready(())
    }
}

/// The table of the wakers of first polls. A `static`, whose address is its own: by it they are
/// known. Nobody gets to use them.
static ENTERING: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &ENTERING)
    }
    unsafe fn nothing(_: *const ()) {}
    RawWakerVTable::new(clone, nothing, nothing, nothing)
};

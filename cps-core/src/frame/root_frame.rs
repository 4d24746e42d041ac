//! A chain's outermost frame. Its type is known where it is started and where it is polled for the result: so it needs no
//! caller to return to.

use core::marker::PhantomData;
use core::task::Poll;

use super::body::Body;
use super::outlined::Outlined;
use super::passing::{Given, Passing};
use super::{Frame, body_name};
use crate::chain::Starting;
use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header, VTable, root_continuation};

impl<B: Body> Frame<B> {
    /// Calls the body of a root frame.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call_root(
        this: *mut Self,
        body: Passing<B>,
        driver: *const Driver,
    ) -> Poll<Given<B::Output>> {
        let vtable = SuspendedRoot::<B>::VTABLE;
        let parts = body.into_parts();
        let starting = Starting::new(driver, this as *const Header, vtable);
        // SAFETY: the root, which calls this, has the frame's memory (invariants F and M), and a driver that is in a
        // poll, whose root continuation calls (invariant D). `link_root` follows the poll at once (invariant P).
        unsafe {
            let _starting = starting.enter();
            let poll = <B::Future as Outlined<B>>::start(this, parts, driver);
            if poll.is_pending() {
                link_root(this as *mut Header, driver, vtable);
            }
            poll
        }
    }

    /// [`Frame::call_root`] with the body compiled where the call is.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call_root_inlined(
        this: *mut Self,
        body: Passing<B>,
        driver: *const Driver,
    ) -> Poll<Given<B::Output>> {
        let vtable = SuspendedRoot::<B>::VTABLE;
        let parts = body.into_parts();
        let starting = Starting::new(driver, this as *const Header, vtable);
        // SAFETY: the root, which calls this, has the frame's memory (invariants F and M), and a driver that is in a
        // poll, whose root continuation calls (invariant D). `link_root` follows the poll at once (invariant P).
        unsafe {
            let _starting = starting.enter();
            let poll = Self::start_inlined(this, parts, driver);
            if poll.is_pending() {
                link_root(this as *mut Header, driver, vtable);
            }
            poll
        }
    }
}

/// Makes the frame of a root body that has suspended in its start the chain. As `link` of other frames.
///
/// # Safety
/// - `frame` is the frame's memory (invariant F), and its body is suspended.
/// - `vtable` is one of such frames (invariant V).
/// - `driver` has run the body, which nothing called (invariant D).
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe extern "C" fn link_root(frame: *mut Header, driver: *const Driver, vtable: *const VTable) {
    // SAFETY: the functions that call this have the frame's memory (invariant F), and have just polled its body for the
    // driver's root continuation (invariant D).
    unsafe {
        frame.write(Header::new(vtable, root_continuation()));
        (*driver).suspended_at_root(frame);
    }
}

/// The vtable of a suspended root frame, which nothing called.
struct SuspendedRoot<B>(PhantomData<B>);

impl<B: Body> SuspendedRoot<B> {
    const VTABLE: &'static VTable = &VTable {
        resume: <B::Future as Outlined<B>>::resume_root,
        drop: <B::Future as Outlined<B>>::drop_suspended,
        describe: describe_root::<B>,
        drop_branches: None,
    };
}

/// [`VTable::describe`] of a root frame.
unsafe fn describe_root<B: Body>(_: *const Header) -> Description {
    Description { body: body_name::<B>(), call: None, branches: None }
}

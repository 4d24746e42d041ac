//! The result of a frame that lies in its caller's.
//!
//! A body that has returned leaves its result where its future was, and the caller takes it from there. The slot of the
//! call is as large as the future: room for a larger result would be kept in every caller's frame as long as that is
//! suspended, for the few instructions between the return and the caller's next one. Such a result stays on the host
//! stack, in the function that has polled the body:
//!
//! ```text
//!   host stack                                      the caller's frame
//!   ┌──────────────────────────────┐                ┌────────────────────────────┐
//!   │ resume of the callee: result │◀────────────┐  │ slot                       │
//!   ├──────────────────────────────┤   (header)  └──┼─ caller                    │
//!   │ resume of the caller         │                │  (nothing any more)        │
//!   │   its body takes the result  │                └────────────────────────────┘
//!   └──────────────────────────────┘
//! ```
//!
//! So this return is a call, also where the budget of returns is used up. Such calls nest no deeper than frames lie in
//! each other, as their types say, and plain futures, polled, nest as deep.

use super::Headed;
use super::body::ResumeBody;
use super::outlined::Outlined;
use crate::chain::driver::Driver;
use crate::chain::header::{Header, Resume};
use crate::chain::step::Step;
use crate::frame::Frame;

impl<B: ResumeBody> Frame<B> {
    /// Whether the result is handed over on the host stack.
    ///
    /// Not where nothing is optimised: there the slot has room, since a result lies there after the start, too (see
    /// `passing.rs`). (For tests all results can be handed over that are larger than a word.)
    const HANDS_OVER: bool = if cfg!(any(miri, handing_over)) {
        size_of::<B::Value>() > size_of::<usize>() || Self::HAS_NO_ROOM
    } else {
        cfg!(not(debug_assertions)) && Self::HAS_NO_ROOM
    };

    /// Whether the result does not fit where the future is.
    const HAS_NO_ROOM: bool = size_of::<Headed<B::Value>>() > size_of::<Headed<B::Future>>()
        || align_of::<Headed<B::Value>>() > align_of::<Headed<B::Future>>();

    /// [`VTable::resume`](crate::chain::header::VTable::resume) of a suspended frame in place.
    pub(crate) const RESUME_IN_PLACE: Resume = if Self::HANDS_OVER {
        <B::Future as Outlined<B>>::resume_handing_over
    } else {
        <B::Future as Outlined<B>>::resume
    };

    /// [`Frame::take_result`] of a frame in place, whose caller was resumed just now.
    ///
    /// # Safety
    /// - As for that.
    /// - The caller's body is polled for the first time since the frame has returned.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn take_result_in_place(this: *mut Self) -> B::Value {
        if Self::HANDS_OVER {
            // SAFETY: `hand_over` has left the place in the header, and has resumed this body: so the place is valid
            // until this returns (invariant O). The result is moved out once, since the function that has it forgets it.
            unsafe { (*Self::header(this)).caller.get().cast::<B::Value>().read() }
        } else {
            // SAFETY: the frame has returned, and its result is taken once.
            unsafe { Self::take_result(this) }
        }
    }
}

/// Ends a resume function whose body has returned: the caller is resumed, and takes `result`.
///
/// # Safety
/// - The body of `frame`, which was the leaf of `driver`, has returned in the poll that is under way.
/// - `result` is valid, is the body's result, and is not used again.
/// - The frame's call ends with [`Frame::take_result_in_place`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) unsafe fn hand_over(
    frame: *const Header,
    result: *const (),
    driver: *const Driver,
) -> Step {
    // SAFETY: the frame was in the chain (invariant C), so its caller is a live frame, whose vtable is one of such frames
    // (invariant V), and which now is the leaf (invariant L). The frame is in the chain no more: its header may be
    // written to.
    unsafe {
        let caller = (*frame).caller.replace(result.cast());
        (*driver).leaf.set(caller);
        ((*(*caller).vtable.get()).resume)(caller.cast_mut(), driver)
    }
}

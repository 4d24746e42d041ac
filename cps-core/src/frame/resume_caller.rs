//! How a resume function ends whose body has returned.

#[cfg(not(feature = "tail-call"))]
use crate::chain::driver::Driver;
#[cfg(not(feature = "tail-call"))]
use crate::chain::header::Header;
#[cfg(not(feature = "tail-call"))]
use crate::chain::step::Step;

/// Ends a resume function whose body has returned: `leaf` becomes the caller, and the caller is
/// resumed.
///
/// On stable by a call, within a budget of host stack, and beyond it by the driver's loop; with
/// the feature `tail-call` by a jump. A macro, since `become` must stand in the function that ends.
#[cfg(not(feature = "tail-call"))]
macro_rules! resume_caller {
    ($frame:expr, $driver:expr) => {
        $crate::frame::resume_caller::resume_caller_of($frame, $driver)
    };
}
#[cfg(feature = "tail-call")]
macro_rules! resume_caller {
    ($frame:expr, $driver:expr) => {{
        let caller = (*$frame).caller.get();
        (*$driver).leaf.set(caller);
        become ((*(*caller).vtable.get()).resume)(caller.cast_mut(), $driver)
    }};
}
pub(crate) use resume_caller;

/// [`resume_caller!`], which is not compiled for each body in an unoptimised build.
///
/// # Safety
/// The body of `frame`, which was the leaf of `driver`, has returned in the poll that is under way.
#[cfg(not(feature = "tail-call"))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn resume_caller_of(frame: *const Header, driver: *const Driver) -> Step {
    // SAFETY: the frame was in the chain (invariant C), so its caller is a live frame, whose vtable is one of such
    // frames (invariant V), and which now is the leaf (invariant L).
    unsafe {
        let caller = (*frame).caller.get();
        (*driver).leaf.set(caller);
        if (*driver).may_nest_return() {
            ((*(*caller).vtable.get()).resume)(caller.cast_mut(), driver)
        } else {
            Step::CONTINUE
        }
    }
}

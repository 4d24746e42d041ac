//! The end of a chain that has not returned: its frames are dropped, innermost first, and with them the chains of the
//! branches that they wait for. In a loop, be there a million frames, or as many branching points one in another.
//!
//! ```text
//!   drop_branches: the driver of the first branch with frames
//!        ┌───────────────────────────────────┐
//!        │                                   ▼
//!   ┌─ leaf: a branching point          leaf ─▶ … ─▶ ended
//!   │    ▲                                   │
//!   │    └───────────────────────────────────┘ next_dropped
//!   └─ null: dropped like any frame, and its caller after it
//! ```
//!
//! The order of the destructors is that in which nested futures are dropped: a branching point's branches in their
//! order, each before the next, and all of them before what awaits the branching point.

use core::ptr;

use crate::chain::driver::Driver;
#[cfg(feature = "alloc")]
use crate::chain::header::Header;
use crate::chain::header::ended;

impl Driver {
    /// Drops the frames of a suspended chain, innermost first, in a loop.
    ///
    /// # Safety
    /// `this` is live, invariants L and C hold, and nothing runs the chain any more.
    #[inline]
    pub(crate) unsafe fn cancel(this: *const Driver) {
        // SAFETY: `this` is live by contract. Most roots are dropped after they have ended.
        if unsafe { !ptr::eq((*this).leaf.get(), ended()) } {
            drop(DropChain(this));
        }
    }

    /// Whether there are frames to drop. Of the driver nothing need be written but the leaf.
    ///
    /// # Safety
    /// `this` is valid.
    #[cfg(feature = "alloc")]
    pub(crate) unsafe fn has_frames(this: *const Driver) -> bool {
        // SAFETY: by contract.
        let leaf = unsafe { (&raw const (*this).leaf).cast::<*const Header>().read() };
        !leaf.is_null() && !ptr::eq(leaf, ended())
    }
}

/// Drops a chain's frames from the leaf up, also when one of those drops panics.
pub(crate) struct DropChain(pub(crate) *const Driver);

impl Drop for DropChain {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: the driver is live: all users of the guard hold it pinned.
        unsafe { (*self.0).set_next_dropped(ptr::null()) };
        drop_chains(self.0);
    }
}

/// Goes on where a destructor has panicked.
struct GoOn(*const Driver);

impl Drop for GoOn {
    fn drop(&mut self) {
        drop_chains(self.0);
    }
}

/// Drops the frames of a chain, and of those that come after it. See [`DropChain`], which keeps its contract: invariant
/// C, and a driver that is live.
#[inline(never)]
fn drop_chains(driver: *const Driver) {
    // A second panic while this one unwinds aborts, as for any value dropped by unwinding.
    let mut rest = GoOn(driver);
    // SAFETY: the driver outlives the guard (its users hold it pinned). Each frame is unlinked before it is dropped, so
    // that nothing is dropped twice if a drop panics, and every frame in the chain is live (invariant C). A branch's
    // driver is live as long as its branching point, whose chain comes after it.
    unsafe {
        loop {
            let driver = rest.0;
            let frame = (*driver).leaf.get();
            if ptr::eq(frame, ended()) {
                rest.0 = (*driver).next_dropped();
                if rest.0.is_null() {
                    break;
                }
                continue;
            }
            let vtable = &*(*frame).vtable.get();
            if let Some(drop_branches) = vtable.drop_branches {
                let branch = drop_branches(frame.cast_mut());
                if !branch.is_null() {
                    (*branch).set_next_dropped(driver);
                    rest.0 = branch;
                    continue;
                }
            }
            (*driver).leaf.set((*frame).caller.get());
            (vtable.drop)(frame.cast_mut());
        }
    }
    core::mem::forget(rest);
}

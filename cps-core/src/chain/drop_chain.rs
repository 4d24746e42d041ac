//! The end of a chain that has not returned: its frames are dropped, innermost first, and with them the chains of the
//! branches that they wait for. A loop does this, since there may be a million frames, or as many branching points one
//! in another.
//!
//! ```text
//!   drop_branches: the driver of the first branch with frames
//!        ┌───────────────────────────────────┐
//!        │                                   ▼
//!   ┌─ leaf: a branching point          leaf ─▶ … ─▶ ROOT
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
use crate::chain::header::{ended, root_continuation};

impl Driver {
    /// Drops the frames of a suspended chain, innermost first, in a loop.
    ///
    /// # Safety
    /// `this` is live, invariants L and C hold, and nothing runs the chain any more.
    #[inline]
    pub(crate) unsafe fn cancel(this: *const Driver) {
        // Most roots are dropped after they have ended.
        drop(DropChain(this));
    }

    /// Whether there are frames to drop. Nothing of the driver but its leaf need be written.
    ///
    /// # Safety
    /// `this` is valid.
    #[cfg(feature = "alloc")]
    pub(crate) unsafe fn has_frames(this: *const Driver) -> bool {
        // SAFETY: the branch or the root that asks has the driver's memory, whose leaf is written when it is made.
        let leaf = unsafe { (&raw const (*this).leaf).cast::<*const Header>().read() };
        !leaf.is_null() && !ptr::eq(leaf, ended())
    }
}

/// Drops a chain's frames from the leaf up, also when one of those drops panics.
pub(crate) struct DropChain(pub(crate) *const Driver);

impl Drop for DropChain {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: the poll or the drop that has made the guard holds the driver pinned until then (invariant M).
        let driver = unsafe { &*self.0 };
        // It has ended if an inner guard has dropped it, while a panic unwinds.
        if !ptr::eq(driver.leaf.get(), ended()) {
            driver.set_next_dropped(ptr::null());
            drop_chains(self.0);
        }
    }
}

/// Drops the rest of the chain if a destructor panics.
struct GoOn(*const Driver);

impl Drop for GoOn {
    fn drop(&mut self) {
        drop_chains(self.0);
    }
}

/// Drops the frames of a chain, and of those that come after it. [`DropChain`] and [`GoOn`], its only callers, have a
/// driver that is live, keeps to invariant C, and whose chain has not ended.
#[inline(never)]
fn drop_chains(driver: *const Driver) {
    // A second panic while this one unwinds aborts, as for any value dropped by unwinding.
    let mut rest = GoOn(driver);
    loop {
        // SAFETY: the chain's owner, which is being dropped, holds its driver pinned (invariant M). A branch's driver
        // is live as long as its branching point, whose chain comes after it.
        let driver = unsafe { &*rest.0 };
        let frame = driver.leaf.get();
        if ptr::eq(frame, root_continuation()) {
            driver.leaf.set(ended());
            rest.0 = driver.next_dropped();
            if rest.0.is_null() {
                break;
            }
            continue;
        }
        // SAFETY: every frame in the chain is live (invariant C): each is unlinked below before it is dropped.
        let vtable = unsafe { &*(*frame).vtable.get() };
        if let Some(drop_branches) = vtable.drop_branches {
            // SAFETY: the vtable is one of such frames (invariant V). The frame is the leaf of a chain that nobody
            // runs, and is dropped below. A driver that it gives is live until its chain has been dropped.
            let branch = unsafe { drop_branches(frame.cast_mut()).as_ref() };
            if let Some(branch) = branch {
                branch.set_next_dropped(driver);
                rest.0 = branch;
                continue;
            }
        }
        // SAFETY: the frame is live (invariant C). It is unlinked before it is dropped, so that invariant C holds if
        // that drop panics; and it is dropped by its own vtable (invariant V).
        unsafe {
            driver.leaf.set((*frame).caller.get());
            (vtable.drop)(frame.cast_mut());
        }
    }
    core::mem::forget(rest);
}

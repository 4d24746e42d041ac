//! A chain's turn among others.
//!
//! A suspension usually ends with a wake-up. One that only hides a cache miss ends when whoever polls
//! the chain gets round to it, and a wake-up for each would cost more than the miss. So a prefetch
//! suspends its chain in a step of a kind of its own, and looks at no waker. What the step means is
//! for the one who has polled the chain:
//!
//! ```text
//!                                     in an executor:                    in an interleaver:
//!                                     `Driver::settle`                   `Driver::settle_turn`
//!                      ┌─ pending ──▶ Poll::Pending                      Turn::Waiting
//!   resume ──▶ Step ───┼─ yielded ──▶ wake_by_ref(), Poll::Pending       Turn::Yielded
//!      ▲               ├─ returned ─▶ Poll::Ready                        Turn::Returned
//!      └───────────────┴─ continue
//! ```
//!
//! A switch of `lab prefetch --instructions`, a step of `chase`, takes 31.1 instructions in all, where a
//! loop that polls plain futures takes 40.7, and a state machine by hand 25.1.

use crate::chain::driver::{Driver, resume_leaf};
use crate::chain::drop_chain::DropChain;
use crate::chain::step::{Step, Turn};
use crate::frame::Frame;
use crate::frame::body::Body;

impl Driver {
    /// [`Driver::run`] for an interleaver, which resumes chains that yield anyway.
    ///
    /// # Safety
    /// As for [`Driver::run`], but `enter` was called in this poll, not for each turn; there may be no chain.
    #[inline(always)]
    pub(crate) unsafe fn take_turn(this: *const Driver) -> Turn {
        let unwinding = DropChain(this);
        // SAFETY: as in `run`.
        let step = unsafe { resume_leaf(this) };
        core::mem::forget(unwinding);
        // SAFETY: passed on.
        unsafe { Driver::settle_turn(this, step) }
    }

    /// [`Driver::take_turn`] where the leaf is the root frame, whose type is known: its body is resumed here, and
    /// its result stays where it is. (No closure, which would be a function of its own.)
    ///
    /// # Safety
    /// As for [`Driver::take_turn`]; `root` is the leaf.
    #[inline(always)]
    pub(crate) unsafe fn take_turn_of<B: Body>(this: *const Driver, root: *mut Frame<B>) -> Turn {
        let unwinding = DropChain(this);
        // SAFETY: passed on.
        let step = unsafe { Frame::resume_here(root, this) };
        core::mem::forget(unwinding);
        match step {
            // SAFETY: passed on.
            Some(step) => unsafe { Driver::settle_turn(this, step) },
            None => Turn::Returned,
        }
    }

    /// [`Driver::settle`] for an interleaver.
    ///
    /// # Safety
    /// As for [`Driver::settle`].
    #[inline(always)]
    pub(crate) unsafe fn settle_turn(this: *const Driver, step: Step) -> Turn {
        /// Once in a few turns.
        #[inline(never)]
        unsafe fn settle_others(this: *const Driver, step: Step) -> Turn {
            // SAFETY: passed on.
            unsafe { Driver::run_on(this, step) }
        }

        if step.is_yielded() {
            // SAFETY: `this` is live by contract.
            unsafe { (*this).step.set(Step::NONE) };
            Turn::Yielded
        } else {
            // SAFETY: passed on.
            unsafe { settle_others(this, step) }
        }
    }
}

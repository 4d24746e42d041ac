//! A chain's turn among others.
//!
//! A suspension usually ends with a wake-up. One that only hides a cache miss ends with the chain's next turn: a
//! wake-up would cost more than the miss. So a prefetch suspends its chain by a step of its own kind, and looks at no
//! waker. The code that polls the chain decides what the step means:
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
//! (`docs/results` compares the instructions that a switch takes with those of plain futures and of a state machine by
//! hand.)

use crate::chain::driver::{Driver, resume_leaf};
use crate::chain::drop_chain::DropChain;
use crate::chain::step::{Step, Turn};
use crate::frame::Frame;
use crate::frame::body::Body;

impl Driver {
    /// [`Driver::run`] for an interleaver, which resumes chains that yield anyway.
    ///
    /// # Safety
    /// As for [`Driver::run`], but one `enter` is enough for all turns of a poll, and there may be no chain.
    #[inline(always)]
    pub(crate) unsafe fn take_turn(this: *const Driver) -> Turn {
        let unwinding = DropChain(this);
        // SAFETY: the place's driver is pinned, and was entered in this poll (invariant I). Its chain's leaf waits to
        // be run (invariants L and C), or is `ENDED`.
        let step = unsafe { resume_leaf(this) };
        core::mem::forget(unwinding);
        // SAFETY: the driver is still in that poll, and `step` is the one of its leaf.
        unsafe { Driver::settle_turn(this, step) }
    }

    /// [`Driver::take_turn`] if the leaf is the root frame, whose type is known: its body is resumed here, and its
    /// result stays in the frame. (This repeats the other's text, since a closure would be a function of its own.)
    ///
    /// # Safety
    /// As for [`Driver::take_turn`]; `root` is the leaf.
    #[inline(always)]
    pub(crate) unsafe fn take_turn_of<B: Body>(this: *const Driver, root: *mut Frame<B>) -> Turn {
        let unwinding = DropChain(this);
        // SAFETY: the place's driver is pinned, and was entered in this poll (invariant I). `Start::resume` has found
        // that the root frame is its leaf; the code that read the last step has reset it (invariant S).
        let step = unsafe { Frame::resume_here(root, this) };
        core::mem::forget(unwinding);
        match step {
            // SAFETY: the driver is still in that poll, and `step` is the one of its leaf.
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
        /// Few turns get here: most end with a yield.
        #[inline(never)]
        unsafe fn settle_others(this: *const Driver, step: Step) -> Turn {
            // SAFETY: `settle_turn`, which ends with this, has the driver pinned and in a poll.
            unsafe { Driver::run_on(this, step) }
        }

        if step.is_yielded() {
            // SAFETY: the place whose turn it is, or `finish`, has the driver pinned (invariant I).
            unsafe { (*this).now.step.set(Step::NONE) };
            Turn::Yielded
        } else {
            // SAFETY: the place whose turn it is, or `finish`, has the driver pinned and in a poll (invariant I).
            unsafe { settle_others(this, step) }
        }
    }
}

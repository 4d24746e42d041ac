//! The cooperative budget of a poll.
//!
//! A source that is always ready never gives `Pending`, so a task that reads it in a loop would keep its thread for
//! ever. Therefore every leaf of this crate that can be ready at once pays for it, and when a poll has paid
//! [`GRANTED`] times, the next leaf wakes the task and gives `Pending`.
//!
//! The word counts down and wraps: the upper half of its values grants, the lower half denies. So an executor that
//! knows nothing of budgets, inside a task or instead of this crate's, is denied [`GRANTED`] times at most, then goes
//! on. This crate's executors call [`reset`] before each poll.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::task::{Context, Poll};

/// What one poll may do at once. (tokio grants as many.)
const GRANTED: u8 = 128;

const FULL: u8 = u8::MAX;

thread_local! {
    static LEFT: Cell<u8> = const { Cell::new(FULL) };
}

/// Executors, before each poll of a task.
#[inline]
pub(crate) fn reset() {
    LEFT.set(FULL);
}

/// Pays for one thing done. `Pending`: the budget is used up, and the task has been woken.
///
/// A leaf calls it *before* it takes effect, and gives `Pending` too.
pub(crate) fn poll_proceed(cx: &Context<'_>) -> Poll<()> {
    let left = LEFT.get();
    LEFT.set(left.wrapping_sub(1));
    if left >= GRANTED {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Whether the next leaf will be denied.
pub(crate) fn is_used_up() -> bool {
    LEFT.get() < GRANTED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted_in_a_row() -> u32 {
        let cx = Context::from_waker(std::task::Waker::noop());
        (0..).take_while(|_| poll_proceed(&cx).is_ready()).count() as u32
    }

    #[test]
    fn a_poll_may_do_so_much_and_the_next_as_much_again() {
        reset();
        assert_eq!(granted_in_a_row(), 128);
        assert!(is_used_up());
        reset();
        assert!(!is_used_up());
        assert_eq!(granted_in_a_row(), 128);
    }

    #[test]
    fn without_an_executor_that_resets_it_denies_for_a_while_only() {
        reset();
        assert_eq!(granted_in_a_row(), 128);
        let cx = Context::from_waker(std::task::Waker::noop());
        let denied = (1..).take_while(|_| poll_proceed(&cx).is_pending()).count();
        assert!(denied < 128);
    }
}

//! One coroutine after the other.

use core::task::{Context, Poll, Waker};

use super::slot::Slot;
use super::start::Start;
use crate::host_stack::Limit;
use crate::lender::Lender;
use crate::turn::Turn;

/// Runs a coroutine that waits for nothing but prefetches to its end.
///
/// ```
/// #[cps_core::coroutine]
/// async fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// assert_eq!(cps_core::interleave::complete(double(21)), 42);
/// ```
///
/// # Panics
/// If the coroutine does, or if it waits for something else.
#[inline]
pub fn complete<C: Start>(coroutine: C) -> C::Output {
    let mut value = None;
    sequential([coroutine], |coroutine| coroutine, |_, output| value = Some(output));
    value.expect("there is one result for one input")
}

/// Runs `make(input)` for each input, one after the other, and gives the results to `sink`, each
/// with the index of its input: what [`Interleave::run`](super::Interleave::run) does with a group,
/// without one.
///
/// ```
/// use cps_core::interleave::sequential;
/// use cps_core::prefetch::{Policy, Sequential};
///
/// #[cps_core::coroutine]
/// async fn get<P: Policy>(table: &[u64], index: usize, policy: P) -> u64 {
///     policy.prefetch_read(&table[index]).await;
///     table[index]
/// }
///
/// let mut values = [0; 2];
/// sequential([2, 0], |at| get(&[7, 8, 9], at, Sequential), |at, value| values[at] = value);
/// assert_eq!(values, [9, 7]);
/// ```
///
/// # Panics
/// If `inputs`, `make`, `sink` or a coroutine does, or if a coroutine waits for something else than
/// a prefetch.
#[inline]
pub fn sequential<I, C, M, K>(inputs: I, mut make: M, mut sink: K)
where
    I: IntoIterator,
    C: Start,
    M: FnMut(I::Item) -> C,
    K: FnMut(usize, C::Output),
{
    let lender = Lender::new(Waker::noop());
    let lent = lender.waker();
    let mut cx = Context::from_waker(lent.waker());
    let limit = Limit::here();
    for (index, input) in inputs.into_iter().enumerate() {
        let coroutine = make(input);
        let value = {
            // A place for each, which ends with it: so what is written to it is dead, and where
            // nothing can panic the compiler leaves it out.
            let slot = Slot::new();
            slot.enter(&cx, limit);
            // SAFETY: the slot is a local that is not moved, vacant, and was entered with this
            // context.
            unsafe {
                match slot.start_at_once(coroutine) {
                    Poll::Ready(value) => value,
                    Poll::Pending => finish(&slot, &lender, &mut cx, limit),
                }
            }
        };
        sink(index, value);
    }
}

/// Goes on with a coroutine that has suspended until it returns.
///
/// # Safety
/// The slot is pinned, its chain was just started, and it was entered with this context, which is
/// that of `lender`, and this limit.
#[inline(never)]
unsafe fn finish<C: Start>(
    slot: &Slot<C>,
    lender: &Lender<'_>,
    cx: &mut Context<'_>,
    limit: Limit,
) -> C::Output {
    // SAFETY: passed on.
    let mut turn = unsafe { slot.settle(cx) };
    while turn != Turn::Returned {
        assert!(
            turn == Turn::Yielded || lender.take_progress(),
            "the coroutine waits for something else than a prefetch: await it instead",
        );
        // SAFETY: passed on.
        turn = unsafe { slot.resume(cx, limit) }.expect("it is suspended");
    }
    // SAFETY: it has returned.
    unsafe { slot.take() }
}

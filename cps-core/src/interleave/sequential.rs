//! One coroutine after the other.

use core::task::{Context, Poll, Waker};

use super::slot::Slot;
use super::start::Start;
use crate::turn::Lender;

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
    let slot = Slot::new();
    let lender = Lender::new(Waker::noop());
    let lent = lender.waker();
    let mut cx = Context::from_waker(lent.waker());
    // SAFETY: the slot is a local that is not moved, and vacant. After a start that is pending it
    // is suspended, and was started with this context.
    unsafe {
        let mut poll = slot.start(coroutine, 0, &mut cx);
        while poll == Poll::Pending {
            assert!(
                lender.take_progress(),
                "the coroutine waits for something else than a prefetch: await it instead",
            );
            poll = slot.resume(&mut cx);
        }
        slot.take()
    }
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
    for (index, input) in inputs.into_iter().enumerate() {
        sink(index, complete(make(input)));
    }
}

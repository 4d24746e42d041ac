//! One coroutine after the other.

use core::mem::MaybeUninit;
use core::task::{Context, Waker};

use super::interleavable::Start;
use crate::backtrace::running::Running;
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::drop_chain::DropChain;
use crate::chain::header::ended;
use crate::chain::host::Host;
use crate::chain::step::Turn;
use crate::interleave::waker::Lender;

/// Runs a coroutine that waits for nothing but prefetches to its end.
///
/// ```
/// use cps_core::cps;
///
/// #[cps]
/// async fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// assert_eq!(cps_core::interleave::complete(double(21)), 42);
/// ```
///
/// The coroutine is compiled where this is called. Under the policy [`Sequential`](crate::prefetch::Sequential) it
/// compiles to what a function of the same text compiles to.
///
/// # Panics
/// If the coroutine does, or if it waits for something else.
#[inline(always)]
pub fn complete<C: Start>(coroutine: C) -> C::Output {
    let lender = Lender::new(Waker::noop());
    let lent = lender.waker();
    let mut cx = Context::from_waker(&lent);
    let driver = Driver::vacant();
    // SAFETY: the driver is a local, and so valid.
    unsafe { Driver::enter(&raw const driver, Host::of(&mut cx)) };
    // SAFETY: the driver is a local that is not moved, was entered, and has no chain.
    unsafe { complete_by(coroutine, &raw const driver, &lender) }
}

/// Runs `make(input)` for each input, one after the other, and gives the results to `sink`, each with the index of its
/// input: as [`Interleave::run`](super::Interleave::run), but without a group.
///
/// ```
/// use cps_core::cps;
/// use cps_core::interleave::sequential;
/// use cps_core::prefetch::{Policy, Sequential};
///
/// #[cps]
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
    let mut cx = Context::from_waker(&lent);
    // One driver for all, since only a chain that suspends writes to it.
    let driver = Driver::vacant();
    // SAFETY: the driver is a local, and so valid.
    unsafe { Driver::enter(&raw const driver, Host::of(&mut cx)) };
    for (index, input) in inputs.into_iter().enumerate() {
        let coroutine = make(input);
        // SAFETY: the driver is a local that is not moved, was entered, and its chain has ended.
        let value = unsafe { complete_by(coroutine, &raw const driver, &lender) };
        sink(index, value);
    }
}

/// # Safety
/// The driver is pinned, was entered in this poll, with the waker of `lender`, and has no chain.
#[inline(always)]
unsafe fn complete_by<C: Start>(
    coroutine: C,
    driver: *const Driver,
    lender: &Lender<'_>,
) -> C::Output {
    // Each coroutine has a place of its own: if it does not suspend, the compiler sees that nobody reads the place, and
    // leaves it out.
    let mut place = MaybeUninit::<C::Place>::uninit();
    let place = place.as_mut_ptr();
    let running = Running::new(driver);
    let _running = running.enter();
    // SAFETY: the place is a local that is not moved, and vacant (invariant F). `complete` and `sequential`, the
    // callers, have the driver pinned, in a poll and without a chain (invariant D). The result is taken once.
    unsafe {
        if coroutine.start_inlined(place, Caller::root(driver)).is_pending() {
            finish::<C>(place, driver, lender);
        }
        C::take_result(place)
    }
}

/// Goes on with a coroutine that has suspended until it returns.
///
/// # Safety
/// The chain was just started in `place`, which is pinned as the driver is, in a poll whose waker is that of
/// `lender`.
#[inline(never)]
unsafe fn finish<C: Start>(place: *mut C::Place, driver: *const Driver, lender: &Lender<'_>) {
    let unwinding = DropChain(driver);
    // SAFETY: `complete_by`, the caller, has the driver pinned and in a poll; the root frame has suspended, and its
    // chain is linked (invariants L and C).
    let mut turn = unsafe { Driver::settle_turn(driver, Driver::pending(driver)) };
    while turn != Turn::Returned {
        assert!(
            turn == Turn::Yielded || lender.take_progress(),
            "the coroutine waits for something else than a prefetch: await it instead",
        );
        // SAFETY: the chain in the place is suspended, and its driver is still in the poll for which it was entered.
        turn = unsafe { C::resume(place, Caller::root(driver)) };
    }
    core::mem::forget(unwinding);
    // SAFETY: `complete_by`, the caller, has the driver.
    unsafe { (*driver).leaf.set(ended()) };
}

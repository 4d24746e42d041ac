//! A generator's chain, from one item to the next.

use core::task::Poll;

use crate::backtrace::running::Running;
use crate::chain::driver::Driver;
use crate::chain::host::Host;
use crate::chain::step::Step;
use crate::coroutine::polled_as::AsGenerator;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::Body;
use crate::generator::channel::Channel;

/// A generator's chain: the content of its root.
pub(super) type Chain<T, B, const N: usize> = RootMemory<Channel<T>, B, N>;

/// How far a poll has come.
pub(super) enum Progress<T, R> {
    /// To the next item.
    Item(T),
    /// To the end, with what the root body has returned.
    Ended(R),
    /// Nowhere: it had ended before.
    Over,
    /// To a future that is not ready.
    Waits,
}

/// What a poll has still to do.
pub(super) enum Rest {
    /// To start the chain.
    Start,
    /// To go on after this step, which came without an item, or has ended the chain.
    GoOn(Step),
}

/// Resumes the leaf, which yields an item in most polls. If it does not, or there is none yet, [`finish`] does the rest.
///
/// # Safety
/// `chain` is pinned and borrowed exclusively.
#[inline(always)]
pub(super) unsafe fn resume<T, B: Body, const N: usize>(
    chain: *mut Chain<T, B, N>,
    host: Host<'_>,
) -> Result<T, Rest> {
    let driver = RootMemory::driver(chain);
    // SAFETY: the root that is polled has the chain pinned and borrows it exclusively (invariant M), so it does not run:
    // its leaf is null if it was not started, and else live (invariant L) or `ENDED`. The chain's head is a channel of
    // `T`, by its type. Each poll enters the driver, and so resets the step (invariant S).
    unsafe {
        if RootMemory::leaf(chain).is_null() {
            return Err(Rest::Start);
        }
        Driver::enter(driver, host);
        let running = Running::new(driver);
        let entered = running.enter();
        let step = Driver::take_step(driver);
        drop(entered);
        if step.has_item() { Ok(Channel::take(driver)) } else { Err(Rest::GoOn(step)) }
    }
}

/// Runs the chain until it yields, waits or ends. (To be called by a function that is not inlined: so only [`resume`] is
/// compiled where an item is asked for.)
///
/// # Safety
/// - `chain` is pinned and borrowed exclusively.
/// - `rest` is what [`resume`] has given just now, or [`Rest::Start`] if the leaf is null.
#[inline]
pub(super) unsafe fn finish<T, B: Body, const N: usize>(
    chain: *mut Chain<T, B, N>,
    host: Host<'_>,
    rest: Rest,
) -> Progress<T, B::Output> {
    let driver = RootMemory::driver(chain);
    // SAFETY: the root that is polled has the chain pinned and borrows it exclusively (invariant M). It is not started, or
    // `resume` has entered its driver, and the step is the one of its leaf.
    let poll = unsafe {
        match rest {
            Rest::Start => RootMemory::start::<AsGenerator>(chain, host),
            Rest::GoOn(Step::ENDED) => return Progress::Over,
            Rest::GoOn(step) => {
                let running = Running::new(driver);
                let _running = running.enter();
                Driver::settle(driver, step)
            }
        }
    };
    // SAFETY: the chain, whose head is a channel of `T` by its type, has come to this just now. A step with an item is left
    // in the driver (`AsGenerator::settle`, `Driver::run_on`), and is that of this poll, which has begun with another.
    unsafe {
        match RootMemory::result(chain, poll) {
            Poll::Ready(result) => Progress::Ended(result),
            Poll::Pending if (*driver).has_item() => Progress::Item(Channel::take(driver)),
            Poll::Pending => Progress::Waits,
        }
    }
}

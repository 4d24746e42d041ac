//! Hints that bring memory into the cache, and suspensions that hide the rest of a miss.
//!
//! A lookup in a large table waits for memory most of its time. [`prefetch_read`] asks for the memory without waiting
//! for it. Awaiting the hint suspends the coroutine once, so that [`interleave`](crate::interleave) can run other
//! lookups until the memory is there.
//!
//! ```
//! use cps_core::cps;
//! use cps_core::interleave::Interleave;
//! use cps_core::prefetch::prefetch_read;
//!
//! #[cps]
//! async fn get(table: &[u64], index: usize) -> u64 {
//!     prefetch_read(&table[index]).await;
//!     table[index]
//! }
//!
//! let table: Vec<u64> = (0..1000).map(|n| n * n).collect();
//! let mut sum = 0;
//! Interleave::<8>::run([3, 999, 500], |index| get(&table, index), |_, value| sum += value);
//! assert_eq!(sum, 9 + 999 * 999 + 500 * 500);
//! ```
//!
//! # One source for both uses
//!
//! Interleaving loses where the table is in the cache anyway. A lookup that is generic over a
//! [`Policy`] is written once: under [`Sequential`] neither hint nor suspension is compiled, under
//! [`Interleaved`] both are.
//!
//! ```
//! use cps_core::cps;
//! use cps_core::interleave::complete;
//! use cps_core::prefetch::{Interleaved, Policy, Sequential};
//!
//! #[cps]
//! async fn get<P: Policy>(table: &[u64], index: usize, policy: P) -> u64 {
//!     policy.prefetch_read(&table[index]).await;
//!     table[index]
//! }
//!
//! assert_eq!(complete(get(&[1, 2, 3], 1, Sequential)), 2);
//! assert_eq!(complete(get(&[1, 2, 3], 1, Interleaved)), 2);
//! ```
//!
//! # Under other executors
//!
//! Awaited in a coroutine, a prefetch looks at no waker: the chain suspends in a step of its own kind. An interleaver
//! goes on to the next chain; a [`Root`](crate::Root) in any other executor turns the step into a wake-up of its
//! task, as `yield_now` does: slow, but never lost. Awaited in plain `async` code, or handed to a combinator, a
//! prefetch is a future that does the same.
//!
//! # Targets
//!
//! x86-64 (`prefetcht0`, `prefetcht1`, `prefetcht2`, `prefetchnta`, `prefetchw`) and AArch64
//! (`prfm`). Elsewhere, and under Miri, a hint does nothing. A hint reads nothing and faults
//! nowhere, whatever the address: these functions are safe.

mod hint;
mod policy;

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

pub use hint::Locality;
pub use policy::{Interleaved, Policy, Sequential};

use crate::call::{Callee, NoFrame, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::frame::body::Site;

/// The distance of hints over a range, in bytes: the line of most processors. (On those with lines of 128 bytes every
/// other hint is useless.)
pub const CACHE_LINE: usize = 64;

/// The value of a hint: awaiting it suspends the coroutine, once. It may be ignored.
///
/// Under the [`Policy`] [`Sequential`] it is [skipped](Prefetch::skipped): awaiting it does nothing.
#[derive(Debug)]
pub struct Prefetch {
    suspends: bool,
}

impl Prefetch {
    #[inline(always)]
    fn hinted() -> Self {
        Prefetch { suspends: true }
    }

    /// Does not suspend: for a [`Policy`] by which a prefetch is a hint only, or nothing.
    #[inline(always)]
    #[must_use]
    pub fn skipped() -> Self {
        Prefetch { suspends: false }
    }

    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn __cps_call(self) -> Self {
        self
    }
}

/// The frame of a body that awaits a prefetch is the leaf of its chain and stays it, so there is nothing to link. The
/// step tells the chain that the body yields, and does not wait.
impl<K: MayWait> Callee<K> for Prefetch {
    type Content = NoFrame;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        _: *mut SlotOf<NoFrame>,
    ) -> Result<(), Suspended> {
        // SAFETY: the running body calls this (invariant D), and awaits the second part at once if this has yielded
        // (invariant P).
        unsafe {
            if (*this).suspends {
                (*chain.driver).yield_turn();
                Err(Suspended::now(chain))
            } else {
                Ok(())
            }
        }
    }
}

/// In plain `async` code, and under foreign combinators, it wakes its task, as `yield_now` does.
impl Future for Prefetch {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.suspends {
            return Poll::Ready(());
        }
        self.suspends = false;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Asks for the line at `target`, to be read, in all levels of the cache.
///
/// The pointer need not be valid.
#[inline(always)]
pub fn prefetch_read<T: ?Sized>(target: *const T) -> Prefetch {
    prefetch_read_as(target, Locality::T0)
}

/// [`prefetch_read`] with a choice of cache levels.
#[inline(always)]
pub fn prefetch_read_as<T: ?Sized>(target: *const T, locality: Locality) -> Prefetch {
    hint::read(target.cast(), locality);
    Prefetch::hinted()
}

/// Asks for the line at `target`, to be written: exclusively, so that the write need not ask again.
#[inline(always)]
pub fn prefetch_write<T: ?Sized>(target: *const T) -> Prefetch {
    prefetch_write_as(target, Locality::T0)
}

/// [`prefetch_write`] with a choice of cache levels. On x86-64 there is no choice, and it is ignored.
#[inline(always)]
pub fn prefetch_write_as<T: ?Sized>(target: *const T, locality: Locality) -> Prefetch {
    hint::write(target.cast(), locality);
    Prefetch::hinted()
}

/// [`prefetch_read_as`] for every line of `length` values from `start` on.
///
/// A core cannot have more than about a dozen lines outstanding at once.
#[inline(always)]
pub fn prefetch_read_range<T>(start: *const T, length: usize, locality: Locality) -> Prefetch {
    for_each_line(start, length, |line| hint::read(line, locality));
    Prefetch::hinted()
}

/// [`prefetch_write_as`] for every line of `length` values from `start` on.
#[inline(always)]
pub fn prefetch_write_range<T>(start: *const T, length: usize, locality: Locality) -> Prefetch {
    for_each_line(start, length, |line| hint::write(line, locality));
    Prefetch::hinted()
}

/// Calls `hint` with an address in each line of the values. Nothing is read, so the values need
/// not exist; a range that would pass the end of the address space ends there.
#[inline(always)]
fn for_each_line<T>(start: *const T, length: usize, mut hint: impl FnMut(*const u8)) {
    let bytes = length.saturating_mul(size_of::<T>());
    if bytes == 0 {
        return;
    }
    let start = start.cast::<u8>();
    let offset = start.addr() % CACHE_LINE;
    let first = start.wrapping_sub(offset);
    let lines = offset.saturating_add(bytes).div_ceil(CACHE_LINE);
    let lines = lines.min((usize::MAX - first.addr()) / CACHE_LINE + 1);
    for line in 0..lines {
        hint(first.wrapping_add(line * CACHE_LINE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::without_provenance;
    use std::vec::Vec;

    fn lines<T>(start: usize, length: usize) -> Vec<usize> {
        let mut lines = Vec::new();
        for_each_line(without_provenance::<T>(start), length, |line| lines.push(line.addr()));
        lines
    }

    #[test]
    fn a_range_has_one_hint_for_each_line_that_it_touches() {
        assert_eq!(lines::<u8>(0x1000, 0), []);
        assert_eq!(lines::<()>(0x1000, 7), []);
        assert_eq!(lines::<u8>(0x1000, 1), [0x1000]);
        assert_eq!(lines::<u8>(0x1000, 64), [0x1000]);
        assert_eq!(lines::<u8>(0x1000, 65), [0x1000, 0x1040]);
        assert_eq!(lines::<u8>(0x103f, 2), [0x1000, 0x1040]);
        assert_eq!(lines::<[u64; 64]>(0x1008, 1).len(), 9);
    }

    #[test]
    fn a_range_ends_with_the_address_space() {
        assert_eq!(lines::<u8>(usize::MAX - 64, usize::MAX), [usize::MAX - 127, usize::MAX - 63]);
        assert_eq!(lines::<u64>(usize::MAX, usize::MAX), [usize::MAX - 63]);
    }

    #[test]
    fn a_hint_may_have_any_address() {
        for locality in [Locality::T0, Locality::T1, Locality::T2, Locality::NonTemporal] {
            for address in [0, 1, usize::MAX, 1 << 20] {
                prefetch_read_as(without_provenance::<u64>(address), locality);
                prefetch_write_as(without_provenance::<u64>(address), locality);
            }
            prefetch_read_range(without_provenance::<u64>(8), 1000, locality);
            prefetch_write_range(without_provenance::<u64>(8), 1000, locality);
        }
    }
}

//! Whether a lookup suspends at its prefetches: said by its caller, known to the compiler.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::{Hinted, Locality};

/// Whether prefetches are asked for and suspend: [`Sequential`] or [`Interleaved`].
///
/// A policy is a value without content that a lookup passes down to what it calls. See the
/// [module](super) for an example.
///
/// To hint at several places with one suspension, give the others within [`Policy::prefetch`]:
///
/// ```
/// use cps_core::prefetch::{Policy, prefetch_read};
///
/// #[cps_core::coroutine]
/// async fn sum<P: Policy>(left: &u64, right: &u64, policy: P) -> u64 {
///     policy
///         .prefetch(|| {
///             prefetch_read(left);
///             prefetch_read(right)
///         })
///         .await;
///     left + right
/// }
/// # use cps_core::{interleave::complete, prefetch::Interleaved};
/// # assert_eq!(complete(sum(&1, &2, Interleaved)), 3);
/// ```
pub trait Policy: Copy + Send + Sync {
    /// What a prefetch is awaited by.
    type Suspension: Future<Output = ()> + Send + Sync;

    /// Gives a hint and suspends, or does neither.
    fn prefetch(self, hint: impl FnOnce() -> Hinted) -> Self::Suspension;

    /// [`prefetch_read`](super::prefetch_read) under this policy.
    #[inline(always)]
    fn prefetch_read<T: ?Sized>(self, target: *const T) -> Self::Suspension {
        self.prefetch(|| super::prefetch_read(target))
    }

    /// [`prefetch_write`](super::prefetch_write) under this policy.
    #[inline(always)]
    fn prefetch_write<T: ?Sized>(self, target: *const T) -> Self::Suspension {
        self.prefetch(|| super::prefetch_write(target))
    }

    /// [`prefetch_read_range`](super::prefetch_read_range) under this policy.
    #[inline(always)]
    fn prefetch_read_range<T>(
        self,
        start: *const T,
        length: usize,
        locality: Locality,
    ) -> Self::Suspension {
        self.prefetch(|| super::prefetch_read_range(start, length, locality))
    }

    /// [`prefetch_write_range`](super::prefetch_write_range) under this policy.
    #[inline(always)]
    fn prefetch_write_range<T>(
        self,
        start: *const T,
        length: usize,
        locality: Locality,
    ) -> Self::Suspension {
        self.prefetch(|| super::prefetch_write_range(start, length, locality))
    }
}

/// Every prefetch is a hint and a suspension.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interleaved;

impl Policy for Interleaved {
    type Suspension = Hinted;

    #[inline(always)]
    fn prefetch(self, hint: impl FnOnce() -> Hinted) -> Hinted {
        hint()
    }
}

/// A prefetch is nothing: the memory is used at once, where a hint would not help.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Policy for Sequential {
    type Suspension = Proceed;

    #[inline(always)]
    fn prefetch(self, _: impl FnOnce() -> Hinted) -> Proceed {
        Proceed
    }
}

/// Never pending.
#[derive(Clone, Copy, Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Proceed;

impl Future for Proceed {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

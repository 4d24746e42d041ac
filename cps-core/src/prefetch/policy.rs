//! Whether a lookup suspends at its prefetches. Its caller says so, by a type.

use super::{Locality, Prefetch};

/// Whether a lookup gives hints and suspends at them: [`Sequential`] or [`Interleaved`].
///
/// A policy is an empty value that a lookup passes down to its callees. See the [module](super) for an example.
///
/// To hint at several places with one suspension, give the others within [`Policy::prefetch`]:
///
/// ```
/// use cps_core::cps;
/// use cps_core::prefetch::{Policy, prefetch_read};
///
/// #[cps]
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
    /// Gives a hint and suspends, or does neither.
    fn prefetch(self, hint: impl FnOnce() -> Prefetch) -> Prefetch;

    /// [`prefetch_read`](super::prefetch_read) under this policy.
    #[inline(always)]
    fn prefetch_read<T: ?Sized>(self, target: *const T) -> Prefetch {
        self.prefetch(|| super::prefetch_read(target))
    }

    /// [`prefetch_write`](super::prefetch_write) under this policy.
    #[inline(always)]
    fn prefetch_write<T: ?Sized>(self, target: *const T) -> Prefetch {
        self.prefetch(|| super::prefetch_write(target))
    }

    /// [`prefetch_read_range`](super::prefetch_read_range) under this policy.
    #[inline(always)]
    fn prefetch_read_range<T>(
        self,
        start: *const T,
        length: usize,
        locality: Locality,
    ) -> Prefetch {
        self.prefetch(|| super::prefetch_read_range(start, length, locality))
    }

    /// [`prefetch_write_range`](super::prefetch_write_range) under this policy.
    #[inline(always)]
    fn prefetch_write_range<T>(
        self,
        start: *const T,
        length: usize,
        locality: Locality,
    ) -> Prefetch {
        self.prefetch(|| super::prefetch_write_range(start, length, locality))
    }
}

/// Every prefetch is a hint and a suspension.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interleaved;

impl Policy for Interleaved {
    #[inline(always)]
    fn prefetch(self, hint: impl FnOnce() -> Prefetch) -> Prefetch {
        hint()
    }
}

/// A prefetch does nothing: the memory is used at once, where a hint would not help.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Policy for Sequential {
    #[inline(always)]
    fn prefetch(self, _: impl FnOnce() -> Prefetch) -> Prefetch {
        Prefetch::skipped()
    }
}

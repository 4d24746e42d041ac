//! A histogram of times, by powers of two.

use std::fmt;
use std::time::Duration;

use crate::sight::count::Count;

const BUCKETS: usize = 64;

/// How many times were how long. Bucket `n` has those whose nanoseconds need `n` bits: from 2ⁿ⁻¹ to 2ⁿ − 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; BUCKETS])
    }
}

impl Histogram {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The buckets that are not empty: the longest time that would be in it, and how many are.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let longest = |bits: usize| Duration::from_nanos(!(u64::MAX << bits));
        let full = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        full.map(move |(bits, count)| (longest(bits), *count))
    }

    /// The time that a part `share` of all did not exceed, up to a factor of two. `None` if there are none.
    ///
    /// # Panics
    ///
    /// If `share` is not between 0 and 1.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&share), "a share of {share}");
        let mut rest = (share * self.count() as f64).ceil().max(1.0) as u64;
        self.buckets().find_map(|(longest, count)| {
            rest = rest.saturating_sub(count);
            (rest == 0).then_some(longest)
        })
    }

    pub(crate) fn add(&mut self, other: &Histogram) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.buckets()).finish()
    }
}

/// One that a worker fills.
pub(crate) struct Counts([Count; BUCKETS]);

impl Default for Counts {
    fn default() -> Self {
        Counts(std::array::from_fn(|_| Count::default()))
    }
}

impl Counts {
    pub(crate) fn add(&self, nanos: u64) {
        self.0[(u64::BITS - nanos.leading_zeros()) as usize % BUCKETS].add(1);
    }

    pub(crate) fn get(&self) -> Histogram {
        Histogram(std::array::from_fn(|bits| self.0[bits].get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_powers_of_two() {
        let counts = Counts::default();
        [0, 1, 2, 3, 1000, 1023, 1024].into_iter().for_each(|nanos| counts.add(nanos));
        let histogram = counts.get();
        let found: Vec<_> = histogram.buckets().map(|(t, n)| (t.as_nanos(), n)).collect();
        assert_eq!(found, [(0, 1), (1, 1), (3, 2), (1023, 2), (2047, 1)]);
        let quantile = |share| histogram.quantile(share).unwrap().as_nanos();
        assert_eq!([0.0, 0.5, 0.85, 1.0].map(quantile), [0, 3, 1023, 2047]);
        assert_eq!(Histogram::default().quantile(0.5), None);
        let mut twice = histogram.clone();
        twice.add(&histogram);
        assert_eq!(twice.count(), 14);
    }
}

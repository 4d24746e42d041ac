//! The machine's properties: how many misses overlap, and how large the private cache is.

use core::hint::black_box;
use core::time::Duration;

/// The size of a group for an unknown machine.
///
/// A group should be as large as the number of misses that a core can have under way: a larger one gains nothing, and a
/// smaller one lets fewer misses overlap. That number is 10 to 12 on Intel cores up to Skylake, 16 on Golden Cove, and
/// about two dozen on Zen 5, where 16 is within a tenth of the best. [`Calibration`] measures it.
pub const DEFAULT_GROUP: usize = 16;

/// The numbers of chains that are tried.
const CHAINS: [usize; 8] = [1, 4, 8, 12, 16, 20, 24, 32];

/// The accesses of one try, in all its chains together.
const ACCESSES: usize = if cfg!(miri) { 64 } else { 4096 };

/// How often each number of chains is tried. The shortest time counts, since a disturbance can only make a try longer.
const TRIES: usize = 3;

/// The time of an access to memory, and how many accesses overlap.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use cps_core::cps;
/// use cps_core::interleave::{Calibration, Group, clock};
/// use cps_core::prefetch::prefetch_read;
///
/// #[cps]
/// async fn get(table: &[u64], index: usize) -> u64 {
///     prefetch_read(&table[index]).await;
///     table[index]
/// }
///
/// let table = vec![1; 1 << 16]; // in earnest, larger than the cache
/// let calibration = Calibration::measure(&table, clock);
/// let mut group = Group::new(calibration.group());
/// group.run([5, 7], |index| get(&table, index), |_, value| assert_eq!(value, 1));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Calibration {
    /// The time of [`ACCESSES`] accesses, for each of [`CHAINS`].
    times: [Duration; CHAINS.len()],
}

impl Calibration {
    /// Measures random reads of `memory` by chains of dependent accesses, one chain to 32 at a time: about 100 000
    /// accesses, which take some milliseconds.
    ///
    /// `memory` should be the table that you search, or as large: only then do the size of its pages and its place in
    /// the machine count. It is only read. `now` is a clock that does not go backwards, of any origin: with the feature
    /// `std`, [`clock`].
    ///
    /// # Panics
    /// If `memory` is empty.
    pub fn measure(memory: &[u64], mut now: impl FnMut() -> Duration) -> Self {
        assert!(!memory.is_empty(), "there is no memory to measure");
        let mut times = [Duration::MAX; CHAINS.len()];
        let mut seed = 1;
        for _ in 0..TRIES {
            for (time, chains) in times.iter_mut().zip(CHAINS) {
                seed += 1;
                let start = now();
                walk(memory, chains, seed);
                *time = (*time).min(now().saturating_sub(start));
            }
        }
        Calibration { times }
    }

    /// The time of an access that depends on the one before.
    pub fn latency(&self) -> Duration {
        self.times[0] / ACCESSES as u32
    }

    /// The time of an access if as many as possible overlap.
    pub fn overlapped(&self) -> Duration {
        self.best() / ACCESSES as u32
    }

    /// The group to use: the smallest number of chains that is within a tenth of the best.
    pub fn group(&self) -> usize {
        let enough = |time: &Duration| *time * 10 <= self.best() * 11;
        let at = self.times.iter().position(enough);
        at.map_or(DEFAULT_GROUP, |at| CHAINS[at])
    }

    fn best(&self) -> Duration {
        self.times.into_iter().min().unwrap_or_default()
    }
}

/// Reads memory at random places, each of which depends on the value that the chain has read before.
#[inline(never)]
fn walk(memory: &[u64], chains: usize, seed: u64) {
    let mut states = [0_u64; 32];
    for (state, n) in states.iter_mut().zip(1_u64..) {
        *state = (seed << 32 | n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let states = &mut states[..chains];
    for _ in 0..ACCESSES / chains {
        for state in &mut *states {
            // The upper bits, scaled to the length; the product is less than the length.
            let at = (u128::from(*state) * memory.len() as u128) >> 64;
            *state = (*state ^ memory[at as usize])
                .wrapping_mul(0xd134_2543_de82_ef95)
                .wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
    }
    black_box(states);
}

/// The size in bytes of the largest cache that a core has for itself: on x86-64 the second level, if the machine tells
/// its size; else 1 MiB.
pub fn private_cache() -> usize {
    let known = target::second_level();
    if known == 0 { 1 << 20 } else { known }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod target {
    use core::arch::x86_64::__cpuid_count;

    /// Bytes of the second level of the cache, or 0. (Intel's manual, volume 2, CPUID leaf 4; AMD's
    /// manual, volume 3, appendix E, function 8000_001D: the registers have the same layout.)
    pub(super) fn second_level() -> usize {
        deterministic(4).max(deterministic(0x8000_001d))
    }

    #[allow(unused_unsafe, reason = "safe to call since a later version of `core`")]
    fn cpuid(leaf: u32, count: u32) -> core::arch::x86_64::CpuidResult {
        // SAFETY: every x86-64 processor has the instruction.
        unsafe { __cpuid_count(leaf, count) }
    }

    fn deterministic(leaf: u32) -> usize {
        if cpuid(leaf & 0x8000_0000, 0).eax < leaf {
            return 0;
        }
        // The subleaves are the caches, and end with one of type 0; some report none but that.
        for cache in 0..8 {
            let description = cpuid(leaf, cache);
            let (kind, level) = (description.eax & 0x1f, description.eax >> 5 & 0x7);
            if kind == 0 {
                break;
            }
            if level == 2 {
                let ways = (description.ebx >> 22) as usize + 1;
                let partitions = (description.ebx >> 12 & 0x3ff) as usize + 1;
                let line = (description.ebx & 0xfff) as usize + 1;
                let sets = description.ecx as usize + 1;
                return ways * partitions * line * sets;
            }
        }
        0
    }
}

#[cfg(any(miri, not(target_arch = "x86_64")))]
mod target {
    pub(super) fn second_level() -> usize {
        0
    }
}

/// The time since some moment: a clock for [`Calibration`] and [`Adaptive`](super::Adaptive).
#[cfg(feature = "std")]
pub fn clock() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// A clock by which an access takes as long as given for its number of chains.
    fn calibrated(nanoseconds: [u64; CHAINS.len()]) -> Calibration {
        let mut calls = 0_usize;
        let mut time = Duration::ZERO;
        Calibration::measure(&[7; 1000], || {
            if calls % 2 == 1 {
                let try_of = calls / 2 % CHAINS.len();
                // The first try of each is disturbed.
                let disturbed = if calls / 2 < CHAINS.len() { 10 } else { 1 };
                time += Duration::from_nanos(nanoseconds[try_of] * disturbed) * ACCESSES as u32;
            }
            calls += 1;
            time
        })
    }

    #[test]
    fn the_group_is_where_more_chains_gain_little() {
        let intel = calibrated([200, 50, 25, 20, 19, 19, 19, 19]);
        assert_eq!(intel.group(), 12);
        assert_eq!(intel.latency(), Duration::from_nanos(200));
        assert_eq!(intel.overlapped(), Duration::from_nanos(19));
        assert_eq!(calibrated([225, 60, 28, 20, 16, 15, 14, 13]).group(), 24);
        assert_eq!(calibrated([5; 8]).group(), 1);
        assert_eq!(calibrated([0; 8]).group(), 1); // a clock that stands still
    }

    #[test]
    fn memory_of_any_length_is_walked_within_its_bounds() {
        for length in [1, 2, 3, 1000] {
            let memory = vec![u64::MAX; length];
            for chains in CHAINS {
                walk(&memory, chains, 5);
            }
        }
    }

    #[test]
    fn the_private_cache_has_a_size() {
        assert!((32 << 10..1 << 30).contains(&private_cache()));
    }
}

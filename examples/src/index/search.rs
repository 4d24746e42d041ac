//! Binary search.

use cps_core::cps;
use std::hint::select_unpredictable;

use cps_core::prefetch::Policy;

/// The index of the first element that is not less than `key` in a sorted slice, or its length.
///
/// One probe for each halving, without a branch on the outcome, which the processor would mispredict
/// every other time. (Knuth, The Art of Computer Programming, volume 3, 6.2.1, exercise 11: Shar's
/// method, with lengths that need not be powers of two.)
///
/// What remains to be searched is kept as a slice, of which no index is out of bounds: a loop that
/// cannot panic keeps its variables in registers under the policy `Sequential`, where it is compiled
/// to what a plain function is.
#[cps]
pub async fn lower_bound<P: Policy>(table: &[i32], key: i32, policy: P) -> usize {
    let mut rest = table;
    while let Some(probe) = rest.get((rest.len() / 2).wrapping_sub(1)) {
        policy.prefetch_read(probe).await;
        let half = rest.len() / 2;
        rest = select_unpredictable(*probe < key, &rest[half..], &rest[..rest.len() - half]);
    }
    let base = (rest.as_ptr().addr() - table.as_ptr().addr()) / size_of::<i32>();
    base + usize::from(rest.first().is_some_and(|last| *last < key))
}

//! Index structures whose lookups hide their cache misses.
//!
//! Each lookup is written once, as plain nested coroutines that are generic over a
//! [`Policy`]. Under `Sequential` it is an ordinary function; under
//! `Interleaved` it suspends wherever the next access is likely to miss, however deep in its calls
//! that is, and [`Interleave`](cps_core::interleave::Interleave) runs a group of them. Nothing is
//! flattened by hand, and the callers need not know where the misses are.
//!
//! - [`lower_bound`]: binary search in a sorted slice.
//! - [`HashTable`]: hashing with chains.
//! - [`BTree`]: a B+-tree of 512-byte nodes, searched through five levels of calls.
//! - [`Graph`]: breadth-first search over compressed sparse rows.

mod btree;
mod graph;
mod hash;
mod search;

pub use btree::BTree;
pub use graph::{Graph, UNREACHED};
pub use hash::HashTable;
pub use search::lower_bound;

use cps_core::cps;
use cps_core::prefetch::Policy;

/// Reads a value that is likely not in the cache.
#[cps]
async fn load<T: Copy, P: Policy>(value: &T, policy: P) -> T {
    policy.prefetch_read(value).await;
    *value
}

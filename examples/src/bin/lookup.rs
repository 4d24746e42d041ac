//! Lookups in tables larger than the cache: one after the other, interleaved, and whichever is
//! faster. The lookups are the same functions in all three, and the results are compared.
//!
//! `lookup [MiB]` takes the size of each table, 64 by default.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use cps_core::interleave::{
    Adaptive, Calibration, Interleave, Start, clock, private_cache, sequential,
};
use cps_core::prefetch::{Interleaved, Sequential};
use examples::index::{BTree, Graph, HashTable, UNREACHED, lower_bound};

const GROUP: usize = 16;
const LOOKUPS: usize = 200_000;

/// A number that depends on `n` alone: random enough for keys.
fn scatter(n: u64) -> u64 {
    let z = (n ^ (n >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// Below `bound`, likewise.
fn scatter_below(n: u64, bound: usize) -> usize {
    ((u128::from(scatter(n)) * bound as u128) >> 64) as usize
}

fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// Looks up the same keys in each way. `one` and `interleaved` are one function under two policies.
fn compare<K: Copy, C, D>(
    name: &str,
    bytes: usize,
    keys: &[K],
    mut one: impl FnMut(K) -> C,
    mut interleaved: impl FnMut(K) -> D,
) where
    C: Start<Output: Copy + Default + Hash>,
    D: Start<Output = C::Output>,
{
    let mut found = vec![C::Output::default(); keys.len()];
    let checksum = |found: &mut Vec<C::Output>| {
        let mut hasher = DefaultHasher::new();
        found.hash(&mut hasher);
        found.fill(C::Output::default());
        hasher.finish()
    };
    let keys = || keys.iter().copied();

    let plain = timed(|| sequential(keys(), &mut one, |at, value| found[at] = value));
    let expected = checksum(&mut found);
    let together =
        timed(|| Interleave::<GROUP>::run(keys(), &mut interleaved, |at, value| found[at] = value));
    assert_eq!(checksum(&mut found), expected, "{name}: interleaved");
    let mut adaptive = Adaptive::<GROUP, _>::new(bytes, clock);
    let chosen =
        timed(|| adaptive.run(keys(), &mut one, &mut interleaved, |at, value| found[at] = value));
    assert_eq!(checksum(&mut found), expected, "{name}: adaptive");

    let each = |time: Duration| time.as_nanos() / LOOKUPS as u128;
    println!(
        "{name:22} {:8} KiB  {:5} ns a lookup  {:5} ns interleaved  {:5} ns adaptive ({})",
        bytes >> 10,
        each(plain),
        each(together),
        each(chosen),
        if adaptive.interleaves() { "interleaves" } else { "sequential" },
    );
}

fn search(bytes: usize) {
    let length = bytes / size_of::<i32>();
    let table: Vec<i32> = (0..length).map(|n| 2 * n as i32).collect();
    let keys: Vec<i32> = (0..LOOKUPS as u64).map(|n| scatter_below(n, 2 * length) as i32).collect();
    compare(
        "binary search",
        bytes,
        &keys,
        |key| lower_bound(&table, key, Sequential),
        |key| lower_bound(&table, key, Interleaved),
    );
}

fn hash(bytes: usize, chain: usize) {
    let entries = bytes / 24;
    let mut table = HashTable::with_buckets(entries / chain);
    for n in 0..entries as u64 {
        table.insert(scatter(n), n);
    }
    let keys: Vec<u64> =
        (0..LOOKUPS as u64).map(|n| scatter(scatter_below(n, entries) as u64)).collect();
    compare(
        &format!("hash, chains of {chain}"),
        table.bytes(),
        &keys,
        |key| table.get(key, Sequential),
        |key| table.get(key, Interleaved),
    );
}

fn tree(bytes: usize) {
    let entries = bytes / 17;
    let tree = BTree::from_sorted((0..entries as u64).map(|n| (3 * n, n)));
    let keys: Vec<u64> =
        (0..LOOKUPS as u64).map(|n| 3 * scatter_below(n, entries) as u64).collect();
    compare(
        "B+-tree",
        tree.bytes(),
        &keys,
        |key| tree.get(key, Sequential),
        |key| tree.get(key, Interleaved),
    );
}

fn graph(bytes: usize) {
    let vertices = bytes / 40;
    let edges: Vec<(u32, u32)> = (0..8 * vertices as u64)
        .map(|n| (scatter_below(2 * n, vertices) as u32, scatter_below(2 * n + 1, vertices) as u32))
        .collect();
    let graph = Graph::from_edges(vertices, &edges);
    let (mut plain, mut together) = (Vec::new(), Vec::new());
    let one = timed(|| plain = graph.distances(0));
    let interleaved = timed(|| together = graph.distances_interleaved(0));
    assert_eq!(plain, together, "breadth-first search");
    println!(
        "{:22} {:8} KiB  {one:.0?}  {interleaved:.0?} interleaved  ({} of {vertices} vertices reached)",
        "breadth-first search",
        bytes >> 10,
        plain.iter().filter(|distance| **distance != UNREACHED).count(),
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let mib: usize = env::args().nth(1).map_or(Ok(64), |arg| arg.parse())?;
    if !(1..=4096).contains(&mib) {
        return Err("the size is 1 to 4096 MiB".into());
    }
    let bytes = mib << 20;

    let memory: Vec<u64> = vec![1; bytes / 8];
    let start = Instant::now();
    let calibration = Calibration::measure(&memory, clock);
    println!(
        "a miss takes {:?}, {:?} when they overlap: groups of {} (measured in {:.0?}; private cache {} KiB)",
        calibration.latency(),
        calibration.overlapped(),
        calibration.group(),
        start.elapsed(),
        private_cache() >> 10,
    );
    drop(memory);

    search(bytes);
    search(64 << 10);
    hash(bytes, 1);
    hash(bytes, 16);
    tree(bytes);
    graph(bytes);
    Ok(())
}

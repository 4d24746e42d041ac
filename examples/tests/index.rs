//! The index structures against the standard library's, in both forms.

use std::collections::{BTreeMap, HashMap, VecDeque};

use cps_core::interleave::{Interleave, sequential};
use cps_core::prefetch::{Interleaved, Sequential};
use examples::index::{BTree, Graph, HashTable, UNREACHED, lower_bound};

/// A generator that repeats: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[test]
fn lower_bound_is_the_partition_point() {
    for length in (0..40).chain([1000, 1023, 1024, 1025]) {
        let table: Vec<i32> = (0..length).map(|n| 3 * (n / 2)).collect();
        let keys = -1..3 * length + 2;
        let expected: Vec<usize> =
            keys.clone().map(|key| table.partition_point(|other| *other < key)).collect();
        let mut found = vec![usize::MAX; expected.len()];
        let lookup = |key| lower_bound(&table, key, Interleaved);
        Interleave::<16>::run(keys.clone(), lookup, |index, at| found[index] = at);
        assert_eq!(found, expected);
        found.fill(usize::MAX);
        let lookup = |key| lower_bound(&table, key, Sequential);
        sequential(keys, lookup, |index, at| found[index] = at);
        assert_eq!(found, expected);
    }
}

#[test]
fn the_hash_table_finds_what_was_inserted_last() {
    let mut random = Random(1);
    for (entries, buckets) in [(0, 1), (1, 1), (500, 16), (3000, 4096)] {
        let mut table = HashTable::with_buckets(buckets);
        let mut map = HashMap::new();
        for value in 0..entries {
            let key = random.below(2 * entries);
            table.insert(key, value);
            map.insert(key, value);
        }
        let keys: Vec<u64> = (0..2000).map(|_| random.below(3 * entries + 1)).collect();
        let expected: Vec<Option<u64>> = keys.iter().map(|key| map.get(key).copied()).collect();
        let mut found = vec![None; keys.len()];
        Interleave::<16>::run(
            &keys,
            |key| table.get(*key, Interleaved),
            |at, value| found[at] = value,
        );
        assert_eq!(found, expected);
        found.fill(None);
        sequential(&keys, |key| table.get(*key, Sequential), |at, value| found[at] = value);
        assert_eq!(found, expected);
    }
}

#[test]
fn the_tree_finds_what_is_in_it() {
    let mut random = Random(2);
    for entries in [0, 1, 30, 31, 32, 31 * 32, 31 * 32 + 1, 40_000] {
        let map: BTreeMap<u64, u64> =
            (0..entries).map(|n| (random.below(4 * entries + 1), n)).collect();
        let tree = BTree::from_sorted(map.iter().map(|(key, value)| (*key, *value)));
        let ends = [0, u64::MAX];
        let keys: Vec<u64> = (0..3000).map(|_| random.below(5 * entries + 2)).chain(ends).collect();
        let expected: Vec<Option<u64>> = keys.iter().map(|key| map.get(key).copied()).collect();
        let mut found = vec![None; keys.len()];
        Interleave::<16>::run(
            &keys,
            |key| tree.get(*key, Interleaved),
            |at, value| found[at] = value,
        );
        assert_eq!(found, expected, "of {entries}");
        found.fill(None);
        sequential(&keys, |key| tree.get(*key, Sequential), |at, value| found[at] = value);
        assert_eq!(found, expected, "of {entries}");
    }
    let extreme = BTree::from_sorted([(0, 7), (u64::MAX, 8)]);
    let mut found = Vec::new();
    let lookup = |key| extreme.get(key, Interleaved);
    Interleave::<2>::run_in_order([u64::MAX, 1, 0], lookup, |value| found.push(value));
    assert_eq!(found, [Some(8), None, Some(7)]);
}

#[test]
#[should_panic = "the keys of a tree must ascend"]
fn a_tree_of_unsorted_keys_is_refused() {
    BTree::from_sorted([(1, 0), (1, 1)]);
}

#[test]
fn breadth_first_search_finds_the_shortest_distances() {
    let mut random = Random(3);
    for (vertices, edges) in [(1, 0), (2, 1), (50, 60), (300, 2000), (2000, 3000)] {
        let mut end = || u32::try_from(random.below(vertices)).unwrap();
        let edges: Vec<(u32, u32)> = (0..edges).map(|_| (end(), end())).collect();
        let source = end();
        let graph = Graph::from_edges(usize::try_from(vertices).unwrap(), &edges);
        let expected = distances(usize::try_from(vertices).unwrap(), &edges, source);
        assert_eq!(graph.distances(source), expected);
        assert_eq!(graph.distances_interleaved(source), expected);
    }
}

fn distances(vertices: usize, edges: &[(u32, u32)], source: u32) -> Vec<u32> {
    let mut distances = vec![UNREACHED; vertices];
    distances[source as usize] = 0;
    let mut queue = VecDeque::from([source]);
    while let Some(vertex) = queue.pop_front() {
        for (_, to) in edges.iter().filter(|(from, _)| *from == vertex) {
            if distances[*to as usize] == UNREACHED {
                distances[*to as usize] = distances[vertex as usize] + 1;
                queue.push_back(*to);
            }
        }
    }
    distances
}

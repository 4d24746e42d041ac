//! `hash`: a hash table whose buckets are chains of nodes in random order.

use anyhow::Result;
use bytemuck::{Pod, Zeroable};
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use super::memory::Mapping;

/// The result of a lookup for a missing key, and the end of a chain.
pub const NONE: u32 = u32::MAX;

/// Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4): a bucket is the top bits of the
/// key times this.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A node: half a line, which it does not straddle.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct Node {
    /// The key.
    pub key: u64,
    /// Its value.
    pub value: u64,
    /// The next node of the bucket, or [`NONE`].
    pub next: u32,
    unused: [u32; 3],
}

/// The table.
#[derive(Debug)]
pub struct Chained {
    /// The first node of each bucket, or [`NONE`].
    pub heads: Mapping<u32>,
    /// The nodes.
    pub nodes: Mapping<Node>,
    /// By how much a hash is shifted to give the bucket.
    shift: u32,
}

/// A table as the lookups see it.
#[derive(Clone, Copy, Debug)]
pub struct View<'t> {
    heads: &'t [u32],
    nodes: &'t [Node],
    shift: u32,
}

impl Chained {
    /// Builds a table of `keys` keys, each bucket with `chain_length` of them. Both are powers of
    /// two.
    ///
    /// # Errors
    /// If there is no memory.
    ///
    /// # Panics
    /// If there are not two buckets or more.
    pub fn build(keys: usize, chain_length: usize, rng: &mut SmallRng) -> Result<Self> {
        let buckets = keys / chain_length;
        assert!(buckets >= 2 && keys.is_power_of_two() && chain_length.is_power_of_two());
        let shift = u64::BITS - buckets.ilog2();
        let mut heads = Mapping::zeroed(buckets)?;
        heads.fill(NONE);
        let mut nodes = Mapping::<Node>::zeroed(keys)?;
        let mut order: Vec<u32> = (0..keys as u32).collect();
        order.shuffle(rng);
        for (i, place) in order.into_iter().enumerate() {
            let bucket = i % buckets;
            let key = key_in(bucket, shift, rng);
            nodes[place as usize] =
                Node { key, value: i as u64, next: heads[bucket], unused: [0; 3] };
            heads[bucket] = place;
        }
        Ok(Self { heads, nodes, shift })
    }

    /// The parts that lookups read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { heads: &self.heads, nodes: &self.nodes, shift: self.shift }
    }

    /// A key that is there with a probability of `hit_rate` percent.
    pub fn input(&self, hit_rate: u32, rng: &mut SmallRng) -> u64 {
        if rng.random_ratio(hit_rate, 100) {
            self.nodes[rng.random_range(0..self.nodes.len())].key
        } else {
            // Of 2^40 keys or more that a bucket could have, it has at most 16.
            key_in(rng.random_range(0..self.heads.len()), self.shift, rng)
        }
    }
}

/// A random key of `bucket`.
fn key_in(bucket: usize, shift: u32, rng: &mut SmallRng) -> u64 {
    let hash = (bucket as u64) << shift | rng.random_range(0..1u64 << shift);
    hash.wrapping_mul(inverse(FACTOR))
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each doubles the correct bits.
fn inverse(odd: u64) -> u64 {
    let mut x = odd; // Correct to three bits.
    for _ in 0..5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

impl<'t> View<'t> {
    /// The head of the bucket of `key`.
    #[inline(always)]
    #[must_use]
    pub fn head(&self, key: u64) -> &'t u32 {
        &self.heads[(key.wrapping_mul(FACTOR) >> self.shift) as usize]
    }

    /// The node with an index, `None` at the end of a chain.
    #[inline(always)]
    #[must_use]
    pub fn node(&self, index: u32) -> Option<&'t Node> {
        if index == NONE { None } else { Some(&self.nodes[index as usize]) }
    }

    /// The parts of the table.
    #[must_use]
    pub fn parts(&self) -> (&'t [u32], &'t [Node], u32) {
        (self.heads, self.nodes, self.shift)
    }
}

/// The loop by hand, one lookup after the other.
pub fn sequential(table: View<'_>, inputs: &[u64], outputs: &mut [u64]) {
    for (&key, output) in inputs.iter().zip(outputs) {
        let mut found = u64::from(NONE);
        let mut at = *table.head(key);
        while let Some(node) = table.node(at) {
            if node.key == key {
                found = node.value;
                break;
            }
            at = node.next;
        }
        *output = found;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_bucket_has_as_many_keys_and_each_is_found() {
        let rng = &mut SmallRng::seed_from_u64(1);
        for chain_length in [1, 4, 16] {
            let table = Chained::build(1 << 10, chain_length, rng).unwrap();
            let view = table.view();
            for &head in &table.heads[..] {
                let mut at = head;
                let mut length = 0;
                while let Some(node) = view.node(at) {
                    at = node.next;
                    length += 1;
                }
                assert_eq!(length, chain_length);
            }
            let keys: Vec<u64> = table.nodes.iter().map(|node| node.key).collect();
            let mut values = vec![0; keys.len()];
            sequential(view, &keys, &mut values);
            assert!(table.nodes.iter().zip(values).all(|(node, value)| node.value == value));
        }
    }

    #[test]
    fn the_hit_rate_is_that_of_the_inputs() {
        let rng = &mut SmallRng::seed_from_u64(1);
        let table = Chained::build(1 << 10, 4, rng).unwrap();
        for (hit_rate, range) in [(100, 1000..1001), (50, 400..600), (0, 0..1)] {
            let inputs: Vec<u64> = (0..1000).map(|_| table.input(hit_rate, rng)).collect();
            let mut outputs = vec![0; 1000];
            sequential(table.view(), &inputs, &mut outputs);
            let hits = outputs.iter().filter(|&&output| output != u64::from(NONE)).count();
            assert!(range.contains(&hits), "{hits} at {hit_rate} %");
        }
    }
}

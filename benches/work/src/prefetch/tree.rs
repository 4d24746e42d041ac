//! `btree`: a B+-tree from u64 to u64 in nodes of 512 bytes, full.

use anyhow::Result;
use bytemuck::{Pod, Zeroable};
use rand::Rng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Zipf};

use super::memory::Mapping;
use super::sorted::half_if;

/// Keys that separate the children of an inner node.
const SEPARATORS: usize = 41;
/// Children of an inner node.
const FAN_OUT: usize = SEPARATORS + 1;
/// Entries of a leaf.
const ENTRIES: usize = 31;

/// The result of a lookup for a missing key.
pub const NONE: u64 = u64::MAX;

/// Skew of the skewed distribution.
const EXPONENT: f64 = 0.99;
/// A factor prime to any number of keys in use, which spreads the popular ones over the tree.
const SPREAD: u64 = 0x9e37_79b1;

/// An inner node. Behind its last separator the others are the largest number.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Inner {
    /// The least key of each child but the first.
    pub separators: [u64; SEPARATORS],
    /// Nodes of the level below.
    children: [u32; FAN_OUT],
    unused: [u32; 4],
}

/// A leaf. Behind its last key the others are the largest number.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Leaf {
    /// In order.
    pub keys: [u64; ENTRIES],
    /// The value of each key.
    pub values: [u64; ENTRIES],
    unused: [u64; 2],
}

/// The tree.
#[derive(Debug)]
pub struct Tree {
    inner: Mapping<Inner>,
    leaves: Mapping<Leaf>,
    keys: usize,
    height: u32,
}

/// A tree as the lookups see it.
#[derive(Clone, Copy, Debug)]
pub struct View<'t> {
    /// Level by level from the leaves up; the root is the last. A node's children are in one array
    /// with it, those of the lowest level in `leaves`.
    inner: &'t [Inner],
    leaves: &'t [Leaf],
    /// Number of inner levels.
    pub height: u32,
}

fn key_of(i: usize) -> u64 {
    16 * i as u64 + 8
}

/// How many nodes each level has, leaves first, root last; at least one inner level.
fn levels(keys: usize) -> Vec<usize> {
    let mut levels = vec![keys.div_ceil(ENTRIES)];
    while levels.len() == 1 || *levels.last().expect("not empty") > 1 {
        levels.push(levels.last().expect("not empty").div_ceil(FAN_OUT));
    }
    levels
}

/// Bytes of a tree of so many keys.
#[must_use]
pub fn bytes(keys: usize) -> usize {
    levels(keys).iter().sum::<usize>() * size_of::<Leaf>()
}

impl Tree {
    /// Builds the tree of `keys` keys, from the leaves up.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn build(keys: usize) -> Result<Self> {
        let levels = levels(keys);
        let mut leaves = Mapping::<Leaf>::zeroed(levels[0])?;
        for (leaf, number) in leaves.iter_mut().zip(0..) {
            leaf.keys = std::array::from_fn(|slot| match number * ENTRIES + slot {
                i if i < keys => key_of(i),
                _ => u64::MAX,
            });
            leaf.values = leaf.keys.map(|key| !key);
        }
        let mut inner = Mapping::<Inner>::zeroed(levels[1..].iter().sum())?;
        // The first node of the level, and how many leaves' worth of keys a child of it spans.
        let (mut first, mut span) = (0, ENTRIES);
        let mut below = 0;
        for pair in levels.windows(2) {
            let [children, nodes] = *pair else { unreachable!("windows of two") };
            for number in 0..nodes {
                let node = &mut inner[first + number];
                let child = |slot| number * FAN_OUT + slot;
                node.separators = std::array::from_fn(|slot| match child(slot + 1) {
                    child if child < children => key_of(child * span),
                    _ => u64::MAX,
                });
                node.children =
                    std::array::from_fn(|slot| (below + child(slot).min(children - 1)) as u32);
            }
            below = first;
            first += nodes;
            span *= FAN_OUT;
        }
        Ok(Self { inner, leaves, keys, height: levels.len() as u32 - 1 })
    }

    /// The parts that lookups read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { inner: &self.inner, leaves: &self.leaves, height: self.height }
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.inner[..]) + size_of_val(&self.leaves[..])
    }

    /// The leaves, most of the tree.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// A key that is there, all with the same probability.
    pub fn uniform(&self, rng: &mut SmallRng) -> u64 {
        key_of(rng.random_range(0..self.keys))
    }

    /// A key that is there, the k-th most frequent with a probability proportional to k^-0.99.
    pub fn skewed(&self, rng: &mut SmallRng) -> u64 {
        let zipf = Zipf::new(self.keys as f64, EXPONENT).expect("the parameters are positive");
        let rank = zipf.sample(rng) as u64 - 1;
        key_of((rank * SPREAD % self.keys as u64) as usize)
    }
}

/// How many of the sorted `keys` are less than `bound`, without a branch on a comparison.
#[inline(always)]
fn rank<const N: usize>(keys: &[u64; N], bound: u64) -> usize {
    const { assert!(N > 0) };
    let (mut before, mut len) = (0, N);
    while len > 1 {
        let half = len / 2;
        // SAFETY: `before + len` is at most `N`: at first, and whether `half` moves from one to the
        // other or is dropped.
        let key = unsafe { *keys.get_unchecked(before + half - 1) };
        before += half_if(half, key < bound);
        len -= half;
    }
    // SAFETY: likewise; `len` is 1.
    before + usize::from(unsafe { *keys.get_unchecked(before) } < bound)
}

impl Inner {
    /// The child that has `key` if any has.
    #[inline(always)]
    #[must_use]
    pub fn child(&self, key: u64) -> u32 {
        // A separator that is the key is the least key of the child behind it.
        self.children[rank(&self.separators, key + 1)]
    }
}

impl Leaf {
    /// Where `key` is or would be. The key lines are enough for this.
    #[inline(always)]
    #[must_use]
    pub fn slot(&self, key: u64) -> Option<usize> {
        let slot = rank(&self.keys, key);
        if slot < ENTRIES && self.keys[slot] == key { Some(slot) } else { None }
    }
}

impl<'t> View<'t> {
    /// The root's number.
    #[inline(always)]
    #[must_use]
    pub fn root(&self) -> u32 {
        self.inner.len() as u32 - 1
    }

    /// An inner node.
    #[inline(always)]
    #[must_use]
    pub fn inner(&self, number: u32) -> &'t Inner {
        &self.inner[number as usize]
    }

    /// A leaf.
    #[inline(always)]
    #[must_use]
    pub fn leaf(&self, number: u32) -> &'t Leaf {
        &self.leaves[number as usize]
    }

    /// The inner nodes and the leaves.
    #[must_use]
    pub fn parts(&self) -> (&'t [Inner], &'t [Leaf]) {
        (self.inner, self.leaves)
    }
}

/// The loop by hand, one lookup after the other.
pub fn sequential(tree: View<'_>, inputs: &[u64], outputs: &mut [u64]) {
    for (&key, output) in inputs.iter().zip(outputs) {
        let mut number = tree.root();
        for _ in 0..tree.height {
            number = tree.inner(number).child(key);
        }
        let leaf = tree.leaf(number);
        *output = leaf.slot(key).map_or(NONE, |slot| leaf.values[slot]);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn nodes_have_512_bytes() {
        assert_eq!((size_of::<Inner>(), size_of::<Leaf>()), (512, 512));
    }

    #[test]
    fn every_key_is_found_and_no_other() {
        for keys in [1, 31, 32, 31 * 42, 31 * 42 + 1, 100_000] {
            let tree = Tree::build(keys).unwrap();
            assert_eq!(tree.bytes(), bytes(keys));
            let inputs: Vec<u64> = (0..keys).map(key_of).collect();
            let mut outputs = vec![0; keys];
            sequential(tree.view(), &inputs, &mut outputs);
            assert!(inputs.iter().zip(&outputs).all(|(key, value)| !key == *value), "{keys}");
            let others = [0, key_of(0) + 1, key_of(keys)];
            sequential(tree.view(), &others, &mut outputs[..others.len().min(keys)]);
            assert!(outputs[..others.len().min(keys)].iter().all(|&value| value == NONE));
        }
    }

    #[test]
    fn skewed_keys_repeat_and_are_there() {
        let rng = &mut SmallRng::seed_from_u64(1);
        let tree = Tree::build(10_000).unwrap();
        let mut inputs: Vec<u64> = (0..1000).map(|_| tree.skewed(rng)).collect();
        let mut outputs = vec![0; 1000];
        sequential(tree.view(), &inputs, &mut outputs);
        assert!(!outputs.contains(&NONE));
        inputs.sort_unstable();
        inputs.dedup();
        // Uniform ones would be about 950.
        assert!((300..800).contains(&inputs.len()), "{}", inputs.len());
    }
}

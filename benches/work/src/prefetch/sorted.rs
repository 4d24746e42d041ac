//! `bsearch`: a sorted array, `v[i] = 2 * i`.

use std::marker::PhantomData;

use anyhow::Result;
use rand::Rng;
use rand::rngs::SmallRng;

use super::memory::Mapping;
use crate::drive::opaque;

/// The sorted array.
pub type Sorted = Mapping<i32>;

/// Builds the array of so many bytes, at most 4 GiB.
///
/// # Errors
/// If there is no memory.
pub fn build(bytes: usize) -> Result<Sorted> {
    let mut values = Sorted::zeroed(bytes / size_of::<i32>())?;
    for (value, i) in values.iter_mut().zip(0i32..) {
        *value = 2 * i;
    }
    Ok(values)
}

/// A key uniform in [0, 2n): every other one is in the array.
pub fn input(values: &[i32], rng: &mut SmallRng) -> u64 {
    rng.random_range(0..2 * values.len() as u64)
}

/// How many probes a search among so many values takes.
#[must_use]
pub fn steps(values: usize) -> u32 {
    usize::BITS - (values - 1).leading_zeros()
}

/// A search under way: the part of the array that the lower bound is in, or just behind.
#[derive(Clone, Copy, Debug)]
pub struct Search<'t> {
    /// The first of `len` elements, at least one, that all are in the array.
    rest: *const i32,
    len: usize,
    key: i32,
    array: PhantomData<&'t [i32]>,
}

impl<'t> Search<'t> {
    /// Before the first probe.
    ///
    /// # Panics
    /// If there are no values.
    #[inline(always)]
    pub fn new(values: &'t [i32], key: u64) -> Self {
        assert!(!values.is_empty());
        Self { rest: values.as_ptr(), len: values.len(), key: key as i32, array: PhantomData }
    }

    /// The value that the next step reads; `None` after the last step.
    #[inline(always)]
    pub fn probe(&self) -> Option<*const i32> {
        // SAFETY: within the rest, whose length is two or more.
        if self.len > 1 { Some(unsafe { self.rest.add(self.len / 2 - 1) }) } else { None }
    }

    /// Reads the probe and halves the rest, without a branch on the value. After the last step, nothing.
    #[inline(always)]
    pub fn step(&mut self) {
        if let Some(probe) = self.probe() {
            let half = self.len / 2;
            // SAFETY: the probe is in the array, and so are the `len` elements from `rest` on, of
            // which either half leaves `len - half`.
            unsafe { self.rest = self.rest.add(half_if(half, *probe < self.key)) };
            self.len -= half;
        }
    }

    /// After the last step: how many of `values`, the array that was searched, are less than the
    /// key.
    #[inline(always)]
    pub fn result(&self, values: &[i32]) -> u64 {
        // On a line that was probed, unless the array has one element.
        // SAFETY: the rest has at least one element.
        let last = usize::from(unsafe { *self.rest } < self.key);
        ((self.rest.addr() - values.as_ptr().addr()) / size_of::<i32>() + last) as u64
    }
}

/// `half` or nothing, without a branch. (Of `half * usize::from(condition)` the compiler makes one in
/// some loops, which a random key mispredicts every other time.)
#[inline(always)]
#[expect(clippy::incompatible_msrv, reason = "the lab needs a newer compiler than the libraries")]
pub fn half_if(half: usize, condition: bool) -> usize {
    std::hint::select_unpredictable(condition, half, 0)
}

/// The loop by hand, one search after the other.
pub fn sequential(values: &[i32], inputs: &[u64], outputs: &mut [u64]) {
    for (&key, output) in inputs.iter().zip(outputs) {
        let mut search = Search::new(values, key);
        while search.probe().is_some() {
            search.step();
        }
        *output = search.result(values);
    }
}

/// The same with a branch on the value.
pub fn branching(values: &[i32], inputs: &[u64], outputs: &mut [u64]) {
    for (&key, output) in inputs.iter().zip(outputs) {
        let key = key as i32;
        let mut rest = values;
        let mut before = 0;
        while rest.len() > 1 {
            let (left, right) = rest.split_at(rest.len() / 2);
            // Keeps the compiler from computing both ends of the branch.
            if left[left.len() - 1] < key {
                before += opaque(left.len());
                rest = right;
            } else {
                rest = left;
            }
        }
        *output = (before + usize::from(rest[0] < key)) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_the_lower_bound_in_the_steps_that_are_counted() {
        for len in [1, 2, 3, 7, 8, 100] {
            let values = build(len * size_of::<i32>()).unwrap();
            for key in 0..2 * len as u64 {
                let mut search = Search::new(&values, key);
                let mut probes = 0;
                while search.probe().is_some() {
                    search.step();
                    probes += 1;
                }
                assert_eq!(
                    search.result(&values),
                    values.partition_point(|&v| v < key as i32) as u64
                );
                assert_eq!(probes, steps(len), "{len}");
            }
        }
    }
}

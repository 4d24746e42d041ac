//! Batches of lookups in tables larger than the caches: what is looked up, by hand one after the
//! other, and by each strategy a group at a time.
//!
//! A [`Spec`] names a table and its inputs, [`Data`] has them in memory together with the right
//! results, a [`Way`] says how the lookups are done. Strategies give [`Lookups`] for these. Each table
//! has a file: [`sorted`], [`cycle`], [`chained`], [`tree`].

use std::ops::Range;
use std::time::Duration;

use anyhow::{Result, bail};
use cps_core::prefetch::{Locality, prefetch_read_range};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

pub mod chained;
pub mod counters;
pub mod cycle;
pub mod memory;
pub mod sorted;
pub mod tree;

use counters::Counters;
use memory::Pages;

use crate::clock;

/// How the inputs of a tree are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// All keys alike.
    Uniform,
    /// Zipf's with exponent 0.99, the popular keys spread over the tree.
    Zipf,
}

impl Distribution {
    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }
}

/// A table and how its inputs are drawn. Equal specs give equal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spec {
    /// A sorted array of `i32`; a lookup is a binary search.
    Bsearch {
        /// Size of the array, at most 4 GiB.
        bytes: usize,
    },
    /// A random cycle; a lookup walks [`cycle::HOPS`] nodes.
    Chase {
        /// Size of all nodes.
        bytes: usize,
    },
    /// A chained hash table.
    Hash {
        /// How many; a power of two.
        keys: usize,
        /// Keys of a bucket; a power of two.
        chain_length: usize,
        /// Percentage of the inputs that are there.
        hit_rate: u32,
    },
    /// A B+-tree.
    Btree {
        /// How many.
        keys: usize,
        /// Of the inputs.
        distribution: Distribution,
    },
}

impl Spec {
    /// Bytes of the table.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        match *self {
            Self::Bsearch { bytes } | Self::Chase { bytes } => bytes,
            Self::Hash { keys, chain_length, .. } => {
                keys * size_of::<chained::Node>() + keys / chain_length * size_of::<u32>()
            }
            Self::Btree { keys, .. } => tree::bytes(keys),
        }
    }

    /// How many steps, each an access that depends on the one before, a lookup takes, where all
    /// take the same number.
    #[must_use]
    pub fn steps(&self) -> Option<u32> {
        match *self {
            Self::Bsearch { bytes } => Some(sorted::steps(bytes / size_of::<i32>())),
            Self::Chase { .. } => Some(cycle::HOPS),
            Self::Hash { .. } | Self::Btree { .. } => None,
        }
    }
}

/// How lookups are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// How many at a time; 0: one after the other, without suspensions.
    pub group: usize,
    /// At which call depth the lookup suspends, if that is not left to its code: the innermost
    /// coroutine of a chain of so many does the whole lookup. One of [`CALL_DEPTHS`].
    pub call_depth: Option<u32>,
}

/// Groups that are measured; every strategy has all of them.
pub const GROUPS: [usize; 7] = [1, 4, 8, 16, 20, 24, 32];

/// Call depths that exist.
pub const CALL_DEPTHS: [u32; 6] = [1, 2, 4, 5, 8, 16];

/// A table in memory.
#[derive(Debug)]
pub enum Table {
    /// See [`Spec::Bsearch`].
    Bsearch(sorted::Sorted),
    /// See [`Spec::Chase`].
    Chase(cycle::Cycle),
    /// See [`Spec::Hash`].
    Hash(chained::Chained),
    /// See [`Spec::Btree`].
    Btree(tree::Tree),
}

/// A table with inputs and the right results.
#[derive(Debug)]
pub struct Data {
    /// Its kind.
    pub spec: Spec,
    /// The table.
    pub table: Table,
    /// Keys, or where to start.
    pub inputs: Vec<u64>,
    /// The result of each, by the loop by hand.
    pub expected: Vec<u64>,
}

impl Data {
    /// Builds the table, draws so many inputs, and looks each up.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn build(spec: Spec, inputs: usize) -> Result<Self> {
        let rng = &mut SmallRng::seed_from_u64(0x5eed);
        let table = match spec {
            Spec::Bsearch { bytes } => Table::Bsearch(sorted::build(bytes)?),
            Spec::Chase { bytes } => Table::Chase(cycle::build(bytes, rng)?),
            Spec::Hash { keys, chain_length, .. } => {
                Table::Hash(chained::Chained::build(keys, chain_length, rng)?)
            }
            Spec::Btree { keys, .. } => Table::Btree(tree::Tree::build(keys)?),
        };
        let mut draw = || match (&table, spec) {
            (Table::Bsearch(values), _) => sorted::input(values, rng),
            (Table::Chase(nodes), _) => cycle::input(nodes, rng),
            (Table::Hash(table), Spec::Hash { hit_rate, .. }) => table.input(hit_rate, rng),
            (Table::Btree(tree), Spec::Btree { distribution: Distribution::Zipf, .. }) => {
                tree.skewed(rng)
            }
            (Table::Btree(tree), _) => tree.uniform(rng),
            (Table::Hash(_), _) => unreachable!("built from the spec"),
        };
        let inputs: Vec<u64> = (0..inputs).map(|_| draw()).collect();
        let mut expected = vec![0; inputs.len()];
        sequential(&table, &inputs, &mut expected);
        Ok(Self { spec, table, inputs, expected })
    }

    /// What pages most of the table lies on.
    #[must_use]
    pub fn pages(&self) -> Pages {
        match &self.table {
            Table::Bsearch(values) => Pages::of(values),
            Table::Chase(nodes) => Pages::of(nodes),
            Table::Hash(table) => Pages::of(&table.nodes),
            Table::Btree(tree) => Pages::of(tree.leaves()),
        }
    }
}

/// All lookups by hand, one after the other.
pub fn sequential(table: &Table, inputs: &[u64], outputs: &mut [u64]) {
    match table {
        Table::Bsearch(values) => sorted::sequential(values, inputs, outputs),
        Table::Chase(nodes) => cycle::chains::<1>(nodes, inputs, outputs),
        Table::Hash(table) => chained::sequential(table.view(), inputs, outputs),
        Table::Btree(tree) => tree::sequential(tree.view(), inputs, outputs),
    }
}

/// Does the lookups of a range of inputs, checks every result, and says how long the lookups took, by
/// [`clock::thread`]; runs the counters meanwhile, if there are any. Fails if a result is wrong.
pub type Lookups = Box<dyn FnMut(&Data, Range<usize>, Option<&mut Counters>) -> Result<Duration>>;

/// [`Lookups`] in this process: `search` puts the result of each input at the same place of the
/// outputs.
pub fn lookups(mut search: impl FnMut(&Table, &[u64], &mut [u64]) + 'static) -> Lookups {
    let mut outputs = Vec::new();
    Box::new(move |data, range, mut counters| {
        let inputs = &data.inputs[range.clone()];
        let expected = &data.expected[range];
        // No result of an earlier run may pass for one of this.
        outputs.clear();
        outputs.extend(expected.iter().map(|right| !right));
        if let Some(counters) = &mut counters {
            counters.start()?;
        }
        let start = clock::thread();
        search(&data.table, inputs, &mut outputs);
        let elapsed = clock::thread().saturating_sub(start);
        if let Some(counters) = counters {
            counters.stop()?;
        }
        if let Some(i) = outputs.iter().zip(expected).position(|(output, right)| output != right) {
            bail!(
                "wrong result in {:?}: {} gives {}, not {}",
                data.spec,
                inputs[i],
                outputs[i],
                expected[i]
            );
        }
        Ok(elapsed)
    })
}

/// Asks for all lines of `values`.
#[inline(always)]
pub fn prefetch_all<T>(values: &[T]) {
    prefetch_read_range(values.as_ptr(), values.len(), Locality::T0);
}

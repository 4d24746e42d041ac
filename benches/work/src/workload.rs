//! The units of work that every strategy implements in the same way, and their known results.
//!
//! A workload says *what* is done, never how; an experiment chooses workloads, a strategy runs them.

use serde::{Deserialize, Serialize};

/// How a coroutine of a chain calls the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    /// The compiler sees every callee: one function for each level up to [`DEEPEST_UNROLLED`],
    /// one recursive function beyond.
    Static,
    /// The callee is a function pointer that the optimiser cannot look through, and what it
    /// returns is type-erased.
    Dyn,
}

impl Chain {
    /// Both kinds, in the order of the tables.
    pub const ALL: [Chain; 2] = [Chain::Static, Chain::Dyn];

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Chain::Static => "static",
            Chain::Dyn => "dyn",
        }
    }
}

/// The deepest static chain that has a function of its own for each level.
pub const DEEPEST_UNROLLED: u32 = 64;

/// The depths for which a static chain exists; those up to [`DEEPEST_UNROLLED`] are unrolled.
pub const DEPTHS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 256, 1024];

/// One unit of work. Each variant documents the meaning of an *iteration*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// `depth` coroutines, each awaits the next and adds 1 to its result; the innermost suspends
    /// again and again and adds an opaque 1 after each. **An iteration is one resume** of the
    /// suspended chain; building the chain up to its first suspension is not timed.
    Resume {
        /// How a level calls the next.
        chain: Chain,
        /// Number of coroutines, the leaf included.
        depth: u32,
    },
    /// The same chain, whose leaf suspends `suspensions` times. **An iteration is one whole call**:
    /// building, first poll, every resume, result.
    Call {
        /// How a level calls the next.
        chain: Chain,
        /// Number of coroutines, the leaf included.
        depth: u32,
        /// How often the leaf suspends. Known at run time only: also with 0, a strategy must be
        /// ready to suspend.
        suspensions: u64,
    },
    /// Naive recursive Fibonacci, a coroutine a call. **An iteration is one `fib(n)`.**
    Fib {
        /// The argument.
        n: u32,
        /// Whether each leaf (`n < 2`) suspends once.
        yields: bool,
    },
}

impl Workload {
    /// The checksum that `iterations` iterations must give: for [`Workload::Resume`] the result of
    /// the chain, which is suspended once more than it is resumed under the clock; for the others
    /// the sum of the results. Wraps.
    #[must_use]
    pub fn expected(&self, iterations: u64) -> u64 {
        match *self {
            Workload::Resume { depth, .. } => iterations.wrapping_add(u64::from(depth)),
            Workload::Call { depth, suspensions, .. } => {
                iterations.wrapping_mul(chain_result(depth, suspensions))
            }
            Workload::Fib { n, .. } => iterations.wrapping_mul(fib(n)),
        }
    }
}

/// The result of a chain: one for each suspension of the leaf and one for each level above it.
#[must_use]
pub fn chain_result(depth: u32, suspensions: u64) -> u64 {
    suspensions.wrapping_add(u64::from(depth)).wrapping_sub(1)
}

/// The `n`-th Fibonacci number, by iteration.
#[must_use]
pub fn fib(n: u32) -> u64 {
    (0..n).fold((0u64, 1u64), |(a, b), _| (b, a + b)).0
}

/// How many calls the naive recursion makes for `fib(n)`, the outermost included.
#[must_use]
pub fn fib_calls(n: u32) -> u64 {
    2 * fib(n + 1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fib_values_are_the_known_ones() {
        assert_eq!((fib(0), fib(1), fib(2), fib(20), fib(25)), (0, 1, 1, 6765, 75025));
    }

    #[test]
    fn fib_calls_count_the_recursion() {
        fn count(n: u32) -> u64 {
            if n < 2 { 1 } else { 1 + count(n - 1) + count(n - 2) }
        }
        for n in 0..15 {
            assert_eq!(fib_calls(n), count(n));
        }
    }
}

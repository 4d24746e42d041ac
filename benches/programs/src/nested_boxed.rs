//! `async fn` with `Pin<Box<dyn Future>>` at each level.

use std::future::Future;
use std::pin::Pin;

use lab_work::drive::{opaque, suspend};
use lab_work::memory::resident::boxed;
use lab_work::memory::{
    Case, HOST_STACK_DEPTH, Probe, Program, Shape, chain, payload, read, words,
};

use crate::bodies::{passing, programs, sequence, tasks, times};
use crate::nested::{argument1, blocks1, blocks2, blocks4, captured, held, local, local1, other};

trait Erase {
    fn erased(self) -> Pin<Box<dyn Future<Output = u64>>>;
}

impl<F: Future<Output = u64> + 'static> Erase for F {
    #[inline(always)]
    fn erased(self) -> Pin<Box<dyn Future<Output = u64>>> {
        Box::pin(self)
    }
}

programs! {
    callee = [impl Future<Output = u64> + 'static], placed = [.erased()], recursive = [.erased()]
}
tasks! { placed = [.erased()] }

/// The only way of a case.
#[must_use]
pub fn probes(case: Case) -> Vec<Probe> {
    // A poll goes through all levels.
    if case.shape == Shape::Recursion && case.depth > HOST_STACK_DEPTH {
        return Vec::new();
    }
    Probe::of(None, program(case).or_else(|| task(case))).into_iter().collect()
}

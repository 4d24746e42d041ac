//! `async fn` with `Pin<Box<dyn Future>>` at each level.

use std::future::Future;
use std::pin::Pin;

use super::bodies::{Root, blocks, passing, programs, sequence, tasks, times};
use crate::drive::{opaque, suspend};
use crate::memory::resident::{boxed, contiguous};
use crate::memory::{
    Case, HOST_STACK_DEPTH, Probe, Program, Shape, chain, look, payload, read, words,
};

trait Erase {
    fn erased(self) -> Pin<Box<dyn Future<Output = u64>>>;
}

impl<F: Future<Output = u64> + 'static> Erase for F {
    #[inline(always)]
    fn erased(self) -> Pin<Box<dyn Future<Output = u64>>> {
        Box::pin(self)
    }
}

fn captured<const N: usize>() -> impl Future<Output = u64> {
    let payload = payload::<N>();
    async move {
        suspend().await;
        look(&payload)
    }
}

programs! {
    callee = [impl Future<Output = u64> + 'static], placed = [.erased()], recursive = [.erased()]
}
tasks! { placed = [.erased()] }

/// The only way of a case.
pub(in crate::strategies) fn probes(case: Case) -> Vec<Probe> {
    // A poll goes through all levels.
    if case.shape == Shape::Recursion && case.depth > HOST_STACK_DEPTH {
        return Vec::new();
    }
    Probe::of(None, program(case).or_else(|| task(case, Root::Boxed))).into_iter().collect()
}

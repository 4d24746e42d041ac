//! Plain `async fn`.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::bodies::{Root, blocks, combinators, moving, passing, programs, sequence, tasks, times};
use crate::drive::{opaque, suspend};
use crate::memory::movability::Unstarted;
use crate::memory::resident::{boxed, contiguous};
use crate::memory::{
    Case, HOST_STACK_DEPTH, Probe, Program, Shape, chain, look, payload, read, words,
};
use crate::strategy::Placement;

trait InBox: Sized {
    /// What `Box::pin` makes: recursion cannot do without.
    fn in_box(self) -> Pin<Box<Self>> {
        Box::pin(self)
    }
}

impl<F: Future> InBox for F {}

fn captured<const N: usize>() -> impl Future<Output = u64> {
    let payload = payload::<N>();
    async move {
        suspend().await;
        look(&payload)
    }
}

programs! { callee = [impl Future<Output = u64>], placed = [], recursive = [.in_box()] }
combinators! { callee = [impl Future<Output = u64>] }
tasks! { placed = [] }
moving! {}

/// The only way of a case that leaves no choice, and for tasks two.
pub(in crate::strategies) fn probes(case: Case) -> Vec<Probe> {
    // A poll goes through all levels.
    if case.shape == Shape::Recursion && case.depth > HOST_STACK_DEPTH {
        return Vec::new();
    }
    let only = Probe::of(None, program(case).or_else(|| combined(case)));
    let tasks = [(Placement::Inline, Root::Boxed), (Placement::Contiguous, Root::Contiguous)]
        .map(|(placement, root)| Probe::of(placement, task(case, root)));
    only.into_iter().chain(tasks.into_iter().flatten()).collect()
}

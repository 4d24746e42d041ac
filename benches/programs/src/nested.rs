//! Plain `async fn`.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use lab_work::drive::{Placement, opaque, suspend};
use lab_work::memory::resident::{boxed, contiguous};
use lab_work::memory::{
    Case, HOST_STACK_DEPTH, Probe, Program, Shape, chain, look, payload, read, words,
};

use crate::bodies::{
    blocks, combinators, contiguous_tasks, leaves, passing, programs, sequence, tasks, times,
};

trait InBox: Sized {
    /// What `Box::pin` makes: recursion cannot do without.
    fn in_box(self) -> Pin<Box<Self>> {
        Box::pin(self)
    }
}

impl<F: Future> InBox for F {}

pub(super) fn captured<const N: usize>() -> impl Future<Output = u64> {
    let payload = payload::<N>();
    async move {
        suspend().await;
        look(&payload)
    }
}

leaves! {}
programs! { callee = [impl Future<Output = u64>], placed = [], recursive = [.in_box()] }
combinators! { callee = [impl Future<Output = u64>] }
tasks! { placed = [] }
contiguous_tasks! {}

/// The only way of a case that leaves no choice, and for tasks two.
#[must_use]
pub fn probes(case: Case) -> Vec<Probe> {
    // A poll goes through all levels.
    if case.shape == Shape::Recursion && case.depth > HOST_STACK_DEPTH {
        return Vec::new();
    }
    let only = Probe::of(None, program(case).or_else(|| combined(case)));
    let tasks = [
        Probe::of(Placement::Inline, task(case)),
        Probe::of(Placement::Contiguous, contiguous_task(case)),
    ];
    only.into_iter().chain(tasks.into_iter().flatten()).collect()
}

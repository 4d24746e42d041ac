//! This project, in every placement.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;

use cps_core::{Body, Coroutine, coroutine_block};
use lab_work::drive::{Placement, opaque, suspend};
use lab_work::memory::{Case, Probe, Program, Shape, chain, look, payload, read, words};

use crate::bodies::{blocks, combinators, leaves, times};

leaves! { #[cps_core::coroutine] }
combinators! { #[cps_core::coroutine] callee = [Coroutine<impl Body<Output = u64>>] }

fn captured<const N: usize>() -> Coroutine<impl Body<Output = u64>> {
    let payload = payload::<N>();
    coroutine_block! {
        suspend().await;
        look(&payload)
    }
}

/// The programs with the callees' frames in one place. A frame cannot contain itself, so where
/// callees are inline the recursion is not.
macro_rules! placement {
    ($module:ident, [$($placed:tt)*], [$($recursive:tt)*], { $($also:tt)* }) => {
        mod $module {
            use cps_core::{Body, Coroutine};

            use lab_work::drive::{opaque, suspend};
            use lab_work::memory::resident::boxed;
            use lab_work::memory::{Case, Program, Shape, chain, payload, read, words};

            use super::{argument1, blocks1, blocks2, blocks4, captured, held, local, local1, other};
            use crate::bodies::{passing, programs, sequence, tasks, times};

            programs! {
                #[cps_core::coroutine]
                callee = [Coroutine<impl Body<Output = u64> + 'static>],
                placed = [$($placed)*], recursive = [$($recursive)*]
            }
            tasks! { #[cps_core::coroutine] placed = [$($placed)*] }

            pub(super) fn boxed_root(case: Case) -> Option<Program> {
                program(case).or_else(|| task(case))
            }

            $($also)*
        }
    };
}

placement! { inline, [], [.on_heap()], {
    use crate::bodies::contiguous_tasks;
    use lab_work::memory::resident::contiguous;

    contiguous_tasks! {}
} }
placement! { stack, [.on_stack()], [.on_stack()], {} }
placement! { heap, [.on_heap()], [.on_heap()], {} }
placement! { erased, [.boxed_local()], [.boxed_local()], {} }

/// The programs in which it is the callee's size alone that decides: callers of callers are as large
/// as the room that they have for a frame, and so lie on the frame stack.
mod may {
    use lab_work::drive::opaque;
    use lab_work::memory::{Case, Program, Shape, chain, payload};

    use super::{held, local};
    use crate::bodies::{passing, sequence};

    /// In the caller's frame up to so many bytes: the two smaller payloads.
    const ROOM: usize = 2048;

    passing! { [#[cps_core::coroutine]] [.inline_up_to::<ROOM>()] [] passed1 held, }

    sequence! { [#[cps_core::coroutine]] [.inline_up_to::<ROOM>()] sequence1 1 }
    sequence! { [#[cps_core::coroutine]] [.inline_up_to::<ROOM>()] sequence2 1 1 }
    sequence! { [#[cps_core::coroutine]] [.inline_up_to::<ROOM>()] sequence4 1 1 1 1 }

    fn with_bytes<const N: usize>(case: Case) -> Option<Program> {
        let expected = case.expected();
        Some(match (case.shape, case.depth) {
            (Shape::Passed, 1) => chain(|| passed1::<N>(payload()), expected),
            (Shape::Sequential, 1) => chain(sequence1::<N>, expected),
            (Shape::Sequential, 2) => chain(sequence2::<N>, expected),
            (Shape::Sequential, 4) => chain(sequence4::<N>, expected),
            _ => return None,
        })
    }

    pub(super) fn program(case: Case) -> Option<Program> {
        match case.payload {
            64 => with_bytes::<64>(case),
            1024 => with_bytes::<1024>(case),
            65_536 => with_bytes::<65_536>(case),
            _ => None,
        }
    }
}

/// The blocks of `Shape::Disjoint`, packed.
mod packed {
    use cps_core::pack;
    use lab_work::drive::suspend;
    use lab_work::memory::{Case, Program, Shape, chain, look, payload};

    macro_rules! packed {
        ($name:ident $($one:literal)*) => {
            #[cps_core::coroutine]
            async fn $name<const N: usize>() -> u64 {
                let mut sum = 0;
                $(pack! {
                    let payload = payload::<N>();
                    suspend().await;
                    sum += $one * look(&payload);
                    suspend().await;
                    sum += look(&payload);
                })*
                sum
            }
        };
    }

    packed! { blocks1 1 }
    packed! { blocks2 1 1 }
    packed! { blocks4 1 1 1 1 }

    fn with_bytes<const N: usize>(case: Case) -> Option<Program> {
        let expected = case.expected();
        Some(match (case.shape, case.depth) {
            (Shape::Packed, 1) => chain(blocks1::<N>, expected),
            (Shape::Packed, 2) => chain(blocks2::<N>, expected),
            (Shape::Packed, 4) => chain(blocks4::<N>, expected),
            _ => return None,
        })
    }

    pub(super) fn program(case: Case) -> Option<Program> {
        match case.payload {
            64 => with_bytes::<64>(case),
            1024 => with_bytes::<1024>(case),
            65_536 => with_bytes::<65_536>(case),
            _ => None,
        }
    }
}

/// All placements in which the case exists; for tasks with a boxed root, and inline also side by
/// side.
#[must_use]
pub fn probes(case: Case) -> Vec<Probe> {
    let inline = match case.shape {
        Shape::Recursion => None,
        _ => inline::boxed_root(case).or_else(|| combined(case)).or_else(|| packed::program(case)),
    };
    [
        Probe::of(Placement::Inline, inline),
        Probe::of(Placement::Contiguous, inline::contiguous_task(case)),
        Probe::of(Placement::Stack, stack::boxed_root(case)),
        Probe::of(Placement::Heap, heap::boxed_root(case)),
        Probe::of(Placement::Boxed, erased::boxed_root(case)),
        Probe::of(Placement::May, may::program(case)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

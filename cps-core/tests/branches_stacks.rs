//! The frame stacks of branches: what they allocate, and when it is given back.

#[path = "support/allocator.rs"]
mod allocator;
mod support;

use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cps_core::{Root, join, placement::StackOptions};
use support::gate::{Gate, gates};

/// Bytes of a branch's first chunk, as the allocator is asked for them.
const CHUNK: isize = 1024 - 2 * size_of::<usize>() as isize;

#[cps_core::coroutine]
async fn deep(gate: &Gate, depth: u32) -> u32 {
    if depth == 0 { gate.clone().await } else { deep(gate, depth - 1).on_stack().await }
}

/// Allocations of this thread during `f`, and the bytes by which it left more.
fn memory<T>(f: impl FnOnce() -> T) -> (T, usize, isize) {
    let (value, counts) = allocator::during(f);
    (value, counts.allocations, counts.live)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_branchs_frame_stack_is_allocated_with_its_first_use_and_freed_with_the_branch() {
    for count in [4, 1000] {
        let gates = gates(if cfg!(miri) { 4 } else { count });
        let branches: Vec<_> = gates.iter().map(|gate| deep(gate, 4).into_future()).collect();
        let mut joined = pin!(join(branches));
        let (_, allocations, bytes) = memory(|| assert!(poll(joined.as_mut()).is_pending()));
        assert_eq!(allocations, 1 + gates.len(), "the wake set, and a chunk for each branch");
        if cfg!(target_pointer_width = "64") {
            assert_eq!(bytes, 72 + (16 + CHUNK) * gates.len() as isize);
        }
        let (_, _, freed) = memory(|| {
            gates[0].open(0);
            assert!(poll(joined.as_mut()).is_pending());
        });
        assert_eq!(freed, -CHUNK);
    }
}

#[test]
fn first_chunks_inside_the_branches_share_the_allocation_of_the_join() {
    for count in [4, 1000] {
        let gates = gates(if cfg!(miri) { 4 } else { count });
        let (mut joined, made, _) = memory(|| {
            let branches = gates.iter().map(|gate| {
                let root: Root<_, 768> = deep(gate, 4).into_root_with(StackOptions::new().inside());
                root
            });
            Box::pin(join(branches.collect::<Vec<_>>()))
        });
        assert_eq!(made, 3, "the `Vec`, the branches' box, and this test's");
        let (_, allocations, bytes) = memory(|| assert!(poll(joined.as_mut()).is_pending()));
        assert_eq!(allocations, 1, "the wake set");
        if cfg!(target_pointer_width = "64") {
            assert_eq!(bytes, 72 + 16 * gates.len() as isize);
        }
    }
}

#[test]
fn branches_that_finish_one_after_the_other_use_the_memory_of_one() {
    let count = 100;
    let ready = Gate::default();
    let open = (0..count).map(|_| {
        async {
            // Each finishes in its first poll, before the next one starts.
            let before = allocator::live();
            ready.open(1);
            let value = deep(&ready, 4).await;
            assert_eq!(allocator::live(), before, "the chunk is given back");
            value
        }
    });
    let joined = pin!(join(open.collect::<Vec<_>>()));
    match poll(joined) {
        Poll::Ready(values) => assert_eq!(values, [1; 100]),
        Poll::Pending => panic!("all are ready"),
    }
}

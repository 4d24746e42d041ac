//! What is allocated, and that all of it is freed: counted by the global allocator.

#[path = "support/allocator.rs"]
mod allocator;
mod support;

use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::BoxCoroutine;
use support::{Planned, YieldOnce};

/// Allocations and frees of this thread during `f`.
fn count<T>(f: impl FnOnce() -> T) -> (T, usize, usize) {
    let (value, counts) = allocator::during(f);
    (value, counts.allocations, counts.frees)
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Inline,
    Heap,
    Stack,
    Boxed,
}

#[cps_core::coroutine]
async fn three_calls(place: Place, suspensions: u32, panics: bool) -> u32 {
    let mut sum = 0;
    for _ in 0..3 {
        sum += match place {
            Place::Inline => outer(suspensions, panics).await,
            Place::Heap => outer(suspensions, panics).on_heap().await,
            Place::Stack => outer(suspensions, panics).on_stack().await,
            Place::Boxed => boxed(suspensions, panics).await,
        };
    }
    sum
}

fn boxed<'a>(suspensions: u32, panics: bool) -> BoxCoroutine<'a, u32> {
    outer(suspensions, panics).boxed()
}

#[cps_core::coroutine]
async fn outer(suspensions: u32, panics: bool) -> u32 {
    inner(suspensions, panics).await + 1
}

#[cps_core::coroutine]
async fn inner(suspensions: u32, panics: bool) -> u32 {
    for _ in 0..suspensions {
        YieldOnce::default().await;
    }
    if panics {
        Planned::panic("inner", 0);
    }
    1
}

/// Polls a root at most so many times, without any allocation of its own, and drops it.
fn drive(place: Place, suspensions: u32, polls: u32) -> Option<u32> {
    let mut root = pin!(three_calls(place, suspensions, false).into_future());
    for _ in 0..polls {
        use std::future::Future;
        if let Poll::Ready(value) = root.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(value);
        }
    }
    None
}

#[test]
fn inline_calls_allocate_nothing() {
    for suspensions in 0..3 {
        let counted = count(|| drive(Place::Inline, suspensions, 100));
        assert_eq!(counted, (Some(6), 0, 0));
    }
}

#[test]
fn a_heap_or_boxed_call_allocates_once_and_frees_when_it_ends() {
    for place in [Place::Heap, Place::Boxed] {
        for suspensions in 0..3 {
            let counted = count(|| drive(place, suspensions, 100));
            assert_eq!(counted, (Some(6), 3, 3));
        }
    }
}

#[test]
fn calls_on_the_frame_stack_share_one_allocation() {
    for suspensions in 0..3 {
        assert_eq!(count(|| drive(Place::Stack, suspensions, 100)), (Some(6), 1, 1));
    }
    // Also when they are cancelled.
    for polls in 1..6 {
        assert_eq!(count(|| drive(Place::Stack, 2, polls)), (None, 1, 1));
    }
}

#[test]
fn a_cancelled_call_frees_its_frame() {
    for place in [Place::Heap, Place::Boxed] {
        for polls in 0..6_u32 {
            let calls = polls.div_ceil(2) as usize;
            // Two suspensions in each call: after polls 1 and 2 in the first, 3 and 4 in the next.
            assert_eq!(count(|| drive(place, 2, polls)), (None, calls, calls));
        }
    }
}

#[test]
fn a_call_that_panics_frees_its_frame() {
    for place in [Place::Inline, Place::Heap, Place::Stack, Place::Boxed] {
        for suspensions in 0..3 {
            let run = || {
                let coroutine = three_calls(place, suspensions, true);
                let outcome =
                    catch_unwind(AssertUnwindSafe(|| support::drive(coroutine.into_future()).0));
                drop(outcome.expect_err("no panic"));
            };
            run(); // What a thread's first panic allocates is not freed.
            let ((), allocated, freed) = count(run);
            assert_eq!(allocated, freed);
        }
    }
}

#[test]
fn a_boxed_root_is_one_allocation() {
    let started = || support_free_drive(boxed(2, false));
    assert_eq!(count(started), (2, 1, 1));
    let unstarted = || drop(boxed(2, false));
    assert_eq!(count(unstarted), ((), 1, 1));
    let cancelled = || drop(boxed(2, false).into_future());
    assert_eq!(count(cancelled), ((), 1, 1));
}

fn support_free_drive(coroutine: BoxCoroutine<'_, u32>) -> u32 {
    use std::future::Future;
    let mut root = pin!(coroutine.into_future());
    loop {
        if let Poll::Ready(value) = root.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

#[test]
fn a_recursion_frees_every_frame_however_it_ends() {
    #[cps_core::coroutine]
    async fn level(levels: u32, suspensions: u32, panics: bool) -> u32 {
        match levels {
            0 => inner(suspensions, panics).await,
            _ => level(levels - 1, suspensions, panics).on_heap().await + 1,
        }
    }
    // More than the host stack budget holds, so that some calls are deferred.
    let levels: u32 = if cfg!(miri) { 200 } else { 10_000 };
    for (suspensions, panics) in [(0, false), (1, false), (0, true), (1, true)] {
        let run = || {
            let root = level(levels, suspensions, panics).into_future();
            let outcome = catch_unwind(AssertUnwindSafe(|| support::drive(root)));
            assert_eq!(outcome.is_err(), panics);
        };
        run();
        let ((), allocated, freed) = count(run);
        assert_eq!(allocated, freed);
        assert!(allocated >= levels as usize);
    }
}

mod interleaving {
    use super::*;
    use cps_core::interleave::{Group, Interleave, sequential};
    use cps_core::prefetch::prefetch_read;

    #[cps_core::coroutine]
    async fn outer(n: u32) -> u32 {
        prefetch_read(&n).await;
        inner(n).await
    }

    #[cps_core::coroutine]
    async fn inner(n: u32) -> u32 {
        prefetch_read(&n).await;
        n
    }

    #[cps_core::coroutine]
    async fn on_stack(n: u32) -> u32 {
        outer(n).on_stack().await
    }

    #[test]
    fn a_constant_group_allocates_nothing() {
        let mut sum = 0;
        let (_, allocated, _) = count(|| Interleave::<4>::run(0..10, outer, |_, n| sum += n));
        assert_eq!((sum, allocated), (45, 0));
        let (_, allocated, _) = count(|| Interleave::<4>::run_in_order(0..10, outer, |n| sum += n));
        assert_eq!((sum, allocated), (90, 0));
        let (_, allocated, _) = count(|| sequential(0..10, outer, |_, n| sum += n));
        assert_eq!((sum, allocated), (135, 0));
        let (polled, allocated, _) = count(|| {
            let batch = pin!(Interleave::<4>::batch(0..10, outer, |_, n| sum += n));
            batch.poll(&mut Context::from_waker(Waker::noop()))
        });
        assert_eq!((sum, allocated, polled), (180, 0, Poll::Ready(())));
    }

    #[test]
    fn a_group_allocates_its_places_and_frame_stacks_once() {
        let (mut group, allocated, _) = count(|| Group::new(4));
        assert_eq!(allocated, 1);
        let mut batch = |inputs| count(|| group.run(inputs, on_stack, |_, _| {})).1;
        assert_eq!(batch(0..100), 4); // a chunk for each place
        assert_eq!(batch(0..100), 0);
        assert_eq!(batch(0..3), 0);
        let (_, _, freed) = count(|| drop(group));
        assert_eq!(freed, 5);
    }
}

//! Where frames are placed: by the call, by the definition, by the crate; and frame stacks that are
//! limited, measured, or inside their root.

mod support;

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{
    Body, Coroutine, Unstarted,
    placement::{Heap, Inline, InlineUpTo, Placement, Stack, StackOptions},
};
use support::{Log, YieldOnce, text_of};

/// The head of a chunk is smaller.
const HEAD: usize = 128;

#[cps_core::coroutine]
async fn by_default<const N: usize>(yields: bool) -> usize {
    let local = [1u8; N];
    if yields {
        YieldOnce::default().await;
    }
    local.iter().map(|&byte| usize::from(byte)).sum()
}

#[cps_core::coroutine(elision = "inline")]
async fn inline<const N: usize>(yields: bool) -> usize {
    by_default::<N>(yields).await
}

#[cps_core::coroutine(elision = "stack")]
async fn on_stack<const N: usize>(yields: bool) -> usize {
    by_default::<N>(yields).await
}

#[cps_core::coroutine(elision = "heap")]
async fn on_heap<const N: usize>(yields: bool) -> usize {
    by_default::<N>(yields).await
}

#[cps_core::coroutine(elision = "may")]
async fn may<const N: usize>(yields: bool) -> usize {
    by_default::<N>(yields).await
}

#[cps_core::coroutine(elision = "may(4096)")]
async fn may_4096<const N: usize>(yields: bool) -> usize {
    by_default::<N>(yields).await
}

/// What a caller of `callee` looks like: the size of its root, and what it has on the frame stack
/// while the callee is suspended.
fn caller<B: Body<Output = usize>, P: Placement>(
    callee: impl FnOnce(bool) -> Coroutine<B, P>,
    value: usize,
) -> (usize, usize) {
    #[cps_core::coroutine]
    async fn call<B: Body<Output = usize>, P: Placement>(callee: Unstarted<B, P>) -> usize {
        callee.await
    }
    let mut root = pin!(call(callee(true).unstarted()).into_future());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(root.as_mut().poll(&mut cx).is_pending());
    let used = (size_of_val(&*root), root.stack_usage().in_use);
    assert_eq!(root.as_mut().poll(&mut cx), Poll::Ready(value));
    assert_eq!(root.stack_usage().in_use, 0);
    used
}

fn assert_inline((size, in_use): (usize, usize), frame: usize) {
    assert!(size >= frame && in_use == 0, "{size} bytes of root, {in_use} of stack");
}

fn assert_on_stack((size, in_use): (usize, usize), frame: usize) {
    assert!(size < 256 && in_use >= frame, "{size} bytes of root, {in_use} of stack");
}

fn assert_on_heap((size, in_use): (usize, usize)) {
    assert!(size < 256 && in_use == 0, "{size} bytes of root, {in_use} of stack");
}

#[test]
fn a_definition_says_where_its_frames_are() {
    assert_inline(caller(by_default::<1000>, 1000), 1000);
    assert_inline(caller(inline::<1000>, 1000), 1000);
    assert_on_stack(caller(on_stack::<1000>, 1000), 1000);
    assert_on_heap(caller(on_heap::<1000>, 1000));
}

#[test]
fn a_call_has_the_last_word() {
    assert_inline(caller(|y| on_stack::<1000>(y).inline(), 1000), 1000);
    assert_inline(caller(|y| on_heap::<1000>(y).placed(Inline), 1000), 1000);
    assert_on_stack(caller(|y| inline::<1000>(y).on_stack(), 1000), 1000);
    assert_on_stack(caller(|y| on_heap::<1000>(y).placed(Stack), 1000), 1000);
    assert_on_heap(caller(|y| inline::<1000>(y).on_heap(), 1000));
    assert_on_heap(caller(|y| on_stack::<1000>(y).inline().placed(Heap), 1000));
}

#[test]
fn a_frame_that_may_be_in_place_is_so_up_to_a_size() {
    // The root of an inline call is as large as the room, whatever is in it.
    assert_inline(caller(may::<16>, 16), 16);
    assert_on_stack(caller(may::<1000>, 1000), 1000);
    assert_inline(caller(may_4096::<1000>, 1000), 4096);
    let (_, in_use) = caller(may_4096::<5000>, 5000);
    assert!(in_use >= 5000, "{in_use}");
    assert_inline(caller(|y| by_default::<16>(y).placed(InlineUpTo::<128>), 16), 128);
    assert_on_stack(caller(|y| by_default::<16>(y).inline_up_to::<8>(), 16), 16);
}

#[test]
fn a_crate_has_a_default_of_its_own() {
    mod coroutines {
        pub(crate) use cps_core::placement::Stack as DefaultPlacement;
        pub(crate) use cps_core::*;
    }
    #[coroutines::coroutine(crate = coroutines)]
    async fn callee(yields: bool) -> usize {
        by_default::<1000>(yields).await
    }
    assert_on_stack(caller(callee, 1000), 1000);
    // A block too.
    let block = coroutines::coroutine_block! {
        #![coroutine(crate = coroutines)]
        by_default::<1000>(true).await
    };
    assert_on_stack(caller(|_| block, 1000), 1000);
}

#[test]
fn sequential_calls_share_memory_in_every_placement() {
    #[cps_core::coroutine]
    async fn one<P: Placement + Copy>(place: P) -> usize {
        by_default::<2000>(true).placed(place).await
    }
    #[cps_core::coroutine]
    async fn four<P: Placement + Copy>(place: P) -> usize {
        by_default::<1000>(true).placed(place).await
            + by_default::<2000>(true).placed(place).await
            + by_default::<500>(true).placed(place).await
            + by_default::<1500>(true).placed(place).await
    }
    fn most<C: Body>(coroutine: Coroutine<C>) -> usize {
        let mut root = pin!(coroutine.into_root_with(StackOptions::new().measured()));
        while root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
        size_of_val(&*root) + root.stack_usage().most_in_use.expect("measured")
    }
    for (one, four) in [
        (most(one(Inline)), most(four(Inline))),
        (most(one(Stack)), most(four(Stack))),
        (most(one(InlineUpTo::<4096>)), most(four(InlineUpTo::<4096>))),
        (most(one(InlineUpTo::<64>)), most(four(InlineUpTo::<64>))),
        (most(one(Heap)), most(four(Heap))),
    ] {
        // A sum is held from call to call.
        assert!(four <= one + 32, "one call {one}, four calls {four}");
    }
}

#[cps_core::coroutine(elision = "stack")]
async fn descend(log: Log, levels: u32, yields: bool) -> u32 {
    let _frame = log.note("frame");
    match levels {
        0 => {
            if yields {
                YieldOnce::default().await;
            }
            0
        }
        _ => descend(log.clone(), levels - 1, yields).await + 1,
    }
}

#[cps_core::coroutine(elision = "stack")]
async fn descend_or_stop(log: Log, levels: u32, yields: bool) -> u32 {
    let _frame = log.note("frame");
    if levels == 0 {
        if yields {
            YieldOnce::default().await;
        }
        return 0;
    }
    match descend_or_stop(log.clone(), levels - 1, yields).try_on_stack().await {
        Ok(below) => below + 1,
        Err(exhausted) => {
            assert!(exhausted.to_string().contains("its limit of 4096 bytes"), "{exhausted}");
            // Nothing is lost: the coroutine can be called otherwise.
            let instead = exhausted.into_coroutine();
            if levels % 2 == 0 { instead.on_heap().await + 1 } else { 1000 }
        }
    }
}

fn finish<F: Future>(root: F) -> F::Output {
    support::drive(root).0
}

#[test]
fn a_limit_is_a_panic_in_the_call_that_exceeds_it() {
    for yields in [false, true] {
        let log = Log::default();
        let options = StackOptions::new().limit(4096);
        assert_eq!(finish(descend(log.clone(), 10, yields).into_root_with(options)), 10);
        let root = descend(log.clone(), 1000, yields).into_root_with(options);
        let panic = catch_unwind(AssertUnwindSafe(|| finish(root))).expect_err("no panic");
        assert_eq!(text_of(panic), "the frame stack has reached its limit of 4096 bytes");
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_limit_is_an_error_for_those_who_ask() {
    for (levels, yields) in [(1000, false), (1000, true), (1001, false), (1001, true)] {
        let log = Log::default();
        let root = descend_or_stop(log.clone(), levels, yields);
        let depth = finish(root.into_root_with(StackOptions::new().limit(4096)));
        // Every level from the limit on is called on the heap, or ends the recursion.
        assert!(depth == levels || (1000..1100).contains(&depth), "{depth}");
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_limit_below_the_first_chunk_is_kept() {
    let log = Log::default();
    for limit in [0, 1, HEAD, 500, 1000, 1500] {
        let mut root =
            pin!(descend(log.clone(), 1000, true).into_root_with(StackOptions::new().limit(limit)));
        assert!(root.stack_usage().reserved <= limit.max(HEAD));
        catch_unwind(AssertUnwindSafe(|| {
            let _ = root.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }))
        .expect_err("no panic");
        assert!(root.stack_usage().most_reserved <= limit.max(HEAD), "{:?}", root.stack_usage());
    }
    log.assert_each_dropped_once();
}

#[test]
fn a_measured_stack_knows_what_was_used() {
    let log = Log::default();
    let usage = |levels| {
        let options = StackOptions::new().measured();
        let mut root = pin!(descend(log.clone(), levels, true).into_root_with(options));
        while root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
        root.stack_usage()
    };
    // Not so many that some are deferred: then the next body's arguments are on the stack too.
    let (one, four) = (usage(1), usage(4));
    assert_eq!((one.in_use, four.in_use), (0, 0));
    assert_eq!(four.most_in_use, one.most_in_use.map(|frame| 4 * frame));
    assert_eq!(usage(0).most_in_use, Some(0));
    assert_eq!(finish(descend(log.clone(), 5, true).into_future()), 5);
    log.assert_each_dropped_once();
}

#[test]
fn a_frame_is_not_as_large_as_arguments_that_it_hands_on() {
    #[cps_core::coroutine]
    async fn hand_on<P: Placement + Copy>(place: P, blob: [u8; 400]) -> usize {
        last(blob).placed(place).await
    }
    #[cps_core::coroutine]
    async fn last(blob: [u8; 400]) -> usize {
        YieldOnce::default().await;
        blob.iter().map(|&byte| usize::from(byte)).sum()
    }
    #[cps_core::coroutine]
    async fn start<P: Placement + Copy>(place: P) -> usize {
        hand_on(place, [1; 400]).placed(place).await
    }
    // While it is suspended: the arguments of a call that was deferred are on the stack before.
    let mut root = pin!(start(Stack).into_future());
    assert!(root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let in_use = root.stack_usage().in_use;
    assert!((400..700).contains(&in_use), "{in_use}");
    assert_eq!(finish(start(Heap).into_future()), 400);
}

#[test]
fn a_first_chunk_inside_the_root_is_used_first() {
    for yields in [false, true] {
        let log = Log::default();
        let options = StackOptions::new().inside::<2048>();
        let mut root = pin!(descend(log.clone(), 8, yields).into_root_with(options));
        assert_eq!(root.stack_usage().reserved, 0);
        while root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
        assert_eq!(root.stack_usage().most_reserved, 2048);
        // And left for others when it is full.
        let mut root = pin!(descend(log.clone(), 1000, yields).into_root_with(options));
        while root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
        assert!(root.stack_usage().most_reserved > 50_000);
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_chunk_inside_the_root_may_be_all_there_is() {
    let log = Log::default();
    let options = StackOptions::new().limit(2048).inside::<2048>();
    assert_eq!(finish(descend(log.clone(), 8, true).into_root_with(options)), 8);
    let root = descend(log.clone(), 1000, true).into_root_with(options);
    catch_unwind(AssertUnwindSafe(|| finish(root))).expect_err("no panic");
    // Dropped unstarted, suspended and after the end.
    drop(descend(log.clone(), 8, true).into_root_with(options));
    let mut root = Box::pin(descend(log.clone(), 8, true).into_root_with(options));
    assert!(root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(root);
    log.assert_each_dropped_once();
}

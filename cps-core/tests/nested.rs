//! Calls without a frame: the callee is polled as a part of its caller, and all that it does is done by the caller's
//! frame.

mod support;

use std::future::{Future, IntoFuture, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use cps_core::interleave::Interleave;
use cps_core::placement::Nested;
use cps_core::prefetch::prefetch_read;
use cps_core::{Body, Coroutine, cps, join, yield_};
use support::{Log, YieldOnce, drive, panic_of, poll};

/// A leaf that suspends, in all ways there are.
#[cps]
async fn pauses(n: u32) -> u32 {
    support::Yield::new(&Log::default(), 1).await;
    prefetch_read(&raw const n).await;
    n + 1
}

#[cps(nested)]
async fn by_definition(n: u32) -> u32 {
    let direct = pauses(n).await;
    let nested = pauses(direct).nested().await;
    let on_stack = pauses(nested).on_stack().await;
    let on_heap = pauses(on_stack).on_heap().await;
    pauses(on_heap).boxed().await
}

#[cps]
async fn hosts(n: u32) -> u32 {
    let mut sum = 0;
    for n in 0..n {
        sum += by_definition(n).await;
    }
    sum
}

#[test]
fn a_nested_body_suspends_as_often_as_it_says() {
    // Five calls, which suspend twice each.
    assert_eq!(drive(by_definition(0)), (5, 11));
    assert_eq!(drive(hosts(3)), (5 + 6 + 7, 31));
    assert_eq!(drive(hosts(0)), (0, 1));
}

#[test]
fn it_takes_no_more_memory_than_in_place_and_none_of_the_stack() {
    #[cps]
    async fn holds<const N: usize>() -> usize {
        let local = [1_u8; N];
        YieldOnce::default().await;
        local.iter().map(|&byte| usize::from(byte)).sum()
    }
    macro_rules! caller {
        ($name:ident $($placed:tt)*) => {
            #[cps]
            async fn $name<const N: usize>() -> usize {
                holds::<N>() $($placed)* .await
            }
        };
    }
    caller!(nested.nested());
    caller!(inline.inline());
    // With the feature each has a place in a list.
    const SHOWN: usize = if cfg!(feature = "backtrace") { 4 * size_of::<usize>() } else { 0 };
    let size = size_of_val(&nested::<1000>().into_root()) - SHOWN;
    assert!((1000..=size_of_val(&inline::<1000>().into_root())).contains(&size), "{size}");
    assert_eq!(drive(nested::<1000>()), (1000, 2));

    let mut root = pin!(hosts(1).into_future());
    while root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        assert!(root.stack_usage().in_use < 256);
    }
}

#[test]
fn the_call_has_the_last_word() {
    #[cps]
    async fn calls() -> [u32; 4] {
        [
            by_definition(0).inline().await,
            by_definition(0).on_stack().nested().await,
            by_definition(0).on_heap().await,
            by_definition(0).inline_up_to::<8>().placed(Nested).await,
        ]
    }
    assert_eq!(drive(calls()).0, [5; 4]);
}

/// A coroutine of any placement.
#[cps]
async fn calls<B: Body<Output = u32>, P: cps_core::placement::Placement>(
    callee: cps_core::Unstarted<B, P>,
) -> u32 {
    callee.await + 1
}

/// What is known to be a future only is called directly.
#[cps]
async fn awaits<F: Future<Output = u32>>(future: F) -> u32 {
    future.await + 1
}

#[test]
fn generic_code_calls_it_too() {
    assert_eq!(drive(calls(by_definition(0).unstarted())), (6, 11));
    assert_eq!(drive(calls(hosts(1).nested().unstarted())), (6, 11));
    assert_eq!(drive(awaits(by_definition(0))), (6, 11));
    assert_eq!(drive(awaits(awaits(hosts(1).nested()).nested())), (7, 11));
}

#[test]
fn it_is_sent_with_its_host() {
    let mut root = Box::pin(hosts(2));
    let mut polls = 0;
    loop {
        polls += 1;
        let polled = std::thread::scope(|s| s.spawn(|| poll(&mut root)).join().unwrap());
        if let Poll::Ready(value) = polled {
            assert_eq!((value, polls), (11, 21));
            break;
        }
    }
}

/// Its recursion has frames: each second level.
#[cps]
async fn even(n: u32) -> bool {
    n == 0 || odd(n - 1).nested().await
}

#[cps]
async fn odd(n: u32) -> bool {
    if n == 0 {
        YieldOnce::default().await;
        return false;
    }
    even(n - 1).on_stack().await
}

#[test]
fn a_recursion_through_nested_bodies_goes_as_deep_as_others() {
    let depth = if cfg!(miri) { 301 } else { 100_001 };
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let run = move || {
        assert_eq!(drive(even(depth)), (depth % 2 == 0, 2));
        // Dropped while it is suspended.
        let mut root = Box::pin(even(depth | 1));
        assert!(poll(&mut root).is_pending());
    };
    small.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_nested_body_waits_between_the_items_of_its_host() {
    #[cps(yields = u32)]
    async fn items() {
        for n in 0..3 {
            yield_(n).await;
            yield_(by_definition(n).await).await;
        }
    }
    let mut items = pin!(items().into_root());
    let (all, _) = drive(async {
        let mut all = Vec::new();
        while let Some(item) = items.next().await {
            all.push(item);
        }
        all
    });
    assert_eq!(all, [0, 5, 1, 6, 2, 7]);
}

#[test]
fn a_nested_body_has_branches_and_is_one() {
    #[cps]
    async fn joins(n: u32) -> u32 {
        let (a, b) = join((by_definition(n), hosts(1).nested())).await;
        a + b
    }
    #[cps]
    async fn outer() -> u32 {
        let (a, b) = join((joins(1).nested(), ready(2))).await;
        a + b + joins(0).nested().await
    }
    assert_eq!(drive(outer()).0, (6 + 5) + 2 + (5 + 5));
}

#[test]
fn interleaved_lookups_may_be_nested() {
    #[cps]
    async fn step(table: &[u32], at: u32) -> u32 {
        prefetch_read(&raw const table[at as usize]).await;
        table[at as usize]
    }
    #[cps]
    async fn hops(table: &[u32], mut at: u32) -> u32 {
        for turn in 0..5 {
            at = if turn == 3 { step(table, at).await } else { step(table, at).nested().await };
        }
        at
    }
    let table: Vec<u32> = (0..97).map(|n| (n * 5 + 1) % 97).collect();
    let expected = |at: u32| (0..5).fold(at, |at, _| table[at as usize]);
    let mut results = vec![0; 97];
    Interleave::<7>::run(0..97, |at| hops(&table, at), |index, at| results[index] = at);
    assert_eq!(results, (0..97).map(expected).collect::<Vec<_>>());
}

#[test]
fn a_prefetch_of_a_nested_body_wakes_the_task_of_its_host() {
    struct Count(AtomicU32);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    #[cps]
    async fn hints() {
        prefetch_read::<u8>(std::ptr::null()).await;
    }
    #[cps]
    async fn host() {
        hints().nested().await;
        hints().nested().await;
    }
    let count = Arc::new(Count(AtomicU32::new(0)));
    let waker = Waker::from(count.clone());
    let mut root = pin!(host().into_future());
    for wakes in 1..3 {
        assert!(root.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(count.0.load(Relaxed), wakes);
    }
    assert!(root.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn a_value_is_moved_out_and_what_is_left_is_dropped_once() {
    struct Both(#[expect(dead_code)] support::Note, u32);
    #[cps(nested)]
    async fn makes(log: Log, argument: support::Note) -> Both {
        let _local = log.note("local");
        let kept = log.note("value");
        YieldOnce::default().await;
        drop(argument);
        Both(kept, 7)
    }
    #[cps]
    async fn host(log: Log) -> u32 {
        let both = makes(log.clone(), log.note("argument")).await;
        log.did("has", both.1);
        both.1
    }
    let log = Log::default();
    assert_eq!(drive(host(log.clone())), (7, 2));
    assert_eq!(log.drops(), ["argument", "local", "value"]);
    log.assert_each_dropped_once();
    // Suspended, and dropped then.
    let log = Log::default();
    let mut root = Box::pin(host(log.clone()));
    assert!(poll(&mut root).is_pending());
    drop(root);
    assert_eq!(log.drops(), ["value", "local", "argument"]);
    log.assert_each_dropped_once();
}

#[test]
fn a_panic_unwinds_from_the_callee_through_both() {
    #[cps]
    async fn fails(log: Log, later: bool) {
        let _note = log.note("callee");
        if later {
            YieldOnce::default().await;
        }
        support::Planned::panic("callee", 1);
    }
    #[cps(nested)]
    async fn between(log: Log, later: bool) {
        let _note = log.note("nested");
        fails(log, later).await;
    }
    #[cps]
    async fn host(log: Log, later: bool) {
        let _note = log.note("host");
        between(log, later).await;
    }
    for later in [false, true] {
        let log = Log::default();
        let panic = panic_of(|| drive(host(log.clone(), later)));
        assert_eq!(panic, "callee 1");
        assert_eq!(log.drops(), ["callee", "nested", "host"], "later: {later}");
        assert_eq!(log.drops_in_panic().len(), 3);
        log.assert_each_dropped_once();
    }
}

/// Twelve levels, each nested in the one before: one frame.
#[test]
fn many_levels_are_one_frame() {
    macro_rules! levels {
        ($($name:ident $next:ident,)*) => { $(
            #[cps]
            async fn $name(n: u32) -> u32 {
                let below = $next(n).nested().await;
                YieldOnce::default().await;
                below + 1
            }
        )* };
    }
    levels! {
        level1 level2, level2 level3, level3 level4, level4 level5, level5 level6, level6 level7,
        level7 level8, level8 level9, level9 level10, level10 level11, level11 level12, level12 pauses,
    }
    assert_eq!(drive(level1(0)), (13, 15));
    fn is_send<F: Send>(future: F) -> F {
        future
    }
    assert_eq!(drive(is_send(level3(0))).0, 11);
    let root: Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(level4(0));
    assert_eq!(drive(root).0, 10);
}

/// The type has a name.
#[test]
fn the_placement_is_a_part_of_the_type() {
    fn named(n: u32) -> Coroutine<impl Body<Output = u32>, Nested> {
        pauses(n).nested()
    }
    #[cps]
    async fn host() -> u32 {
        named(1).await
    }
    assert_eq!(drive(host()), (2, 3));
}

//! Over-aligned, large and zero-sized arguments, locals, results and frames, in each placement and each root.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::pin;

use cps_core::interleave::{Group, Interleave};
use cps_core::{
    join, local_scope,
    placement::{Heap, Inline, InlineUpTo, Placement, Stack, StackOptions},
    yield_,
};

use crate::support::{Log, Note, YieldOnce, drive};
use crate::vandal::{sampled, tick};

/// Whose address can be checked.
trait Shape: Clone + PartialEq + Send + 'static {
    const ALIGN: usize;
    fn new(n: u8) -> Self;
}

macro_rules! shapes {
    ($($name:ident: align($align:literal), $bytes:expr;)*) => {$(
        #[derive(Clone, PartialEq)]
        #[repr(align($align))]
        struct $name([u8; $bytes]);

        impl Shape for $name {
            const ALIGN: usize = $align;
            fn new(n: u8) -> Self {
                $name([n; $bytes])
            }
        }
    )*};
}

shapes! {
    Line: align(64), 1;
    Page: align(4096), 17;
    Nothing: align(1), 0;
    EmptyLine: align(64), 0;
    EmptyPage: align(4096), 0;
    Large: align(2), if cfg!(miri) { 700 } else { 5000 };
}

#[track_caller]
fn check<T: Shape>(value: &T, n: u8) {
    assert_eq!(std::ptr::from_ref(value).addr() % T::ALIGN, 0, "aligned");
    assert_eq!(align_of::<T>(), T::ALIGN);
    assert!(*value == T::new(n), "intact");
}

/// Argument, local and result.
#[cps_core::cps]
async fn callee<T: Shape>(argument: T, n: u8, suspends: bool) -> T {
    check(&argument, n);
    let local = T::new(n + 1);
    if suspends {
        tick().await;
        check(&argument, n);
        check(&local, n + 1);
        YieldOnce::default().await;
    }
    check(&local, n + 1);
    argument
}

/// Small, unlike what it returns.
#[cps_core::cps]
async fn result_only<T: Shape>(n: u8, suspends: bool) -> T {
    if suspends {
        tick().await;
    }
    T::new(n)
}

#[cps_core::cps]
async fn caller<T: Shape, P: Placement + Copy + Send>(place: P, suspends: bool) -> [T; 2] {
    let before = T::new(1);
    let a = callee(T::new(2), 2, suspends).placed(place).await;
    check(&a, 2);
    check(&before, 1);
    let nested = callee(result_only::<T>(3, suspends).placed(place).await, 3, suspends);
    let b = nested.placed(place).await;
    check(&b, 3);
    check(&before, 1);
    check(&callee(T::new(5), 5, suspends).boxed().await, 5);
    match callee(T::new(6), 6, suspends).try_on_stack().await {
        Ok(c) => check(&c, 6),
        Err(exhausted) => panic!("{exhausted}"),
    }
    [a, b]
}

/// Makes the future here: all of those below would be too many for one function's stack.
#[track_caller]
#[inline(never)]
fn returns<T: Shape, F: Future<Output = [T; 2]>>(make: impl FnOnce() -> F) {
    let ([a, b], _) = drive(make());
    check(&a, 2);
    check(&b, 3);
}

fn each_root<T: Shape, P: Placement + Copy + Send + 'static>(place: P) {
    for suspends in sampled([true, false], 2) {
        let make = || caller::<T, P>(place, suspends);
        returns(make);
        returns(|| make().into_root());
        returns(|| async { make().boxed_local().await });
        returns(|| make().boxed_local());
        returns(|| make().into_root_with(StackOptions::new()));
        returns(|| make().into_root_with(StackOptions::new().inside::<256>()));
        returns(|| make().unstarted().into_coroutine());
        returns(|| async { join((make(), make())).await.0 });
        returns(|| async { join(vec![make(), make()]).await.swap_remove(1) });
        returns(|| local_scope(|s| async move { s.spawn(caller::<T, P>(place, suspends)).await }));
        returns(|| async {
            let (mut group, mut result) = (Group::new(2), None);
            pin!(group.batch(0..3, |_| make(), |_, value| result = Some(value))).await;
            result.unwrap()
        });
        returns(|| async {
            let mut result = None;
            pin!(Interleave::<2>::batch_in_order(0..3, |_| make(), |_, v| result = Some(v))).await;
            result.unwrap()
        });
    }
}

fn each_placement<T: Shape>() {
    each_root::<T, _>(Inline);
    each_root::<T, _>(Stack);
    if !cfg!(miri) {
        each_root::<T, _>(Heap);
        each_root::<T, _>(InlineUpTo::<64>);
    }
}

#[test]
fn values_of_64_bytes_alignment_are_aligned_and_intact() {
    each_placement::<Line>();
}

/// Unoptimised code keeps many copies of a value on the host stack, each of a page here and, under the address
/// sanitizer, of several: these are megabytes, and over-aligned frames may miss the guard page.
fn on_large_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).unwrap();
    thread.join().unwrap();
}

#[test]
fn values_of_4096_bytes_alignment_are_aligned_and_intact() {
    on_large_stack(each_placement::<Page>);
}

#[test]
fn values_of_no_size_are_as_good_as_others() {
    each_placement::<Nothing>();
}

#[test]
fn values_of_no_size_that_are_over_aligned_are_aligned() {
    each_placement::<EmptyLine>();
    on_large_stack(each_placement::<EmptyPage>);
}

#[test]
fn values_that_are_large_and_little_aligned_are_intact() {
    each_placement::<Large>();
}

#[cps_core::cps(yields = T)]
fn items<T: Shape>() {
    let local = T::new(9);
    for n in 0..3 {
        yield_(T::new(n)).await;
        check(&local, 9);
    }
}

#[cps_core::cps(yields = T)]
fn delegates<T: Shape>() {
    cps_core::yield_from(items::<T>()).await;
    cps_core::yield_from(items::<T>().on_stack()).await;
    cps_core::yield_from(items::<T>().on_heap()).await;
}

#[test]
fn items_may_have_any_layout() {
    fn run<T: Shape>() {
        let mut root = pin!(delegates::<T>().into_root());
        for n in (0..3).cycle().take(4) {
            check(&root.next().expect("nine items"), n);
        }
        let mut n = 4;
        root.for_each(|item| {
            check(&item, n % 3);
            n += 1;
        });
        assert_eq!(n, 9);
    }
    run::<Line>();
    on_large_stack(run::<Page>);
    run::<Nothing>();
    on_large_stack(run::<EmptyPage>);
    run::<Large>();
}

/// A body without locals, arguments and suspensions.
#[test]
fn frames_of_no_size_are_called_in_each_placement() {
    #[cps_core::cps]
    async fn nothing() {}

    #[cps_core::cps]
    async fn calls() -> u32 {
        nothing().await;
        nothing().on_stack().await;
        nothing().on_heap().await;
        nothing().boxed().await;
        nothing().inline_up_to::<0>().await;
        1
    }
    assert_eq!(drive(calls()), (1, 1));
    assert_eq!(size_of_val(&nothing().unstarted()), 0);
}

/// Drops of arguments that have no size are counted too.
#[test]
fn arguments_of_no_size_are_dropped_once() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    #[cps_core::cps]
    async fn takes(_a: Counted, suspends: bool) -> Counted {
        if suspends {
            tick().await;
        }
        Counted
    }

    for (suspends, polls, drops) in [(false, 0, 1), (false, 1, 2), (true, 1, 1), (true, 2, 2)] {
        for boxed in [false, true] {
            let before = DROPS.load(SeqCst);
            let coroutine = takes(Counted, suspends);
            let mut future: std::pin::Pin<Box<dyn Future<Output = Counted>>> =
                if boxed { Box::pin(coroutine.boxed()) } else { Box::pin(coroutine) };
            for _ in 0..polls {
                let _ = crate::support::poll(&mut future);
            }
            drop(future);
            assert_eq!(DROPS.load(SeqCst) - before, drops, "{suspends} {polls}");
        }
    }
}

/// What is dropped lies where it was made: an over-aligned frame is dropped where it is.
#[test]
fn a_suspended_frame_of_any_alignment_is_dropped_in_place() {
    #[repr(align(4096))]
    struct Aligned(Note);

    #[cps_core::cps]
    async fn holds(log: Log, depth: u32) {
        let value = Aligned(log.note("aligned"));
        let address = (&raw const value).addr();
        if depth > 0 {
            holds(log, depth - 1).on_stack().await;
        }
        std::future::pending::<()>().await;
        assert_eq!((&raw const value).addr(), address);
        drop(value.0);
    }
    let log = Log::default();
    let mut root = Box::pin(holds(log.clone(), 5).into_root_with(StackOptions::new()));
    assert!(crate::support::poll(&mut root).is_pending());
    drop(root);
    log.assert_each_dropped_once();
    assert_eq!(log.drops().len(), 6);
}

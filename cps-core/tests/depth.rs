//! A million levels on a thread with a stack of 256 KiB, in every way that a recursion can go.

mod support;

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::hint::black_box;
use std::task::Poll;
use std::thread;

use cps_core::{BoxCoroutine, LocalBoxCoroutine};
use support::{Planned, YieldOnce, panic_of, poll};

const LEVELS: u32 = if cfg!(miri) { 300 } else { 1_000_000 };

/// What the innermost level does.
#[derive(Clone, Copy, PartialEq)]
enum Bottom {
    Returns,
    Suspends,
    Panics,
}

thread_local! {
    /// Levels whose local exists.
    static LIVE: Cell<u32> = const { Cell::new(0) };
}

/// A level's local.
struct Counted;

impl Counted {
    fn new() -> Self {
        LIVE.set(LIVE.get() + 1);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

async fn bottom(bottom: Bottom) -> u32 {
    if bottom != Bottom::Returns {
        YieldOnce::default().await;
    }
    if bottom == Bottom::Panics {
        Planned::panic("bottom", 0);
    }
    0
}

#[cps_core::coroutine]
async fn on_heap(levels: u32, end: Bottom) -> u32 {
    let _local = Counted::new();
    match levels {
        1 => bottom(end).await + 1,
        _ => on_heap(levels - 1, end).on_heap().await + 1,
    }
}

#[cps_core::coroutine]
async fn on_stack(levels: u32, end: Bottom) -> u32 {
    let _local = Counted::new();
    match levels {
        1 => bottom(end).await + 1,
        _ => on_stack(levels - 1, end).on_stack().await + 1,
    }
}

fn erased<'a>(levels: u32, end: Bottom) -> BoxCoroutine<'a, u32> {
    #[cps_core::coroutine]
    async fn level(levels: u32, end: Bottom) -> u32 {
        let _local = Counted::new();
        match levels {
            1 => bottom(end).await + 1,
            _ => erased(levels - 1, end).await + 1,
        }
    }
    level(levels, end).boxed()
}

/// Two functions and two placements in turns, and two inline frames between them.
#[cps_core::coroutine]
async fn even(levels: u32, end: Bottom) -> u32 {
    let _local = Counted::new();
    match levels {
        1 => bottom(end).await + 1,
        _ => between(levels - 1, end).await + 1,
    }
}

#[cps_core::coroutine]
async fn between(levels: u32, end: Bottom) -> u32 {
    let value = between_again(levels, end).await;
    black_box(value)
}

#[cps_core::coroutine]
async fn between_again(levels: u32, end: Bottom) -> u32 {
    let value = odd(levels, end).on_heap().await;
    black_box(value)
}

#[cps_core::coroutine]
async fn odd(levels: u32, end: Bottom) -> u32 {
    let _local = Counted::new();
    match levels {
        1 => bottom(end).await + 1,
        _ => even_erased(levels - 1, end).await + 1,
    }
}

fn even_erased<'a>(levels: u32, end: Bottom) -> LocalBoxCoroutine<'a, u32> {
    even(levels, end).boxed_local()
}

/// Large frames: the host stack must not depend on their number either.
#[cps_core::coroutine]
async fn wide(levels: u32, end: Bottom) -> u32 {
    let _local = Counted::new();
    let large = [levels as u8; 1000];
    let value = match levels {
        1 => bottom(end).await,
        _ => wide(levels - 1, end).on_heap().await,
    };
    value + 1 + u32::from(black_box(&large)[999]) - u32::from(levels as u8)
}

fn on_small_stack(f: impl FnOnce() + Send + 'static) {
    let small = thread::Builder::new().stack_size(256 * 1024);
    if let Err(payload) = small.spawn(f).unwrap().join() {
        std::panic::resume_unwind(payload);
    }
}

/// Everything that can become of the recursion that `start` starts.
fn check<F, C>(levels: u32, start: F)
where
    F: Fn(u32, Bottom) -> C + Send + 'static,
    C: IntoFuture<Output = u32>,
{
    on_small_stack(move || {
        let start = |end| Box::pin(start(levels, end).into_future());

        assert_eq!(poll(&mut start(Bottom::Returns)), Poll::Ready(levels));
        assert_eq!(LIVE.get(), 0);

        let mut root = start(Bottom::Suspends);
        assert_eq!(poll(&mut root), Poll::Pending);
        assert_eq!(LIVE.get(), levels);
        assert_eq!(poll(&mut root), Poll::Ready(levels));
        assert_eq!(LIVE.get(), 0);

        let mut root = start(Bottom::Suspends);
        assert_eq!(poll(&mut root), Poll::Pending);
        drop(root); // Cancels at the bottom.
        assert_eq!(LIVE.get(), 0);

        let mut root = start(Bottom::Panics);
        assert_eq!(poll(&mut root), Poll::Pending);
        assert_eq!(panic_of(|| poll(&mut root)), "bottom 0");
        assert_eq!(LIVE.get(), 0);
    });
}

#[test]
fn heap_frames_nest_a_million_deep() {
    check(LEVELS, on_heap);
}

#[test]
fn frames_on_the_frame_stack_nest_a_million_deep() {
    check(LEVELS, on_stack);
}

#[test]
fn boxed_frames_nest_a_million_deep() {
    check(LEVELS, erased);
}

#[test]
fn mutual_recursion_nests_a_million_deep() {
    check(LEVELS, even);
}

#[test]
fn large_frames_nest_deep() {
    check(LEVELS / 10, wide);
}

#[test]
fn an_unstarted_panic_at_the_bottom_unwinds_a_million_levels() {
    #[cps_core::coroutine]
    async fn sinks(levels: u32) -> u32 {
        let _local = Counted::new();
        match levels {
            0 => Planned::panic("first poll", 0),
            _ => sinks(levels - 1).on_heap().await + 1,
        }
    }
    on_small_stack(|| {
        let mut root = Box::pin(sinks(LEVELS).into_future());
        assert_eq!(panic_of(|| poll(&mut root)), "first poll 0");
        assert_eq!(LIVE.get(), 0);
    });
}

#[test]
fn a_recursion_goes_down_and_up_again_many_times() {
    /// Visits a comb: at each level, calls that suspend before and after the deeper one.
    #[cps_core::coroutine]
    async fn comb(levels: u32) -> u32 {
        let before = tooth(levels).await;
        let deeper = if levels == 0 { 0 } else { comb(levels - 1).on_heap().await };
        before + deeper + tooth(levels).on_heap().await
    }
    #[cps_core::coroutine]
    async fn tooth(n: u32) -> u32 {
        if n % 3 == 0 {
            YieldOnce::default().await;
        }
        1
    }
    on_small_stack(|| {
        let levels = LEVELS / 10;
        let (value, polls) = {
            let mut root = Box::pin(comb(levels).into_future());
            let mut polls = 1;
            loop {
                match poll(&mut root) {
                    Poll::Ready(value) => break (value, polls),
                    Poll::Pending => polls += 1,
                }
            }
        };
        assert_eq!((value, polls), (2 * (levels + 1), 2 * (levels / 3 + 1) + 1));
    });
}

#[test]
fn a_context_that_is_not_on_the_stack_defers_calls_and_changes_nothing_else() {
    use std::task::{Context, Waker};
    on_small_stack(|| {
        let mut context = Box::new(Context::from_waker(Waker::noop()));
        for end in [Bottom::Returns, Bottom::Suspends] {
            let mut root = Box::pin(even(LEVELS / 10, end).into_future());
            let mut outcome = root.as_mut().poll(&mut context);
            if end == Bottom::Suspends {
                assert_eq!(outcome, Poll::Pending);
                outcome = root.as_mut().poll(&mut context);
            }
            assert_eq!(outcome, Poll::Ready(LEVELS / 10));
        }
        assert_eq!(LIVE.get(), 0);
    });
}

/// How far the host stack is used by `future`, whose innermost function calls [`note_depth`].
#[inline(never)]
fn stack_of(future: impl Future<Output = u8>) -> usize {
    DEEPEST.set(usize::MAX);
    let here = std::ptr::from_ref(&black_box(0u8)).addr();
    assert!(poll(&mut Box::pin(future)).is_ready());
    here - DEEPEST.get()
}

thread_local! {
    static DEEPEST: Cell<usize> = const { Cell::new(0) };
}

#[inline(never)]
fn note_depth() {
    let here = std::ptr::from_ref(&black_box(0u8)).addr();
    DEEPEST.set(DEEPEST.get().min(here));
}

const SMALL: usize = 8 * 1024;
const LARGE: usize = 24 * 1024;

/// A value that goes up, and one that goes down, through four functions.
macro_rules! four_levels {
    ($module:ident, $(#[$attribute:meta])?) => {
        mod $module {
            use super::{black_box, note_depth};

            $(#[$attribute])?
            pub(super) async fn up1<const N: usize>() -> [u8; N] {
                note_depth();
                black_box([0; N])
            }
            $(#[$attribute])?
            async fn up2<const N: usize>() -> [u8; N] {
                up1::<N>().await
            }
            $(#[$attribute])?
            async fn up3<const N: usize>() -> [u8; N] {
                up2::<N>().await
            }
            $(#[$attribute])?
            pub(super) async fn up<const N: usize>() -> u8 {
                up3::<N>().await[0]
            }

            $(#[$attribute])?
            async fn down1<const N: usize>(value: [u8; N]) -> u8 {
                note_depth();
                black_box(&value)[0]
            }
            $(#[$attribute])?
            async fn down2<const N: usize>(value: [u8; N]) -> u8 {
                down1(value).await
            }
            $(#[$attribute])?
            async fn down3<const N: usize>(value: [u8; N]) -> u8 {
                down2(value).await
            }
            $(#[$attribute])?
            pub(super) async fn down<const N: usize>() -> u8 {
                down3([0; N]).await
            }
        }
    };
}
four_levels!(coroutines, #[cps_core::coroutine]);
four_levels!(futures_of_rustc,);

#[cps_core::coroutine]
async fn joined<const N: usize>() -> u8 {
    cps_core::join((coroutines::up1::<N>(), coroutines::up1::<N>())).await.0[0]
}

async fn joined_futures<const N: usize>() -> u8 {
    futures::join!(futures_of_rustc::up1::<N>(), futures_of_rustc::up1::<N>()).0[0]
}

/// Where nothing is inlined, each variable that a value passes through is a copy of it on the host stack.
#[test]
fn a_large_value_has_few_copies_on_the_host_stack_of_an_unoptimised_build() {
    if cfg!(miri) || !cfg!(debug_assertions) {
        return;
    }
    let copies = |small, large| (large - small) / (LARGE - SMALL);
    macro_rules! compare {
        ($what:literal: $ours:path, $plain:path) => {{
            use $ours as ours;
            use $plain as plain;
            let many = copies(
                stack_of(ours::<SMALL>().into_future()),
                stack_of(ours::<LARGE>().into_future()),
            );
            let few = copies(stack_of(plain::<SMALL>()), stack_of(plain::<LARGE>()));
            println!("{}: {many} copies; of plain futures {few}", $what);
            // They are at most twice as many. Another compiler may make some more, or spare the others some.
            assert!(many <= 3 * few, "{}: {many} copies; of plain futures {few}", $what);
        }};
    }
    compare!("returned": coroutines::up, futures_of_rustc::up);
    compare!("passed": coroutines::down, futures_of_rustc::down);
    compare!("joined": joined, joined_futures);
}

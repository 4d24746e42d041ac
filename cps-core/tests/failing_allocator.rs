//! An allocator that fails: the chain panics, and nothing is lost or freed twice.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{Body, Coroutine, placement::StackOptions};
use support::{YieldOnce, text_of};

thread_local! {
    /// How many more allocations succeed; `None` if all do.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static ALLOCATED: Cell<u32> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Failing;

// SAFETY: all is passed on to the system's allocator, or fails.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match LEFT.get() {
            Some(0) => {
                // Just one, or the panic that follows would have no memory either.
                LEFT.set(None);
                return std::ptr::null_mut();
            }
            left => LEFT.set(left.map(|n| n - 1)),
        }
        ALLOCATED.set(ALLOCATED.get() + 1);
        LIVE.set(LIVE.get() + 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - 1);
        // SAFETY: passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

struct Counted<'a>(&'a Cell<u32>);

impl<'a> Counted<'a> {
    fn new(live: &'a Cell<u32>) -> Self {
        live.set(live.get() + 1);
        Counted(live)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Allocates frames only: on the stack and on the heap, in turns, and boxed at the bottom.
#[cps_core::coroutine]
async fn levels(live: &Cell<u32>, depth: u32) -> u32 {
    let _local = Counted::new(live);
    let argument = Counted::new(live);
    match depth {
        0 => {
            YieldOnce::default().await;
            holds(argument).boxed_local().await
        }
        _ if depth % 3 == 0 => {
            let below = levels(live, depth - 1).on_heap().await;
            below + holds(argument).on_heap().await
        }
        _ => {
            let below = levels(live, depth - 1).on_stack().await;
            below + holds(argument).on_stack().await
        }
    }
}

#[cps_core::coroutine]
async fn holds(_argument: Counted<'_>) -> u32 {
    YieldOnce::default().await;
    1
}

/// The value, or the panic's message.
fn run<B: Body<Output = u32>>(
    coroutine: impl FnOnce() -> Coroutine<B>,
    options: bool,
) -> Result<u32, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let coroutine = coroutine();
        let poll = |root: std::pin::Pin<&mut dyn Future<Output = u32>>| {
            let mut root = root;
            loop {
                let cx = &mut Context::from_waker(Waker::noop());
                if let Poll::Ready(value) = root.as_mut().poll(cx) {
                    break value;
                }
            }
        };
        if options {
            poll(pin!(coroutine.into_root_with(StackOptions::new().first_chunk(200))))
        } else {
            poll(pin!(std::future::IntoFuture::into_future(coroutine)))
        }
    }));
    LEFT.set(None);
    outcome.map_err(text_of)
}

/// Says nothing about the panics that are expected: what the default hook allocates for its
/// messages and backtraces is kept.
fn expect_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.to_string().contains("no memory") {
                default(info);
            }
        }));
    });
    // What a thread's first panic allocates is not freed.
    drop(catch_unwind(|| panic!("no memory of earlier panics")));
}

fn each_allocation_fails_once(depth: u32, options: bool) {
    let live = Cell::new(0);
    let expected = run(|| levels(&live, depth), options);
    assert_eq!(expected, Ok(depth + 1));
    expect_panics();

    let before = ALLOCATED.get();
    assert_eq!(run(|| levels(&live, depth), options), expected);
    let allocations = ALLOCATED.get() - before;
    assert!(allocations > depth / 3, "{allocations}");
    for fails in 0..allocations {
        let before = LIVE.get();
        LEFT.set(Some(fails));
        let message = run(|| levels(&live, depth), options).expect_err("no allocation failed");
        assert!(message.starts_with("no memory for a"), "{message}");
        assert_eq!(live.get(), 0, "values that were not dropped");
        drop(message);
        assert_eq!(LIVE.get(), before, "memory that was not freed");
    }
    LEFT.set(Some(allocations));
    assert_eq!(run(|| levels(&live, depth), options), expected);
}

#[test]
fn whichever_allocation_fails_the_chain_unwinds_and_frees_all() {
    for options in [false, true] {
        // Beyond the budget of nested calls too, so that deferred calls are among those that fail.
        for depth in if cfg!(miri) { [0, 7, 12] } else { [0, 31, 300] } {
            each_allocation_fails_once(depth, options);
        }
    }
}

#[test]
fn a_program_whose_every_nth_allocation_fails_goes_on() {
    let live = Cell::new(0);
    expect_panics();
    let before = LIVE.get();
    for n in [1, 2, 3, 5, 8, 13, 21] {
        let mut left = n;
        let mut failed = 0;
        for _ in 0..10 {
            LEFT.set(Some(left));
            let start = ALLOCATED.get();
            match run(|| levels(&live, 12), false) {
                Ok(value) => {
                    assert_eq!(value, 13);
                    left -= (ALLOCATED.get() - start).min(left);
                }
                Err(_) => {
                    failed += 1;
                    left = n;
                }
            }
            assert_eq!(live.get(), 0);
        }
        assert!(failed > 0);
    }
    assert_eq!(LIVE.get(), before);
}

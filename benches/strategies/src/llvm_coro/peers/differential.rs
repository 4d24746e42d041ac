//! The same bodies as `async fn` and as functions that become coroutines: what they give, and what they drop when,
//! where they run to the end, are cancelled after so many resumes, and panic.
//!
//! Prints the cases that differ, and `cases=… different=… frames=…`; the last are the frames that are left over.

#![allow(unused)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

mod coroutine;
mod frames;

thread_local! {
    /// What has happened.
    static LOG: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    /// The point that panics.
    static TRAP: Cell<u32> = const { Cell::new(u32::MAX) };
}

fn log(event: u32) {
    LOG.with_borrow_mut(|log| log.push(event));
}

/// A point of the program, which is noted, and may panic.
#[inline(never)]
fn point(number: u32) {
    log(2000 + number);
    if TRAP.get() == number {
        panic!();
    }
}

/// Its drop is noted.
struct Noted(u32);

impl Drop for Noted {
    fn drop(&mut self) {
        log(self.0);
    }
}

/// The same, and too much to be anywhere but in memory.
struct Wide([u32; 64]);

impl Wide {
    #[inline(never)]
    fn new(number: u32) -> Self {
        Self(std::array::from_fn(|i| coroutine::opaque(number) + i as u32))
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        log(self.0.iter().sum());
    }
}

#[inline(never)]
fn consume(noted: Noted) {
    log(1000 + noted.0);
}

macro_rules! bodies {
    ([$($async:tt)?] [$($await:tt)*]) => {
        /// Borrows, moves, returns values that need a drop, early; an array by value that it writes to.
        #[cfg_attr(not(inlined), inline(never))]
        $($async)? fn inner(count: &mut u32, noted: Noted, mut big: [u64; 40]) -> (u64, Option<Box<Noted>>) {
            let _first = Noted(10);
            *count += 1;
            big[5] += u64::from(*count);
            suspend()$($await)*;
            point(1);
            *count += big[3] as u32;
            let boxed = Box::new(Noted(11));
            for i in 0..2 {
                let _in_loop = Noted(12 + i);
                suspend()$($await)*;
                point(2 + i);
                if *count > 1000 {
                    return (1, None);
                }
            }
            (big[39] + big[5] + u64::from(noted.0), Some(boxed))
        }

        /// A value that is dropped at different places, by a flag; scopes that follow one another; a match on a
        /// result that is held over a suspension.
        #[cfg_attr(not(inlined), inline(never))]
        pub $($async)? fn outer(seed: u64) -> u64 {
            let mut count = 0u32;
            let _kept = Noted(1);
            let moved = Noted(2);
            let maybe = Noted(3);
            let mut text = String::from("x");
            if seed % 2 == 0 {
                consume(maybe);
            } else {
                suspend()$($await)*;
            }
            point(20);
            let (value, boxed) = inner(&mut count, moved, [seed; 40])$($await)*;
            point(21);
            let taken = match boxed {
                Some(noted) if seed > 2 => {
                    suspend()$($await)*;
                    noted.0
                }
                Some(noted) => {
                    drop(noted);
                    7
                }
                None => 8,
            };
            {
                let _scoped = Noted(4);
                let _wide = Wide::new(100);
                text.push_str("yz");
                suspend()$($await)*;
                point(22);
            }
            {
                // May lie where the last one was.
                let _wide = Wide::new(200);
                suspend()$($await)*;
                point(23);
            }
            if seed == 5 {
                let _scoped = Noted(5);
                let (more, _) = inner(&mut count, Noted(6), [600; 40])$($await)*;
                return more + value;
            }
            value + u64::from(count) + u64::from(taken) + text.len() as u64
        }
    };
}

mod functions {
    use super::*;
    use coroutine::suspend;
    bodies! { [] [] }
}

mod futures {
    use super::*;

    struct Suspend(bool);

    impl Future for Suspend {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    fn suspend() -> Suspend {
        Suspend(false)
    }

    bodies! { [async] [.await] }
}

/// The result if it ended, whether it panicked, and what happened.
type Outcome = (Option<u64>, bool, Vec<u32>);

/// Started, and resumed until it has been run so often; then dropped.
fn as_coroutine(seed: u64, runs: u32) -> Outcome {
    let root = coroutine::create!(functions::outer => fn(u64) -> u64, seed);
    let run = || {
        for i in 0..runs {
            match i {
                0 => root.start(),
                _ if root.done() => break,
                _ => coroutine::resume(coroutine::leaf()),
            }
        }
    };
    let panicked = catch_unwind(AssertUnwindSafe(run)).is_err();
    let result = (!panicked && runs > 0 && root.done()).then(|| root.result());
    drop(root);
    (result, panicked, LOG.take())
}

fn as_future(seed: u64, runs: u32) -> Outcome {
    let mut root = Box::pin(futures::outer(seed));
    let mut result = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..runs {
            if let Poll::Ready(value) = root.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                result = Some(value);
                break;
            }
        }
    }))
    .is_err();
    drop(root);
    (result, panicked, LOG.take())
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let (mut cases, mut different) = (0, 0);
    for seed in 0..7 {
        for trap in [u32::MAX, 1, 2, 3, 20, 21, 22, 23] {
            for runs in 0..13 {
                // An eager one runs when it is created, which a future never does.
                if cfg!(eager) && (runs == 0 || trap == 20 && seed % 2 == 0) {
                    continue;
                }
                TRAP.set(trap);
                let (expected, found) = (as_future(seed, runs), as_coroutine(seed, runs));
                cases += 1;
                if expected != found {
                    different += 1;
                    println!(
                        "seed {seed}, panic at {trap}, {runs} runs: {expected:?} as a future, {found:?} here"
                    );
                }
            }
        }
    }
    println!(
        "cases={cases} different={different} frames={}",
        frames::ALLOCATIONS.get() - frames::FREED.get()
    );
    0
}

//! The workloads under the clock, as functions that become coroutines. What is exported is what `peer.cpp` exports.

#![allow(unused)]

extern crate self as lab_work;

use std::process::abort;

mod bodies;
mod coroutine;
mod frames;

use bodies::unrolled_chain;
use coroutine::{Handle, coroutine, create, opaque, suspend};

/// What the bodies name.
pub mod drive {
    pub use crate::coroutine::{opaque, suspend};
}

// What is inlined before the plugin comes is no coroutine of its own any more.
unrolled_chain! { #[cfg_attr(not(inlined), inline(never))] placed = [] }

/// The deep static chain, by recursion.
#[inline(never)]
fn deep(depth: u32, suspensions: u64) -> u64 {
    if depth == 2 {
        leaf(suspensions) + opaque(1)
    } else {
        deep(depth - 1, suspensions) + opaque(1)
    }
}

/// The dynamic chain: the callee is a pointer that cannot be looked through.
fn dynamic(depth: u32, suspensions: u64) -> Handle {
    if depth == 1 {
        create!(leaf => fn(u64) -> u64, suspensions)
    } else {
        create!(dynamic_level => fn(u32, u64) -> u64, depth, suspensions)
    }
}

#[inline(never)]
fn dynamic_level(depth: u32, suspensions: u64) -> u64 {
    let next: fn(u32, u64) -> Handle = opaque(dynamic);
    next(depth - 1, suspensions).awaited() + opaque(1)
}

#[inline(never)]
fn fib(n: u32) -> u64 {
    coroutine();
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = fib(n - 1) + fib(n - 2);
    opaque(sum)
}

#[inline(never)]
fn fib_yield(n: u32) -> u64 {
    if n < 2 {
        suspend();
        return opaque(u64::from(n));
    }
    let sum = fib_yield(n - 1) + fib_yield(n - 2);
    opaque(sum)
}

#[inline(always)]
fn calls(make: impl Fn() -> Handle, iterations: u64) -> u64 {
    let mut checksum = 0u64;
    for _ in 0..iterations {
        let root = make();
        root.start();
        checksum = checksum.wrapping_add(root.finish());
    }
    checksum
}

type Clock = extern "C" fn() -> u64;

/// Starts a chain for `n + 1` suspensions, reads the clock around `n` resumes, finishes it.
#[inline(always)]
fn resumes(make: impl Fn(u64) -> Handle, n: u64, clock: Clock, elapsed: &mut u64) -> u64 {
    let root = make(opaque(n + 1));
    root.start();
    let start = clock();
    for _ in 0..n {
        if root.done() {
            abort();
        }
        coroutine::resume(coroutine::leaf());
    }
    *elapsed = clock() - start;
    root.finish()
}

/// Evaluates `$body` with `$make` bound to what makes a chain for so many suspensions.
macro_rules! with_chain {
    ($dynamic:expr, $depth:expr, |$make:ident| $body:expr) => {
        with_chain! { @match $dynamic, $depth, |$make| $body;
            1 leaf, 2 level2, 4 level4, 8 level8, 16 level16, 32 level32, 64 level64, }
    };
    (@match $dynamic:expr, $depth:expr, |$make:ident| $body:expr; $($unrolled:literal $level:ident,)*) => {
        match ($dynamic, $depth) {
            (true, depth) => {
                let $make = |suspensions| dynamic(depth, suspensions);
                $body
            }
            $((false, $unrolled) => {
                let $make = |suspensions| create!($level => fn(u64) -> u64, suspensions);
                $body
            })*
            (false, depth) => {
                let $make = |suspensions| create!(deep => fn(u32, u64) -> u64, depth, suspensions);
                $body
            }
        }
    };
}

#[unsafe(no_mangle)]
extern "C" fn lab_resume(
    dynamically: bool,
    depth: u32,
    n: u64,
    clock: Clock,
    elapsed: &mut u64,
) -> u64 {
    with_chain!(dynamically, depth, |make| resumes(make, n, clock, elapsed))
}

// Where frames lie is decided when this is compiled.
#[unsafe(no_mangle)]
extern "C" fn lab_call(
    _: bool,
    dynamically: bool,
    depth: u32,
    suspensions: u64,
    iterations: u64,
) -> u64 {
    with_chain!(dynamically, depth, |make| calls(|| make(opaque(suspensions)), iterations))
}

#[unsafe(no_mangle)]
extern "C" fn lab_fib(_: bool, n: u32, yields: bool, iterations: u64) -> u64 {
    if yields {
        calls(|| create!(fib_yield => fn(u32) -> u64, opaque(n)), iterations)
    } else {
        calls(|| create!(fib => fn(u32) -> u64, opaque(n)), iterations)
    }
}

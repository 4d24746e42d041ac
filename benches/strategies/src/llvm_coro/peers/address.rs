//! A call that would be no await: by the address of a coroutine. It is refused.

#![allow(unused)]

mod coroutine;
mod frames;

use coroutine::{create, opaque, suspend};

#[inline(never)]
fn callee(n: u64) -> u64 {
    suspend();
    n
}

#[inline(never)]
fn caller(n: u64) -> u64 {
    let by_address: fn(u64) -> u64 = opaque(callee);
    by_address(n) + callee(n)
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let root = create!(caller => fn(u64) -> u64, 0);
    root.start();
    root.finish() as i32
}

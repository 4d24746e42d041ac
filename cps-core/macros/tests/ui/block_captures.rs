//! A block that borrows is held to what an `async` block is.

use cps_core::{LocalBoxCoroutine, coroutine_block};

fn escapes() -> LocalBoxCoroutine<'static, usize> {
    let text = String::new();
    coroutine_block!(async { text.len() }).boxed_local()
}

fn moves() {
    let text = String::new();
    let block = coroutine_block!(async { drop(text) });
    drop((block, text));
}

fn borrows_twice() {
    let mut n = 0;
    let first = coroutine_block!(async { n += 1 });
    let second = coroutine_block!(async { n += 1 });
    drop((first, second));
}

fn main() {}

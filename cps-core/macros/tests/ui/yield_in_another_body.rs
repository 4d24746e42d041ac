// A closure, an `async` block or a macro within a generator is not run by it.
use cps_core::{yield_, yield_from};

macro_rules! dbg {
    ($e:expr) => {
        async move { $e }
    };
}

macro_rules! waiting {
    ($e:expr) => {
        $e.await
    };
}

#[cps_core::coroutine(yields = u32)]
fn numbers() {
    yield_(1).await;
}

#[cps_core::coroutine(yields = u32)]
async fn in_async_block() {
    async { yield_(1).await }.await;
}

#[cps_core::coroutine(yields = u32)]
async fn in_async_block_by_a_macro() {
    let _ = dbg!(yield_(1).await);
    let _ = dbg!(yield_from(numbers()).await);
}

#[cps_core::coroutine(yields = u32)]
async fn in_closure() {
    let _ = || yield_(1).await;
}

#[cps_core::coroutine(yields = u32)]
async fn in_macro() {
    waiting!(yield_(1));
    waiting!(yield_from(numbers()));
}

fn main() {}

// A trait's coroutine is implemented by a coroutine with its placement; a trait's `async fn` by either.
use cps_core::{BoxCoroutine, cps};

trait Get {
    #[cps]
    async fn get(&self) -> u32;
}

struct Plain;

impl Get for Plain {
    async fn get(&self) -> u32 {
        1
    }
}

struct Boxed;

impl Get for Boxed {
    fn get(&self) -> BoxCoroutine<'_, u32> {
        cps_core::coroutine_block! { 1 }.boxed()
    }
}

struct OnStack;

impl Get for OnStack {
    #[cps(elision = "stack")]
    async fn get(&self) -> u32 {
        1
    }
}

struct OtherType;

impl Get for OtherType {
    #[cps]
    async fn get(&self) -> u64 {
        1
    }
}

trait Open {
    async fn get(&self) -> u32;
}

impl Open for Plain {
    async fn get(&self) -> u32 {
        1
    }
}

impl Open for Boxed {
    #[cps]
    async fn get(&self) -> u32 {
        1
    }
}

fn main() {}

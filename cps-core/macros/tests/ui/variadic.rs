#[cps_core::coroutine]
async unsafe fn function(first: u32, rest: ...) {}

fn main() {}

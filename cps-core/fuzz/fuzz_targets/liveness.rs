//! Trees of branching points in a task whose wakers do harm: no wake-up is lost. `tests/liveness.rs` is the same for
//! a few seeds.
//!
//! `cargo +nightly fuzz run liveness -- -max_len=400`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/liveness/mod.rs"]
#[allow(dead_code)]
mod liveness;

fuzz_target!(|data: &[u8]| {
    liveness::run(data);
});

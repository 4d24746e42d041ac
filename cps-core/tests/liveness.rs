//! Whatever the wakers of a task do, no wake-up is lost: see `support/liveness`. `fuzz/fuzz_targets/liveness.rs` runs
//! the same for as long as one likes.
#![forbid(unsafe_code)]

#[path = "support/liveness/mod.rs"]
mod liveness;

use liveness::{Seen, random, run};

const SEEDS: u64 = if cfg!(miri) { 20 } else { 4_000 };

/// As many, or what the environment says in `LIVENESS_SEEDS`.
fn seeds() -> u64 {
    match std::env::var("LIVENESS_SEEDS") {
        Ok(count) => count.parse().expect("a number"),
        Err(_) => SEEDS,
    }
}

fn bytes(seed: u64) -> Vec<u8> {
    random(seed, 20 + (seed % 8) as usize * 40)
}

#[test]
fn no_wake_up_is_lost() {
    let mut sum = Seen::default();
    for seed in 0..seeds() {
        let seen = std::panic::catch_unwind(|| run(&bytes(seed)))
            .unwrap_or_else(|_| panic!("with seed {seed}"));
        sum.throws += seen.throws;
        sum.polls_in_wakes += seen.polls_in_wakes;
        sum.drops_in_wakes += seen.drops_in_wakes;
        sum.wakes_in_wakes += seen.wakes_in_wakes;
        sum.checks += seen.checks;
    }
    if !cfg!(miri) {
        let least = [sum.throws, sum.polls_in_wakes, sum.drops_in_wakes, sum.wakes_in_wakes];
        assert!(
            least.iter().all(|&count| 100 * count as u64 > seeds()),
            "the wakers do too little: {sum:?}"
        );
    }
}

//! The adaptive mode, by a clock that its lookups move.

// They take many lookups, and what they are about is arithmetic; `interleave.rs` is about memory.
#![cfg(not(miri))]

use std::cell::Cell;
use std::time::Duration;

use cps_core::interleave::{Adaptive, private_cache};
use cps_core::prefetch::{Interleaved, Policy, Sequential};

/// What the two forms of a lookup take, in ns, and how many there were of each.
#[derive(Default)]
struct Machine {
    time: Cell<u64>,
    costs: Cell<[u64; 2]>,
    lookups: [Cell<usize>; 2],
    looks_at_clock: Cell<usize>,
}

impl Machine {
    fn taking(sequential: u64, interleaved: u64) -> Self {
        Machine { costs: Cell::new([sequential, interleaved]), ..Machine::default() }
    }

    fn now(&self) -> Duration {
        self.looks_at_clock.set(self.looks_at_clock.get() + 1);
        Duration::from_nanos(self.time.get())
    }

    #[cps_core::coroutine]
    async fn lookup<P: Policy>(&self, form: usize, n: usize, policy: P) -> usize {
        policy.prefetch_read(&n).await;
        self.time.set(self.time.get() + self.costs.get()[form]);
        self.lookups[form].set(self.lookups[form].get() + 1);
        n * n
    }

    /// Runs so many lookups, and returns how many there were of each form.
    fn run<N: FnMut() -> Duration>(
        &self,
        adaptive: &mut Adaptive<4, N>,
        lookups: usize,
    ) -> [usize; 2] {
        self.lookups.iter().for_each(|count| count.set(0));
        let mut values = vec![None; lookups];
        adaptive.run(
            0..lookups,
            |n| self.lookup(0, n, Sequential),
            |n| self.lookup(1, n, Interleaved),
            |index, value| assert_eq!(values[index].replace(value), None),
        );
        assert!(values.into_iter().enumerate().all(|(n, value)| value == Some(n * n)));
        [self.lookups[0].get(), self.lookups[1].get()]
    }
}

/// The lookups of each form in the trials before a verdict.
const TRIALS: usize = 3 * 256;
/// How long the first verdict holds, if it is not what was assumed: sequential.
const TERM: usize = 256 * 256;

#[test]
fn a_table_that_fits_the_private_cache_is_searched_sequentially_without_a_trial() {
    let machine = Machine::taking(100, 1);
    let mut adaptive = Adaptive::new(private_cache(), || machine.now());
    assert_eq!(machine.run(&mut adaptive, 3000), [3000, 0]);
    assert_eq!(machine.looks_at_clock.get(), 0);
}

#[test]
fn the_faster_form_is_used_between_trials() {
    let machine = Machine::taking(100, 30);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    assert_eq!(machine.run(&mut adaptive, 2 * TRIALS + TERM), [TRIALS, TRIALS + TERM]);
    assert!(adaptive.interleaves());
    // Confirmed, so the second term is twice as long.
    assert_eq!(machine.run(&mut adaptive, 2 * TRIALS + 2 * TERM), [TRIALS, TRIALS + 2 * TERM]);

    let machine = Machine::taking(30, 31);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    assert_eq!(machine.run(&mut adaptive, 2 * TRIALS + 2 * TERM), [TRIALS + 2 * TERM, TRIALS]);
    assert!(!adaptive.interleaves());
}

#[test]
fn a_verdict_is_revised_when_the_machine_changes() {
    let machine = Machine::taking(100, 30);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    machine.run(&mut adaptive, 2 * TRIALS + TERM);
    machine.costs.set([20, 30]);
    assert_eq!(machine.run(&mut adaptive, 2 * TRIALS + TERM), [TRIALS + TERM, TRIALS]);
    assert!(!adaptive.interleaves());
}

#[test]
fn what_is_learned_is_kept_from_batch_to_batch() {
    let machine = Machine::taking(100, 30);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    let mut counts = [0, 0];
    for _ in 0..(2 * TRIALS + TERM) / 16 {
        let [one, interleaved] = machine.run(&mut adaptive, 16);
        counts = [counts[0] + one, counts[1] + interleaved];
    }
    assert_eq!(counts, [TRIALS, TRIALS + TERM]);
}

#[test]
fn where_lookups_are_long_a_trial_has_four_groups_and_what_follows_is_shorter_in_proportion() {
    let machine = Machine::taking(100_000, 30_000);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    let (trials, term) = (3 * 16, 256 * 16);
    assert_eq!(machine.run(&mut adaptive, 2 * trials + term), [trials, trials + term]);
    assert!(adaptive.interleaves());
}

#[test]
fn a_trial_ends_after_200_us_or_256_lookups_whichever_comes_first() {
    for (nanoseconds, length) in [(1, 256), (781, 256), (782, 256), (834, 240), (2000, 112)] {
        let machine = Machine::taking(nanoseconds, nanoseconds + 1);
        let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
        // Up to the first lookup of the first interleaved trial.
        let counts = machine.run(&mut adaptive, length + 1);
        assert_eq!(counts, [length, 1], "of {nanoseconds} ns");
    }
}

#[test]
fn batches_of_any_length_give_each_result_once() {
    let machine = Machine::taking(2, 1);
    let mut adaptive = Adaptive::new(usize::MAX, || machine.now());
    for lookups in [0, 1, 255, 0, 256, 257, 3] {
        machine.run(&mut adaptive, lookups);
    }
}

#[test]
fn one_disturbed_trial_does_not_decide() {
    // The clock jumps by a second in the first trial of the interleaved form.
    let machine = Machine::taking(100, 30);
    let disturbed = || {
        let begun = machine.lookups[1].get() > 0;
        machine.now() + if begun { Duration::from_secs(1) } else { Duration::ZERO }
    };
    let mut adaptive = Adaptive::new(usize::MAX, disturbed);
    machine.run(&mut adaptive, 2 * TRIALS);
    assert!(adaptive.interleaves(), "an interruption of an interleaved trial was believed");
}

/// Says that there is one more at most.
struct Modest(std::ops::Range<usize>);

impl Iterator for Modest {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(1))
    }
}

#[test]
fn inputs_that_are_more_than_they_say_are_all_looked_up() {
    let machine = Machine::taking(10, 40);
    let mut adaptive = Adaptive::<4, _>::new(usize::MAX, || machine.now());
    for lookups in [10, 1_000, 100_000] {
        let mut values = vec![None; lookups];
        adaptive.run(
            Modest(0..lookups),
            |n| machine.lookup(0, n, Sequential),
            |n| machine.lookup(1, n, Interleaved),
            |index, value| assert_eq!(values[index].replace(value), None),
        );
        assert!(values.into_iter().enumerate().all(|(n, value)| value == Some(n * n)));
    }
}

//! Lookups in the faster of two forms, sequential or interleaved: chosen by the table's size, and by trial.

use core::fmt;
use core::time::Duration;

use super::interleavable::Start;
use super::{Interleave, complete, private_cache};

/// The lookups of a trial.
const TRIAL: usize = 256;

/// If lookups are long, a trial has fewer, so that the first one takes no longer than this; but four groups at least,
/// so that the start and the end of the group do not count.
const TRIAL_TIME: Duration = Duration::from_micros(200);

/// The trials of each form. The shortest time counts, since a disturbance can only make a trial longer.
const TRIALS: usize = 3;

/// A first verdict holds for the lookups of so many trials. Each verdict that confirms it doubles the number, up to
/// `LAST_TERM`. So trials of a form that takes four times as long as the other cost 4 % at first, and a quarter of a
/// percent later.
const FIRST_TERM: usize = 1 << 8;
const LAST_TERM: usize = 1 << 12;

/// Runs batches of lookups in whichever form is faster now.
///
/// Interleaving pays if lookups miss the cache several times in a row. It costs if the table is in the cache, or if
/// each lookup misses once, which the processor overlaps by itself. So:
///
/// - A table that fits the [`private_cache`] is always searched sequentially.
/// - For any other table the two forms are timed against each other, in three alternating trials of 256 lookups each,
///   and the faster one is used for the next 64 Ki lookups. Then they are tried again, at intervals that double as long
///   as the outcome is the same. If 256 lookups would take longer than 200 µs, a trial has fewer, down to four groups,
///   and the intervals are shorter likewise.
///
/// The verdict is kept from batch to batch, so that batches may be short.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use cps_core::cps;
/// use cps_core::interleave::{Adaptive, clock};
/// use cps_core::prefetch::{Interleaved, Policy, Sequential};
///
/// #[cps]
/// async fn get<P: Policy>(table: &[u64], index: usize, policy: P) -> u64 {
///     policy.prefetch_read(&table[index]).await;
///     table[index]
/// }
///
/// let table: Vec<u64> = (0..1000).collect();
/// let mut adaptive = Adaptive::<16, _>::new(size_of_val(&table[..]), clock);
/// let mut sum = 0;
/// adaptive.run(
///     [1, 10, 100],
///     |index| get(&table, index, Sequential),
///     |index| get(&table, index, Interleaved),
///     |_, value| sum += value,
/// );
/// assert_eq!(sum, 111);
/// # }
/// ```
pub struct Adaptive<const GROUP: usize, N> {
    now: N,
    phase: Phase,
    /// The next verdict holds for the lookups of so many trials.
    term: usize,
    interleaves: bool,
}

enum Phase {
    /// The table is in the cache.
    Settled,
    /// How many lookups are left until the next trial.
    Term {
        left: usize,
    },
    Trial(Trial),
}

/// The trials for the next verdict, so far.
struct Trial {
    /// How many are over.
    over: usize,
    /// The lookups of each trial, as the first one has found.
    length: usize,
    /// The lookups of the present trial, and their time.
    done: usize,
    time: Duration,
    /// The shortest one of each form, sequential first.
    shortest: [Duration; 2],
}

impl Trial {
    fn new() -> Self {
        Trial { over: 0, length: 0, done: 0, time: Duration::ZERO, shortest: [Duration::MAX; 2] }
    }
}

impl<const GROUP: usize, N: FnMut() -> Duration> Adaptive<GROUP, N> {
    /// The fewest lookups of a trial.
    const SOME: usize = if 4 * GROUP < TRIAL { 4 * GROUP } else { TRIAL };

    /// For a table of so many bytes: all that a lookup may touch. `now` is a clock that does not go backwards, of any
    /// origin: with the feature `std`, [`clock`](super::clock).
    pub fn new(table_bytes: usize, now: N) -> Self {
        let fits = table_bytes <= private_cache();
        let phase = if fits { Phase::Settled } else { Phase::Trial(Trial::new()) };
        Adaptive { now, phase, term: FIRST_TERM, interleaves: false }
    }

    /// Whether the last verdict was to interleave.
    pub fn interleaves(&self) -> bool {
        self.interleaves
    }

    /// Runs a lookup for each input, in one form or the other, and gives the results to `sink`, each with the index of
    /// its input. They may come out of order.
    ///
    /// # Panics
    /// As [`sequential`](super::sequential) and [`Interleave::run`].
    pub fn run<I, C, D>(
        &mut self,
        inputs: I,
        mut one: impl FnMut(I::Item) -> C,
        mut interleaved: impl FnMut(I::Item) -> D,
        mut sink: impl FnMut(usize, C::Output),
    ) where
        I: IntoIterator,
        C: Start,
        D: Start<Output = C::Output>,
    {
        let mut inputs = inputs.into_iter();
        let mut before = 0;
        loop {
            let (interleave, limit) = self.plan();
            let start = self.is_trial().then(|| (self.now)());
            let done;
            if interleave {
                let mut ended = 0;
                Interleave::<GROUP>::run(
                    inputs.by_ref().take(limit),
                    &mut interleaved,
                    |index, value| {
                        ended += 1;
                        sink(before + index, value);
                    },
                );
                done = ended;
            } else {
                (inputs, one, sink, done) = one_by_one(inputs, one, sink, before, limit);
            }
            let time = start.map(|start| (self.now)().saturating_sub(start));
            self.account(done, time.unwrap_or_default());
            if done < limit {
                break;
            }
            before += done;
        }
    }

    fn is_trial(&self) -> bool {
        matches!(self.phase, Phase::Trial(_))
    }

    /// The form of the next lookups, and for how many of them.
    fn plan(&self) -> (bool, usize) {
        match &self.phase {
            Phase::Settled => (false, usize::MAX),
            Phase::Term { left } => (self.interleaves, *left),
            // The first trial takes its lookups a few at a time, to see how long they take.
            Phase::Trial(Trial { over: 0, done, .. }) => (false, Self::SOME - done % Self::SOME),
            Phase::Trial(trial) => (trial.over % 2 == 1, trial.length - trial.done),
        }
    }

    /// Notes lookups that were done as planned.
    fn account(&mut self, done: usize, time: Duration) {
        match &mut self.phase {
            Phase::Settled => {}
            Phase::Term { left } => {
                // There are more than planned if the iterator has more inputs than it says.
                *left = left.saturating_sub(done);
                if *left == 0 {
                    self.phase = Phase::Trial(Trial::new());
                }
            }
            Phase::Trial(trial) => {
                trial.done += done;
                trial.time += time;
                let over = if trial.over > 0 {
                    trial.done >= trial.length
                } else {
                    trial.length = trial.done;
                    let enough = trial.time >= TRIAL_TIME || trial.done >= TRIAL;
                    enough && trial.done % Self::SOME == 0
                };
                if !over {
                    return;
                }
                let shortest = &mut trial.shortest[trial.over % 2];
                *shortest = (*shortest).min(trial.time);
                (trial.over, trial.done, trial.time) = (trial.over + 1, 0, Duration::ZERO);
                if trial.over == 2 * TRIALS {
                    let [one, interleaved] = trial.shortest;
                    let length = trial.length;
                    self.decide(interleaved < one, length);
                }
            }
        }
    }

    /// After trials of so many lookups each.
    fn decide(&mut self, interleave: bool, length: usize) {
        let confirmed = interleave == self.interleaves;
        self.term = if confirmed { (2 * self.term).min(LAST_TERM) } else { FIRST_TERM };
        self.interleaves = interleave;
        self.phase = Phase::Term { left: self.term * length };
    }
}

/// [`sequential`](super::sequential) for so many inputs at most, with indices from `before` on. Returns its arguments,
/// and how many inputs there were.
///
/// If lookups overlap by themselves, more of them do the fewer instructions they take. So this is a function of its own
/// that takes everything by value, to have it in registers, and does not count inputs if there are not so many.
#[inline(never)]
fn one_by_one<I, C, O, K>(
    mut inputs: I,
    mut one: O,
    mut sink: K,
    before: usize,
    limit: usize,
) -> (I, O, K, usize)
where
    I: Iterator,
    C: Start,
    O: FnMut(I::Item) -> C,
    K: FnMut(usize, C::Output),
{
    let mut index = before;
    if limit == usize::MAX || inputs.size_hint().1.is_some_and(|most| most < limit) {
        for input in inputs.by_ref() {
            sink(index, complete(one(input)));
            index += 1;
        }
    } else {
        let end = before.saturating_add(limit);
        while index != end {
            let Some(input) = inputs.next() else { break };
            sink(index, complete(one(input)));
            index += 1;
        }
    }
    (inputs, one, sink, index - before)
}

impl<const GROUP: usize, N> fmt::Debug for Adaptive<GROUP, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Settled => "settled",
            Phase::Term { .. } => "term",
            Phase::Trial(_) => "trial",
        };
        f.debug_struct("Adaptive")
            .field("interleaves", &self.interleaves)
            .field("phase", &phase)
            .finish_non_exhaustive()
    }
}

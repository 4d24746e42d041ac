//! The cost of moving a chain that has not started: into another allocation, and into a task.

use std::future::IntoFuture;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};

use crate::clock::ThreadTime;
use crate::drive::{Runner, Timed, finish};

/// The payloads for which strategies have an [`Unstarted`].
pub const PAYLOADS: [u32; 6] = [64, 256, 1024, 4096, 16_384, 65_536];

/// The chain's result: a leaf and four callers.
pub const RESULT: u64 = 5;

/// A chain of four callers that pass a payload down by value, before it is started.
pub struct Unstarted {
    /// Size of the value that moves.
    pub bytes: usize,
    /// An iteration moves it from one allocation to another.
    pub moves: Runner,
    /// An iteration makes it, turns it into a task (`Box::pin` behind a call, as `spawn` does) and
    /// drops that.
    pub spawns: Runner,
}

impl std::fmt::Debug for Unstarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unstarted").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Unstarted {
    /// The chain that `make` gives.
    pub fn of<F>(make: impl Fn() -> F + Copy + 'static) -> Self
    where
        F: IntoFuture<Output = u64>,
    {
        Self {
            bytes: size_of::<F>(),
            moves: Box::new(move |n| Ok(moves(make, n))),
            spawns: Box::new(move |n| Ok(spawns(make, n))),
        }
    }
}

fn moves<F: IntoFuture<Output = u64>>(make: impl Fn() -> F, n: u64) -> Timed {
    let (mut from, mut to) = (Box::new(MaybeUninit::new(make())), Box::new(MaybeUninit::uninit()));
    let start = ThreadTime::now();
    for _ in 0..n {
        // SAFETY: `from` holds the chain: it was made there, or moved there by the round before.
        unsafe { moved(&from, &mut to) };
        std::mem::swap(&mut from, &mut to);
    }
    let elapsed = start.elapsed();
    // SAFETY: `from` holds the chain, which was moved there by the last round. It is taken out once, and a
    // `MaybeUninit` does not drop its content.
    let chain = unsafe { from.assume_init_read() };
    Timed { elapsed, checksum: result(chain) }
}

fn spawns<F: IntoFuture<Output = u64>>(make: impl Fn() -> F, n: u64) -> Timed {
    let start = ThreadTime::now();
    for _ in 0..n {
        drop(black_box(spawned(make())));
    }
    Timed { elapsed: start.elapsed(), checksum: result(make()) }
}

/// Moves a value: one copy, which the optimiser cannot leave out.
///
/// # Safety
/// `from` holds a value, which the caller no longer uses.
#[inline(never)]
unsafe fn moved<T>(from: &MaybeUninit<T>, to: &mut MaybeUninit<T>) {
    // SAFETY: `from` holds a value, which `moves`, the caller, no longer uses.
    to.write(unsafe { from.assume_init_read() });
}

#[inline(never)]
fn spawned<F: IntoFuture<Output = u64>>(chain: F) -> Pin<Box<F::IntoFuture>> {
    Box::pin(chain.into_future())
}

fn result(chain: impl IntoFuture<Output = u64>) -> u64 {
    finish(pin!(chain.into_future()))
}

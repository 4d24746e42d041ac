//! A fuzzer of liveness: random trees of branching points, whose leaves are woken by hand, in a task whose wakers
//! panic, re-enter, change and go stale.
//!
//! The model is one sentence: **a leaf that was woken by the waker of its last poll, by a call that has returned, is
//! polled before its task sleeps**, unless it is dropped. A call that panics promises nothing to who called it; but
//! nobody else's wake-up may be lost by it.

mod bytes;
mod leaf;
mod tree;
mod world;

use bytes::Bytes;
#[allow(unused_imports, reason = "a fuzzer has bytes of its own")]
pub(crate) use bytes::random;
pub(crate) use world::Seen;
use world::World;

/// How deep a tree may be.
const DEPTH: usize = 3;

/// Runs what the bytes say.
///
/// # Panics
/// If a wake-up is lost, the tree does not end when all leaves may, or something is left or dropped twice.
pub(crate) fn run(data: &[u8]) -> Seen {
    let world = World::new(Bytes::new(data));
    world.plant(tree::grow(&world, DEPTH));
    world.settle();
    while !world.script_is_over() && !world.has_ended() {
        match world.below(8) {
            7 => world.poll(), // For nothing.
            6 => {
                world.wake_some_leaf();
                world.wake_some_leaf();
            }
            _ => world.wake_some_leaf(),
        }
        if world.below(4) != 3 {
            world.settle();
        }
    }
    world.calm_down();
    world.settle();
    while !world.has_ended() {
        // All leaves there are now; others may be started by that.
        let waiting: Vec<_> =
            world.leaves().into_iter().filter(|leaf| !leaf.lock().is_gone).collect();
        waiting.iter().for_each(|leaf| leaf.end());
        let before = world.seen().checks;
        world.settle();
        let left = world.leaves().iter().filter(|leaf| !leaf.lock().is_gone).count();
        assert!(
            world.has_ended() || world.seen().checks == before || left < waiting.len(),
            "lost wake-up: all leaves may end, and {left} of them do not"
        );
    }
    let seen = world.seen();
    world.clear();
    seen
}

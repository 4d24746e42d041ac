//! The wakers of one turn, called one after the other outside of all locks.

#![forbid(unsafe_code)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::driver::source::Woken;

/// Wakers to be called. Empty between turns: kept for its memory.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) sources: Vec<Woken>,
    pub(crate) timers: Vec<Waker>,
}

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Memory that an empty batch may keep.
const KEPT: usize = 1024;

impl Batch {
    /// Calls all wakers, whichever of them panic. Gives the first panic.
    #[must_use = "a panic is to be resumed"]
    pub(crate) fn wake(&mut self) -> Option<Panic> {
        let mut first = None;
        each(self.sources.drain(..), Woken::wake, &mut first);
        each(self.timers.drain(..), Waker::wake, &mut first);
        self.sources.shrink_to(KEPT);
        self.timers.shrink_to(KEPT);
        first
    }
}

/// Calls `wake` for each item. One `catch_unwind` for all that do not panic.
fn each<T>(mut items: impl Iterator<Item = T>, wake: impl Fn(T), first: &mut Option<Panic>) {
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| items.by_ref().for_each(&wake))) {
        if first.is_none() {
            *first = Some(panic);
        } else {
            // The payload of a waker's panic is foreign code, too.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
        }
    }
}

//! The numbers of tasks.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The number of a task, which no other task of this process has.
///
/// Numbers are given in blocks to the threads that spawn: those of one thread's tasks grow, and follow each other mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

impl Id {
    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A spawn then takes no read-modify-write for its number, or one in so many.
const BLOCK: u64 = 1024;

thread_local! {
    /// The last number that was given. At the end of a block there is none left.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Six bytes, as there is room for in a task. That is a million tasks a second for nine years.
#[derive(Clone, Copy)]
pub(crate) struct Stored([u16; 3]);

impl Stored {
    #[inline(always)]
    pub(crate) fn next() -> Self {
        let mut last = LAST.get();
        if last % BLOCK == 0 {
            last = next_block();
        }
        let id = last + 1;
        LAST.set(id);
        Stored([id as u16, (id >> 16) as u16, (id >> 32) as u16])
    }

    pub(crate) fn id(self) -> Id {
        let [low, middle, high] = self.0.map(u64::from);
        Id(low | middle << 16 | high << 32)
    }
}

#[cold]
fn next_block() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(BLOCK, Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_survive_their_storage() {
        let next = || Stored::next().id();
        let here: Vec<_> = (0..3 * BLOCK).map(|_| next()).collect();
        let there = std::thread::spawn(move || (0..10).map(|_| next()).collect::<Vec<_>>()).join();
        let mut all = [here, there.unwrap()].concat();
        assert!(all.iter().all(|id| id.get() != 0));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(Stored([1, 2, 3]).id().get(), 0x3_0002_0001);
    }
}

//! What is entered on a thread: guards put it there and take it away, in any order.

#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};

/// The values of the guards that are there, in the order in which they were made. The last one is current.
pub(crate) struct Entries<T> {
    list: RefCell<Vec<(u64, T)>>,
    made: Cell<u64>,
}

/// The place of a guard's value.
#[derive(Debug)]
pub(crate) struct Entry(u64);

impl<T: Clone> Entries<T> {
    pub(crate) const fn new() -> Self {
        Entries { list: RefCell::new(Vec::new()), made: Cell::new(0) }
    }

    pub(crate) fn enter(&self, value: T) -> Entry {
        let made = self.made.get() + 1;
        self.made.set(made);
        self.list.borrow_mut().push((made, value));
        Entry(made)
    }

    /// Takes a guard's value away, for the caller to drop.
    pub(crate) fn leave(&self, entry: &Entry) -> Option<T> {
        let mut list = self.list.borrow_mut();
        // It is the last one nearly always.
        let place = list.iter().rposition(|(number, _)| *number == entry.0)?;
        Some(list.remove(place).1)
    }

    /// What is current.
    pub(crate) fn last(&self) -> Option<T> {
        self.with_last(T::clone)
    }

    /// The same, for a function that enters and leaves nothing.
    pub(crate) fn with_last<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.list.borrow().last().map(|(_, value)| f(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_leave_in_any_order() {
        let entries = Entries::new();
        let [a, b, c] = ["a", "b", "c"].map(|value| entries.enter(value));
        assert_eq!(entries.last(), Some("c"));
        assert_eq!(entries.leave(&b), Some("b"));
        assert_eq!(entries.last(), Some("c"));
        assert_eq!(entries.leave(&c), Some("c"));
        assert_eq!(entries.last(), Some("a"));
        assert_eq!(entries.leave(&c), None);
        assert_eq!(entries.leave(&a), Some("a"));
        assert_eq!(entries.last(), None);
    }
}

//! How deep a poll of a branching point is.

#[cfg(any(miri, deferring))]
pub(crate) use counted::Depth;
#[cfg(not(any(miri, deferring)))]
pub(crate) use measured::Depth;

/// By the host stack.
#[cfg(not(any(miri, deferring)))]
mod measured {
    use core::ptr;

    use crate::chain::host_stack::stack_address;

    /// How much of the host stack the polls of branching points may take before one is deferred, in bytes.
    ///
    /// The same as for calls: a chain that is started at this depth may nest as deep again.
    const BUDGET: usize = 32 * 1024;

    /// Where the outermost poll is: it lies on that poll's host stack.
    pub(crate) struct Depth;

    /// A poll of a branching point.
    #[must_use = "as where levels are counted"]
    pub(crate) struct Level;

    impl Depth {
        #[inline(always)]
        pub(crate) const fn new() -> Self {
            Depth
        }

        /// Whether a poll from here is too deep.
        #[inline(always)]
        pub(crate) fn is_deep(&self) -> bool {
            ptr::from_ref(self).addr().wrapping_sub(stack_address()) > BUDGET
        }

        #[inline(always)]
        pub(crate) fn level(&self) -> Level {
            Level
        }
    }
}

/// By their number, so that tests defer most of them. (And Miri's stack has no depth.)
#[cfg(any(miri, deferring))]
mod counted {
    use core::cell::Cell;

    /// How many branching points may be nested before one is deferred.
    const LEVELS: usize = 2;

    pub(crate) struct Depth {
        levels: Cell<usize>,
    }

    /// A poll of a branching point, which lasts until this is dropped.
    #[must_use = "it is a level as long as it lives"]
    pub(crate) struct Level<'a>(&'a Depth);

    impl Depth {
        pub(crate) const fn new() -> Self {
            Depth { levels: Cell::new(0) }
        }

        pub(crate) fn is_deep(&self) -> bool {
            self.levels.get() >= LEVELS
        }

        pub(crate) fn level(&self) -> Level<'_> {
            self.levels.set(self.levels.get() + 1);
            Level(self)
        }
    }

    impl Drop for Level<'_> {
        fn drop(&mut self) {
            self.0.levels.set(self.0.levels.get() - 1);
        }
    }
}

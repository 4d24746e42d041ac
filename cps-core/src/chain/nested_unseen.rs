//! Without the feature `backtrace` nobody asks which bodies are parts of others.

use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header};

/// Nothing.
pub(crate) struct NestedCall;

impl NestedCall {
    #[inline(always)]
    pub(crate) fn new(
        _: *const Driver,
        _: *const Header,
        _: unsafe fn(*const Header) -> Description,
    ) -> Self {
        NestedCall
    }

    /// # Safety
    /// As with the feature.
    #[inline(always)]
    pub(crate) unsafe fn enter(_: *const Self) {}

    /// # Safety
    /// As with the feature.
    #[inline(always)]
    pub(crate) unsafe fn leave(_: *const Self) {}
}

/// Nothing.
#[cfg(feature = "alloc")]
pub(crate) struct NestedCalls;

#[cfg(feature = "alloc")]
impl NestedCalls {
    pub(crate) fn of(_: &Driver) -> Self {
        NestedCalls
    }

    /// # Safety
    /// As with the feature.
    pub(crate) unsafe fn next_in(&mut self, _: *const Header) -> Option<Description> {
        None
    }
}

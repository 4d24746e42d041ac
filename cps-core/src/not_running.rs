//! Without the feature `backtrace`: nobody asks which chains run.

use crate::driver::{Driver, Header, VTable};

/// Nothing.
pub(crate) struct Running;

/// Nothing.
pub(crate) struct Starting;

/// Nothing.
#[must_use = "as with the feature"]
pub(crate) struct Entered;

impl Running {
    #[inline(always)]
    pub(crate) fn new(_: *const Driver) -> Self {
        Running
    }

    #[inline(always)]
    pub(crate) fn enter(&self) -> Entered {
        Entered
    }
}

impl Starting {
    #[inline(always)]
    pub(crate) fn new(_: *const Driver, _: *const Header, _: *const VTable) -> Self {
        Starting
    }

    /// # Safety
    /// As with the feature.
    #[inline(always)]
    pub(crate) unsafe fn enter(&self) -> Entered {
        Entered
    }
}

//! Without the feature `backtrace` nobody asks which calls are under way.

use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};

/// Nothing.
pub(crate) struct Starting;

/// Nothing.
#[must_use = "as with the feature"]
pub(crate) struct Entered;

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

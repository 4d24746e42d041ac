//! What a poll gives the chains that it runs.

use core::marker::PhantomData;
use core::ptr;
use core::task::{Context, Waker};

#[cfg(doc)]
use crate::chain::driver::Driver;
use crate::chain::driver::Now;
use crate::chain::host_stack::Limit;

/// The poll that is under way, as seen by the chains that it runs.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    pub(super) cx: *mut Context<'static>,
    /// See [`Now`]. (In one piece: so it is passed in one register.)
    pub(super) now: u64,
    _loan: PhantomData<&'a Context<'static>>,
}

impl<'a> Host<'a> {
    /// Lends `cx` to bodies, and notes how far the host stack may be used. All chains of a poll share one: a second one
    /// would end the loan of the first.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn of(cx: &'a mut Context<'_>) -> Self {
        Host { cx: ptr::from_mut(cx).cast(), now: Now::begin(Limit::here()), _loan: PhantomData }
    }

    /// For a chain that waits for nothing.
    ///
    /// # Safety
    /// No body of the chain asks for [`Driver::context`], as those do that may wait (`MayWait`).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn of_nobody() -> Self {
        /// A context that all threads may share, since nobody writes to it.
        struct Shared(Context<'static>);
        // SAFETY: it is reached by shared references only (contract of `of_nobody`), which give no more than a waker
        // that may be shared.
        unsafe impl Sync for Shared {}
        static NOBODY: Shared = Shared(Context::from_waker(Waker::noop()));

        let cx = (&raw const NOBODY.0).cast_mut();
        Host { cx, now: Now::begin(Limit::here()), _loan: PhantomData }
    }
}

//! Roots in any executor that a dump shows: which of them there are, and where each waits.
//!
//! [`tracked`](crate::Coroutine::tracked) gives a root a name, and [`dump`] looks at all roots that have one, from any
//! thread:
//!
//! ```
//! use cps_core::{cps, tracked};
//!
//! #[cps]
//! async fn read() {
//!     std::future::pending().await
//! }
//!
//! #[cps]
//! async fn serve(client: u32) {
//!     let _ = client;
//!     read().await
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! tokio::spawn(serve(7).tracked("client 7"));
//! tokio::task::yield_now().await;
//! let dump = tracked::dump();
//! let root = dump.roots().iter().find(|root| root.name() == "client 7").unwrap();
//! let backtrace = root.backtrace().unwrap();
//! let functions: Vec<_> = backtrace.frames().iter().map(|frame| frame.function()).collect();
//! assert!(functions[0].ends_with("read") && functions[1].ends_with("serve"));
//! println!("{dump}");
//! # });
//! ```
//!
//! ```text
//! root 0 "client 7", made at src/main.rs:15:25, waits
//!      0: app::read
//!      1: app::serve
//!               at src/main.rs:11:12
//! ```
//!
//! # What it costs
//!
//! Roots that are not tracked do nothing for it. One that is has an allocation, and an entry in a list as long as it
//! lives; a poll takes a lock that nobody has but a dump. A dump looks at one root at a time. A poll that comes
//! meanwhile waits for that look, and for no other; a dump waits for no poll: a root that is being polled is shown as
//! running.
//!
//! # Implementation notes
//!
//! The lock of a root is held while it is polled, while it is looked at, and when it goes away. So a look finds either
//! a suspended chain, whose frames stay as they are meanwhile, or nothing.

mod dump;
mod registry;

pub use self::dump::{Dump, RootDump, RootState, dump};

use alloc::borrow::Cow;
use core::fmt;
use core::future::Future;
use core::marker::PhantomPinned;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use crate::coroutine::{Coroutine, hosted};
use crate::frame::body::Body;
use crate::tracked::registry::{Content, Entry};

/// A future that [`dump`] shows: made by [`Coroutine::tracked`] and [`track`].
///
/// It is that future in all else: it has the same output, panics where that does, and needs no runtime. Awaited by a
/// coroutine it is no call: it is the root of a chain of its own.
///
/// # Cancellation
/// Dropping it drops the future, and takes it out of the list. One that is leaked stays there.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Tracked<F> {
    entry: Arc<Entry>,
    future: F,
    /// The entry leads to the future from the first poll on.
    _pinned: PhantomPinned,
}

/// Has a future shown by [`dump`], with a name, which need not be unique.
///
/// Of a coroutine, a [`Root`](crate::Root) or a [`BoxCoroutine`](crate::BoxCoroutine) all functions are shown; of
/// another future, that it is there, and whether it runs.
///
/// ```
/// use cps_core::tracked::{self, track};
///
/// let mut future = track("plain", async { 1 });
/// assert!(tracked::dump().roots().iter().any(|root| root.name() == "plain"));
/// assert_eq!(futures::executor::block_on(future), 1);
/// assert!(!tracked::dump().roots().iter().any(|root| root.name() == "plain"));
/// ```
#[track_caller]
pub fn track<F>(name: impl Into<Cow<'static, str>>, future: F) -> Tracked<F>
where
    F: Future + 'static,
{
    let entry = Entry::register(name.into(), Location::caller());
    Tracked { entry, future, _pinned: PhantomPinned }
}

impl<B: Body + 'static, P: 'static> Coroutine<B, P> {
    /// Has the coroutine shown by [`tracked::dump`](dump), with a name, which need not be unique: for the outermost
    /// coroutine of a task, in any executor. See the [module](crate::tracked).
    #[track_caller]
    pub fn tracked(self, name: impl Into<Cow<'static, str>>) -> Tracked<Self> {
        track(name, self)
    }
}

impl<F: Future + 'static> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of `self`.
        let this = unsafe { self.get_unchecked_mut() };
        let future = &raw mut this.future;
        let mut polling = this.entry.poll();
        let poll = match polling.content() {
            Content::Unstarted => {
                // SAFETY: the future is part of `self`, which is pinned, and borrowed exclusively.
                let (poll, is_chain) = unsafe { hosted::first_poll(future, cx) };
                let content =
                    if is_chain { Content::Chain(future.cast()) } else { Content::Future };
                polling.set(content);
                poll
            }
            // SAFETY: `first_poll` has found it to be a chain, which was resumed here only since, with `Pending`. It is
            // pinned, and borrowed exclusively: a look has the lock that `polling` has.
            Content::Chain(_) if unsafe { hosted::resume(future.cast(), cx) }.is_pending() => {
                Poll::Pending
            }
            // SAFETY: it is pinned, and borrowed exclusively. (A chain that has returned gives its result. One that has
            // ended says so by a panic, as any future may.)
            _ => unsafe { Pin::new_unchecked(&mut *future) }.poll(cx),
        };
        if poll.is_pending() {
            polling.suspend();
        }
        poll
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        // Before the future is dropped.
        self.entry.retire();
    }
}

impl<F: fmt::Debug> fmt::Debug for Tracked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked")
            .field("name", &self.entry.name())
            .field("future", &self.future)
            .finish_non_exhaustive()
    }
}

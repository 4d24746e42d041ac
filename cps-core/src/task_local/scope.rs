//! A future with a value that it sees.

use core::fmt;
use core::future::Future;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::task_local::LocalKey;

/// A future that sees a value: made by [`LocalKey::scope`] and [`Coroutine::with_local`](crate::Coroutine::with_local).
///
/// # Panics
/// Where the future does.
///
/// # Cancellation
/// Dropping it drops the future, whose destructors see the value, and then the value.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Scope<T: 'static, F> {
    key: &'static LocalKey<T>,
    value: T,
    /// Dropped by the destructor.
    future: ManuallyDrop<F>,
}

impl<T, F> Scope<T, F> {
    pub(super) fn new(key: &'static LocalKey<T>, value: T, future: F) -> Self {
        Scope { key, value, future: ManuallyDrop::new(future) }
    }
}

// The value is never pinned, and the future is part of the scope. (That is what a compiler derives without this impl,
// but for a value that is not `Unpin`.)
impl<T, F: Unpin> Unpin for Scope<T, F> {}

impl<T, F: Future> Future for Scope<T, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of the scope.
        let Scope { key, value, future } = unsafe { self.get_unchecked_mut() };
        // SAFETY: the future is pinned with the scope: it is dropped in place, and nothing else takes it out.
        let future = unsafe { Pin::new_unchecked(&mut **future) };
        key.enter(value, || future.poll(cx))
    }
}

impl<T, F> Drop for Scope<T, F> {
    fn drop(&mut self) {
        let future = &mut self.future;
        // SAFETY: once, in place; it is not used again.
        self.key.enter(&self.value, || unsafe { ManuallyDrop::drop(future) });
    }
}

impl<T: fmt::Debug, F: fmt::Debug> fmt::Debug for Scope<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("value", &self.value).field("future", &*self.future).finish()
    }
}

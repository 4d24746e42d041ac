//! The handles of a scope: the one that starts children, and the children's own.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::task::{Context, Poll};

use super::children::{Deliver, Orders, Shared};
use super::{ChildBound, LocalChildren, SendChildren};
#[cfg(doc)]
use super::{LocalScope, Scope};
use crate::suspend::Receiver;

/// See [`Scope`] and [`LocalScope`].
pub struct Spawner<K: ChildBound> {
    shared: Arc<Shared<K>>,
}

impl<K: ChildBound> Spawner<K> {
    pub(super) fn new(shared: Arc<Shared<K>>) -> Self {
        Spawner { shared }
    }
}

impl<K: ChildBound> Clone for Spawner<K> {
    fn clone(&self) -> Self {
        Spawner { shared: self.shared.clone() }
    }
}

impl<'env> Spawner<SendChildren<'env>> {
    /// Starts a child that runs side by side with the body, until it finishes or the scope is dropped.
    ///
    /// Its handle evaluates to its output.
    ///
    /// # Panics
    ///
    /// If the scope has ended.
    pub fn spawn<C>(&self, child: C) -> Child<C::Output>
    where
        C: IntoFuture<Output: Send, IntoFuture: Send + 'env>,
    {
        let (child, handle) = Deliver::new(child.into_future());
        let number = self.shared.spawn(Box::pin(child));
        Child { handle, number, orders: self.shared.orders.clone() }
    }
}

impl<'env> Spawner<LocalChildren<'env>> {
    /// As [`Scope::spawn`].
    ///
    /// # Panics
    ///
    /// If the scope has ended.
    pub fn spawn<C>(&self, child: C) -> Child<C::Output>
    where
        C: IntoFuture<IntoFuture: 'env>,
    {
        let (child, handle) = Deliver::new(child.into_future());
        let number = self.shared.spawn(Box::pin(child));
        Child { handle, number, orders: self.shared.orders.clone() }
    }
}

/// The handle of a child: evaluates to its output.
///
/// Dropping it lets the child run on; [`abort`](Child::abort) drops the child.
///
/// # Panics
///
/// When awaited outside of the scope, after the scope was dropped with the child in it.
pub struct Child<T> {
    handle: Receiver<T>,
    number: usize,
    orders: Arc<Orders>,
}

impl<T> Child<T> {
    /// Wakes the scope, whose next poll drops the child, unless it has finished by then.
    ///
    /// Dropping the handle lets the child run on, as with the handles of tokio's tasks. This takes the handle, since
    /// nobody can await the output any more. A child that is being polled goes on to its next suspension. After the
    /// scope has ended nothing happens.
    ///
    /// ```
    /// use cps_core::scope;
    /// use std::future::pending;
    ///
    /// # futures::executor::block_on(async {
    /// scope(|s| async move {
    ///     let endless = s.spawn(pending::<()>());
    ///     endless.abort();
    ///     // The scope ends: it has no child left to wait for.
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn abort(self) {
        self.orders.abort(self.number);
    }
}

impl<T> Future for Child<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.handle)
            .poll(cx)
            .map(|output| output.expect("a child is awaited whose scope was dropped"))
    }
}

impl<K: ChildBound> fmt::Debug for Spawner<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawner")
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.handle).finish()
    }
}

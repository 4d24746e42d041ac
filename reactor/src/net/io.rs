//! A system object registered with the reactor, and the one loop in which operations on it are
//! tried.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use mio::Token;
use mio::event::Source;

use crate::executor::Executor;
use crate::reactor::{Attempt, Readiness, Side};

/// A registered, non-blocking system object. Dropping it deregisters, then closes.
pub(crate) struct Io<S: Source> {
    source: S,
    token: Token,
    readiness: Rc<Readiness>,
    executor: Rc<Executor>,
}

impl<S: Source> Io<S> {
    pub(crate) fn new(executor: Rc<Executor>, mut source: S) -> io::Result<Self> {
        let (token, readiness) = executor.reactor().borrow_mut().register(&mut source)?;
        Ok(Self { source, token, readiness, executor })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// The executor it is registered with.
    pub(crate) fn executor(&self) -> &Rc<Executor> {
        &self.executor
    }

    /// Tries `operation` until it does something else than `WouldBlock`. For exclusive use: of
    /// several callers on one side, the last one's waker counts.
    pub(crate) fn poll<T>(
        &self,
        side: Side,
        cx: &Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let Poll::Ready(attempt) = self.readiness.poll_ready(side, cx) else {
                self.executor.assert_current("a socket was");
                return Poll::Pending;
            };
            if let Poll::Ready(result) = self.attempt(side, attempt, &mut operation) {
                return Poll::Ready(result);
            }
        }
    }

    /// As [`poll`](Io::poll), for any number of tasks at a time.
    ///
    /// # Cancellation
    ///
    /// Between attempts: what an operation did is never lost.
    pub(crate) async fn perform<T>(
        &self,
        side: Side,
        mut operation: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let mut wait = self.readiness.wait(side);
            let attempt = poll_fn(|cx| {
                let attempt = Pin::new(&mut wait).poll(cx);
                if attempt.is_pending() {
                    self.executor.assert_current("a socket was");
                }
                attempt
            })
            .await;
            if let Poll::Ready(result) = self.attempt(side, attempt, &mut operation) {
                return result;
            }
        }
    }

    /// One try. `Pending` says: see whether the side is ready, then try again.
    fn attempt<T>(
        &self,
        side: Side,
        attempt: Attempt,
        operation: &mut impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match operation(&self.source) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readiness.clear(side, attempt);
                Poll::Pending
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Poll::Pending,
            result => Poll::Ready(result),
        }
    }
}

impl<S: Source> Drop for Io<S> {
    fn drop(&mut self) {
        self.executor.reactor().borrow_mut().deregister(&mut self.source, self.token);
    }
}

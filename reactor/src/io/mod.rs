//! Descriptors of other kinds than sockets.
//!
//! Also, for all of this crate: a system object registered with the driver, and the one loop in which operations on it
//! are tried.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod async_fd;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mio::event::Source;

#[cfg(unix)]
pub use self::async_fd::AsyncFd;
use crate::budget;
use crate::driver::{Attempt, Handle, Readers, Registration, Side, gone};

/// Sockets of which options can be set.
#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as AsSystem;
#[cfg(windows)]
pub(crate) use std::os::windows::io::AsSocket as AsSystem;

/// A registered, non-blocking system object. Dropping it deregisters, then closes.
pub(crate) struct Io<S: Source> {
    /// `None` once it is taken out.
    source: Option<S>,
    registration: Registration,
}

impl<S: Source> Io<S> {
    /// # Errors
    ///
    /// The system's, or that the driver is gone.
    pub(crate) fn new(driver: &Arc<Handle>, source: S) -> io::Result<Self> {
        Self::with_readers(driver, source, Readers::All)
    }

    /// Of a listener: an event wakes one of those who accept, and that one wakes the next.
    pub(crate) fn listener(driver: &Arc<Handle>, source: S) -> io::Result<Self> {
        Self::with_readers(driver, source, Readers::OneByOne)
    }

    fn with_readers(driver: &Arc<Handle>, mut source: S, readers: Readers) -> io::Result<Self> {
        let registration = driver.register(&mut source, readers)?;
        Ok(Self { source: Some(source), registration })
    }

    pub(crate) fn source(&self) -> &S {
        self.source.as_ref().expect("there until it is dropped")
    }

    /// Deregisters it.
    pub(crate) fn into_source(mut self) -> S {
        let mut source = self.source.take().expect("there until it is dropped");
        self.registration.deregister(&mut source);
        source
    }

    /// The driver it is registered with.
    pub(crate) fn driver(&self) -> &Arc<Handle> {
        self.registration.handle()
    }

    /// Tries `operation` until it does something else than `WouldBlock`. For exclusive use: of
    /// several callers on one side, the last one's waker counts.
    pub(crate) fn poll<T>(
        &self,
        side: Side,
        cx: &Context<'_>,
        operation: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let source = self.registration.source();
        self.attempts(side, cx, |cx| source.poll_ready(side, cx), operation, |_, _| false)
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
        let mut wait = self.registration.wait(side);
        let mut poll_ready = |cx: &Context<'_>| wait.poll_ready(cx);
        poll_fn(|cx| self.attempts(side, cx, &mut poll_ready, &mut operation, |_, _| false)).await
    }

    /// Reads from a byte stream of which a read that gives less than `asked` for has taken all there is.
    ///
    /// That is so for TCP. Other streams may end a read early, as Unix sockets do where a descriptor was sent along.
    pub(crate) fn poll_read(
        &self,
        cx: &Context<'_>,
        asked: usize,
        operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let source = self.registration.source();
        let emptied = |attempt: Attempt, &read: &usize| attempt.emptied(read, asked);
        self.attempts(Side::Read, cx, |cx| source.poll_ready(Side::Read, cx), operation, emptied)
    }

    /// As [`poll_read`](Io::poll_read), for any number of tasks at a time.
    ///
    /// # Cancellation
    ///
    /// Between attempts: what was read is never lost.
    pub(crate) async fn read(
        &self,
        asked: usize,
        mut operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut wait = self.registration.wait(Side::Read);
        let mut poll_ready = |cx: &Context<'_>| wait.poll_ready(cx);
        let emptied = |attempt: Attempt, &read: &usize| attempt.emptied(read, asked);
        poll_fn(|cx| self.attempts(Side::Read, cx, &mut poll_ready, &mut operation, emptied)).await
    }

    /// The loop. Each attempt is paid for, so that an operation that always succeeds, or always fails, gives way to
    /// others.
    fn attempts<T>(
        &self,
        side: Side,
        cx: &Context<'_>,
        mut poll_ready: impl FnMut(&Context<'_>) -> Poll<Attempt>,
        mut operation: impl FnMut(&S) -> io::Result<T>,
        emptied: impl Fn(Attempt, &T) -> bool,
    ) -> Poll<io::Result<T>> {
        loop {
            let Poll::Ready(attempt) = poll_ready(cx) else {
                self.driver().assert_attended("a socket was");
                return Poll::Pending;
            };
            if attempt.is_gone() {
                return Poll::Ready(Err(gone()));
            }
            ready!(budget::poll_proceed(cx));
            match operation(self.source()) {
                Ok(value) => {
                    if emptied(attempt, &value) {
                        self.registration.source().clear(side, attempt);
                    }
                    return Poll::Ready(Ok(value));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.registration.source().clear(side, attempt);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: Source> Drop for Io<S> {
    fn drop(&mut self) {
        if let Some(source) = &mut self.source {
            self.registration.deregister(source);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::cell::Cell;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;
    use crate::{block_on, context, sleep};

    /// A message costs one read, not a second one that only says that there is no more.
    #[test]
    #[cfg_attr(miri, ignore)]
    fn a_message_is_read_at_once_and_the_end_is_not_missed() {
        block_on(async {
            let (stream, mut peer) = UnixStream::pair().unwrap();
            stream.set_nonblocking(true).unwrap();
            let driver = context::expect_driver("the test");
            let io = Io::new(&driver, mio::net::UnixStream::from_std(stream)).unwrap();
            let reads = Cell::new(0);
            let read = async || {
                let mut buffer = [0; 16];
                io.read(buffer.len(), |mut stream| {
                    reads.set(reads.get() + 1);
                    stream.read(&mut buffer)
                })
                .await
            };
            // With a clock that stands still, a sleep is over when all events have been noticed.
            crate::time::pause();
            let pause = || sleep(std::time::Duration::from_millis(5));

            pause().await; // The event of the registration.
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(pin!(read()).poll(cx).is_pending());
            assert_eq!(reads.take(), 1);
            for _ in 0..10 {
                peer.write_all(b"message").unwrap();
                assert_eq!(read().await.unwrap(), 7);
                assert_eq!(reads.take(), 1);
                assert!(pin!(read()).poll(cx).is_pending());
                assert_eq!(reads.take(), 0, "known to be empty");
            }
            // As many bytes as were asked for: there may be more.
            peer.write_all(&[0; 16]).unwrap();
            assert_eq!(read().await.unwrap(), 16);
            assert!(pin!(read()).poll(cx).is_pending());
            assert_eq!(reads.take(), 2);
            // The last bytes and the end in one event.
            peer.write_all(b"last").unwrap();
            drop(peer);
            pause().await;
            assert_eq!(read().await.unwrap(), 4);
            assert_eq!(read().await.unwrap(), 0);
            assert_eq!(reads.take(), 2);
        });
    }
}

//! Any descriptor that the system's event queue takes.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::task::{Context, Poll};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::context;
use crate::driver::Side;
use crate::io::Io;

/// A descriptor that is waited for: a pipe, a terminal, a socket of another kind, an `eventfd`, `inotify`.
///
/// Its operations are given as functions that are tried until they do something else than
/// [`WouldBlock`](io::ErrorKind::WouldBlock). So it must be in non-blocking mode, or they block the thread.
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// use reactor::io::AsyncFd;
///
/// # fn main() -> std::io::Result<()> {
/// reactor::block_on(async {
///     let (left, mut right) = UnixStream::pair()?;
///     left.set_nonblocking(true)?;
///     let left = AsyncFd::new(left)?;
///     right.write_all(b"hello")?;
///     let mut buffer = [0; 16];
///     let read = left.read_with(|mut stream| stream.read(&mut buffer)).await?;
///     assert_eq!(&buffer[..read], b"hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct AsyncFd<T: AsFd> {
    io: Io<Descriptor<T>>,
}

struct Descriptor<T>(T);

impl<T: AsFd> AsyncFd<T> {
    /// Takes a descriptor in non-blocking mode.
    ///
    /// # Errors
    ///
    /// The system's, as for files on disks, which are always ready.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn new(descriptor: T) -> io::Result<Self> {
        let driver = context::expect_driver("AsyncFd::new");
        Ok(Self { io: Io::new(&driver, Descriptor(descriptor))? })
    }

    /// Tries an operation that waits until there is something to read.
    ///
    /// Any number of tasks may call it at a time.
    ///
    /// # Errors
    ///
    /// The operation's.
    ///
    /// # Cancellation
    ///
    /// Between attempts: what an operation did is never lost.
    pub async fn read_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.perform(Side::Read, |descriptor| operation(&descriptor.0)).await
    }

    /// Tries an operation that waits until there is room to write.
    ///
    /// Any number of tasks may call it at a time.
    ///
    /// # Errors
    ///
    /// The operation's.
    ///
    /// # Cancellation
    ///
    /// Between attempts: what an operation did is never lost.
    pub async fn write_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.perform(Side::Write, |descriptor| operation(&descriptor.0)).await
    }

    /// As [`read_with`](Self::read_with), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// The operation's.
    pub fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.io.poll(Side::Read, cx, |descriptor| operation(&descriptor.0))
    }

    /// As [`write_with`](Self::write_with), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// The operation's.
    pub fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.io.poll(Side::Write, cx, |descriptor| operation(&descriptor.0))
    }

    /// What was taken.
    pub fn get_ref(&self) -> &T {
        &self.io.source().0
    }

    /// What was taken, no longer waited for.
    pub fn into_inner(self) -> T {
        self.io.into_source().0
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncFd").field(self.get_ref()).finish()
    }
}

impl<T: AsFd> Source for Descriptor<T> {
    fn register(&mut self, queue: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).register(queue, token, interest)
    }

    fn reregister(&mut self, queue: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).reregister(queue, token, interest)
    }

    fn deregister(&mut self, queue: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).deregister(queue)
    }
}

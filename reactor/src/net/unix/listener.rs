//! Listeners.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use mio::net;
use socket2::SockRef;

use crate::context;
use crate::driver::{Handle, Side};
use crate::io::Io;
use crate::net::{BACKLOG, UnixStream};

/// Accepts connections of Unix sockets.
///
/// Any number of tasks may accept from one listener: each connection wakes one of them.
///
/// # Dropping
///
/// Leaves the file at its path, which must be removed before the next listener takes it.
pub struct UnixListener {
    io: Io<net::UnixListener>,
}

impl UnixListener {
    /// Listens at `path`.
    ///
    /// # Errors
    ///
    /// The system's, as when the file exists.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let driver = context::expect_driver("UnixListener::bind");
        Self::listen(&driver, net::UnixListener::bind(path)?)
    }

    /// Listens at `address`, which may be one without a path.
    ///
    /// # Errors
    ///
    /// The system's, as when it is in use.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        let driver = context::expect_driver("UnixListener::bind_addr");
        Self::listen(&driver, net::UnixListener::bind_addr(address)?)
    }

    fn listen(driver: &Arc<Handle>, listener: net::UnixListener) -> io::Result<Self> {
        SockRef::from(&listener).listen(BACKLOG)?;
        Ok(Self { io: Io::listener(driver, listener)? })
    }

    /// Takes a listener made by other means.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        let driver = context::expect_driver("UnixListener::from_std");
        listener.set_nonblocking(true)?;
        Ok(Self { io: Io::listener(&driver, net::UnixListener::from_std(listener))? })
    }

    /// The next connection, and the address of its other end.
    ///
    /// # Errors
    ///
    /// The system's. The listener stays usable: too many open files are an error of one call. It lasts; sleep before
    /// the next call.
    ///
    /// # Cancellation
    ///
    /// Loses no connection.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        self.accepted(self.io.perform(Side::Read, |listener| listener.accept()).await)
    }

    /// As [`accept`](Self::accept), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let accepted = self.io.poll(Side::Read, cx, |listener| listener.accept());
        accepted.map(|accepted| self.accepted(accepted))
    }

    fn accepted(
        &self,
        accepted: io::Result<(net::UnixStream, SocketAddr)>,
    ) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = accepted?;
        Ok((UnixStream::new(Io::new(self.io.driver(), stream)?), address))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }
}

/// The descriptor stays the listener's: it is for options that are not here.
impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

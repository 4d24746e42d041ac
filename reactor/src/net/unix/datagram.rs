//! Datagrams.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mio::net;

use crate::driver::Side;
use crate::io::Io;
use crate::time::Sleep;
use crate::{budget, context};

/// A Unix socket for datagrams, which arrive in order and are not lost.
///
/// Any number of tasks may send and receive at a time.
///
/// # Dropping
///
/// Leaves the file at its path, which must be removed before the next socket takes it.
pub struct UnixDatagram {
    io: Io<net::UnixDatagram>,
}

/// Pauses between two looks at a receiver whose queue is full: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(64)];

impl UnixDatagram {
    /// Receives at `path`.
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
        let driver = context::expect_driver("UnixDatagram::bind");
        Ok(Self { io: Io::new(&driver, net::UnixDatagram::bind(path)?)? })
    }

    /// A socket without an address, for sending.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn unbound() -> io::Result<Self> {
        let driver = context::expect_driver("UnixDatagram::unbound");
        Ok(Self { io: Io::new(&driver, net::UnixDatagram::unbound()?)? })
    }

    /// Two sockets, each the other end of the other.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let driver = context::expect_driver("UnixDatagram::pair");
        let (left, right) = net::UnixDatagram::pair()?;
        Ok((Self { io: Io::new(&driver, left)? }, Self { io: Io::new(&driver, right)? }))
    }

    /// Takes a socket made by other means.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        let driver = context::expect_driver("UnixDatagram::from_std");
        socket.set_nonblocking(true)?;
        Ok(Self { io: Io::new(&driver, net::UnixDatagram::from_std(socket))? })
    }

    /// Makes the socket at `path` the other end: [`send`](Self::send) goes there, and only from there is received.
    ///
    /// # Errors
    ///
    /// The system's, as when there is none.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.io.source().connect(path)
    }

    /// Sends a datagram to the other end, when its queue has room. Gives the number of bytes sent.
    ///
    /// # Errors
    ///
    /// The system's: it is too long, or there is no other end.
    ///
    /// # Cancellation
    ///
    /// Sends nothing if it did not return.
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.io.perform(Side::Write, |socket| socket.send(data)).await
    }

    /// Receives a datagram. Gives its length; what does not fit into `buffer` is lost.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.perform(Side::Read, |socket| socket.recv(buffer)).await
    }

    /// Sends a datagram to the socket at `path`, when its queue has room. Gives the number of bytes sent.
    ///
    /// The system does not tell when the queue of a socket that is not the [connected](Self::connect) one has room, so
    /// it looks from time to time.
    ///
    /// # Errors
    ///
    /// The system's: it is too long, or there is no such socket.
    ///
    /// # Cancellation
    ///
    /// Sends nothing if it did not return.
    pub async fn send_to(&self, data: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let mut pause = PAUSES[0];
        loop {
            poll_fn(|cx| budget::poll_proceed(cx)).await;
            match self.io.source().send_to(data, &path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    Sleep::on(self.io.driver(), pause).await;
                    pause = (2 * pause).min(PAUSES[1]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Receives a datagram. Gives its length and where it is from; what does not fit into `buffer` is lost.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.perform(Side::Read, |socket| socket.recv_from(buffer)).await
    }

    /// Ends one direction, or both.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.source().shutdown(how)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr()
    }

    /// An error that the system has kept for the next operation.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.source().take_error()
    }
}

/// The descriptor stays the socket's: it is for options that are not here.
impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

//! Listeners.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use mio::net;
use socket2::SockRef;

use crate::context;
use crate::driver::Side;
use crate::io::Io;
use crate::net::address::{ToSocketAddrs, first_of};
use crate::net::{BACKLOG, TcpStream};

/// Accepts TCP connections.
///
/// Any number of tasks may accept from one listener: each connection wakes one of them.
pub struct TcpListener {
    io: Io<net::TcpListener>,
}

impl TcpListener {
    /// Listens at the first of `addresses` at which it can; port 0 lets the system choose one, to be found by
    /// [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The system's for the last address, as when it is in use.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let driver = context::expect_driver("TcpListener::bind");
        let listener = first_of(&addresses, net::TcpListener::bind)?;
        SockRef::from(&listener).listen(BACKLOG)?;
        Ok(Self { io: Io::listener(&driver, listener)? })
    }

    /// Takes a listener made by other means, for options that are not here.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        let driver = context::expect_driver("TcpListener::from_std");
        listener.set_nonblocking(true)?;
        Ok(Self { io: Io::listener(&driver, net::TcpListener::from_std(listener))? })
    }

    /// The next connection, and the address of its other end.
    ///
    /// # Errors
    ///
    /// The system's. The listener stays usable: a connection reset before it was accepted, or too
    /// many open files, are errors of one call. The latter last; sleep before the next call.
    ///
    /// # Cancellation
    ///
    /// Loses no connection.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accepted(self.io.perform(Side::Read, |listener| listener.accept()).await)
    }

    /// As [`accept`](Self::accept), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.io.poll(Side::Read, cx, |listener| listener.accept());
        accepted.map(|accepted| self.accepted(accepted))
    }

    fn accepted(
        &self,
        accepted: io::Result<(net::TcpStream, SocketAddr)>,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = accepted?;
        Ok((TcpStream::new(Io::new(self.io.driver(), stream)?), address))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }

    /// Through how many routers its packets may go.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.source().ttl()
    }

    /// Sets through how many routers its packets may go, also those of connections accepted later.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.source().set_ttl(ttl)
    }
}

/// The descriptor stays the listener's: it is for options that are not here.
#[cfg(unix)]
impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

//! Connections.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mio::net;
use socket2::{SockRef, TcpKeepalive};

use crate::context;
use crate::driver::Side;
use crate::io::Io;
use crate::net::address::{ToSocketAddrs, no_address, resolve};
use crate::net::stream::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf, byte_stream};

/// A TCP connection.
///
/// Reading and writing take `&self`, and `AsyncRead` and `AsyncWrite` are implemented for
/// `&TcpStream`, too: one task may read while another writes. Through the traits there can be one
/// reader and one writer at a time, of several the last one is woken; the methods have no such
/// limit.
///
/// The traits are those of [`futures_io`], with feature `tokio` also those of `tokio::io`, and with feature `hyper`
/// those of `hyper::rt`.
///
/// # Dropping
///
/// Closes the connection without waiting: unread input makes the system reset it.
pub struct TcpStream {
    io: Io<net::TcpStream>,
}

byte_stream!(TcpStream, net::TcpStream, short_reads_empty: true);

impl TcpStream {
    pub(super) fn new(io: Io<net::TcpStream>) -> Self {
        Self { io }
    }

    /// Connects to the first of `addresses` that answers. A name is looked up first.
    ///
    /// # Errors
    ///
    /// The system's for the last address: refused, unreachable, timed out. Those of
    /// [`lookup_host`](crate::net::lookup_host).
    ///
    /// # Panics
    ///
    /// When awaited outside a runtime: await it inside [`block_on`](crate::block_on) or a task
    /// spawned there.
    ///
    /// # Cancellation
    ///
    /// Closes the socket.
    pub async fn connect(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let driver = context::expect_driver("TcpStream::connect");
        let mut last = None;
        for address in resolve(addresses).await? {
            let begun =
                net::TcpStream::connect(address).and_then(|stream| Io::new(&driver, stream));
            let connected = match begun {
                Ok(io) => io.perform(Side::Write, connected).await.map(|()| Self { io }),
                Err(error) => Err(error),
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// As [`connect`](Self::connect), for `duration` at most, whatever the number of addresses.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`TimedOut`](io::ErrorKind::TimedOut).
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_timeout(
        addresses: impl ToSocketAddrs,
        duration: Duration,
    ) -> io::Result<Self> {
        crate::time::timeout(duration, Self::connect(addresses)).await?
    }

    /// Takes a connected stream made by other means, for options that are not here.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        let driver = context::expect_driver("TcpStream::from_std");
        stream.set_nonblocking(true)?;
        Ok(Self { io: Io::new(&driver, net::TcpStream::from_std(stream))? })
    }

    /// Reads the bytes that are there, at least one, into `buffer`; 0 says that the other end will send no more (or
    /// that `buffer` is empty).
    ///
    /// # Errors
    ///
    /// The system's, as when the connection was reset.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        stream::read(self, buffer).await
    }

    /// As [`read`](Self::read), but the next read gives the same bytes again.
    ///
    /// # Errors
    ///
    /// The system's, as when the connection was reset.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return stream::read(self, buffer).await;
        }
        self.io.perform(Side::Read, |stream| stream.peek(buffer)).await
    }

    /// Writes as much of `data` as the system takes, at least one byte unless it is empty.
    ///
    /// # Errors
    ///
    /// The system's, as when the connection was reset.
    ///
    /// # Cancellation
    ///
    /// Writes nothing if it did not return.
    pub async fn write(&self, data: &[u8]) -> io::Result<usize> {
        stream::write(self, data).await
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    ///
    /// The system's, as when the connection was reset; how much was written is not known then.
    ///
    /// # Cancellation
    ///
    /// May have written a part.
    pub async fn write_all(&self, data: &[u8]) -> io::Result<()> {
        stream::write_all(self, data).await
    }

    /// A half to read from and one to write to, for functions that take each exclusively.
    pub fn split(&self) -> (ReadHalf<'_, Self>, WriteHalf<'_, Self>) {
        (ReadHalf(self), WriteHalf(self))
    }

    /// As [`split`](Self::split), for two tasks. Dropping the writing half ends writing.
    pub fn into_split(self) -> (OwnedReadHalf<Self>, OwnedWriteHalf<Self>) {
        stream::into_split(self)
    }

    /// Ends one direction, or both. After writing is ended, the other end reads 0 bytes.
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

/// Options. Each method gives the system's errors.
#[allow(clippy::missing_errors_doc)]
impl TcpStream {
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.source().nodelay()
    }

    /// Says whether small writes are sent at once (`TCP_NODELAY`) instead of being gathered (Nagle's
    /// algorithm).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.source().set_nodelay(nodelay)
    }

    /// Through how many routers packets may go.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.source().ttl()
    }

    /// Sets through how many routers packets may go.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.source().set_ttl(ttl)
    }

    /// How long closing waits for data to be sent (`SO_LINGER`).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self.io.source()).linger()
    }

    /// Says how long closing waits for data to be sent (`SO_LINGER`); `Some` of zero resets the connection instead.
    ///
    /// Another time makes the drop of the stream block its thread, and so all of its tasks.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self.io.source()).set_linger(linger)
    }

    /// Whether an idle connection is probed (`SO_KEEPALIVE`).
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(self.io.source()).keepalive()
    }

    /// Says after how long an idle connection is first probed; `None`: never.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(self.io.source());
        match idle {
            Some(idle) => socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle)),
            None => socket.set_keepalive(false),
        }
    }
}

/// Whether a connection that was begun stands.
fn connected(stream: &net::TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(()),
        // Not yet: the attempt was early, or the event was another one.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

/// The descriptor stays the stream's: it is for options that are not here.
#[cfg(unix)]
impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

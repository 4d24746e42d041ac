//! Connections.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;

use mio::net;

use crate::context;
use crate::driver::Side;
use crate::io::Io;
use crate::net::stream::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf, byte_stream};

/// A connection of Unix sockets.
///
/// Reading and writing take `&self`; the traits are implemented as for [`TcpStream`](crate::net::TcpStream).
pub struct UnixStream {
    io: Io<net::UnixStream>,
}

// A read ends where a descriptor was sent along.
byte_stream!(UnixStream, net::UnixStream, short_reads_empty: false);

impl UnixStream {
    pub(super) fn new(io: Io<net::UnixStream>) -> Self {
        Self { io }
    }

    /// Connects to the listener at `path`.
    ///
    /// # Errors
    ///
    /// The system's: refused, or no such file. Linux does not let one wait for a listener with too many connections
    /// that are not accepted: that is [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Panics
    ///
    /// When awaited outside a runtime: await it inside [`block_on`](crate::block_on) or a task
    /// spawned there.
    ///
    /// # Cancellation
    ///
    /// Closes the socket.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let driver = context::expect_driver("UnixStream::connect");
        Self::connected(Io::new(&driver, net::UnixStream::connect(path)?)?).await
    }

    /// As [`connect`](Self::connect), to an address that may be one without a path.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<Self> {
        let driver = context::expect_driver("UnixStream::connect_addr");
        Self::connected(Io::new(&driver, net::UnixStream::connect_addr(address)?)?).await
    }

    async fn connected(io: Io<net::UnixStream>) -> io::Result<Self> {
        io.perform(Side::Write, |stream| match stream.take_error()? {
            Some(error) => Err(error),
            None => stream.peer_addr().map(drop).map_err(|error| match error.kind() {
                io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
                _ => error,
            }),
        })
        .await?;
        Ok(Self { io })
    }

    /// Two ends of one connection.
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
        let driver = context::expect_driver("UnixStream::pair");
        let (left, right) = net::UnixStream::pair()?;
        Ok((Self { io: Io::new(&driver, left)? }, Self { io: Io::new(&driver, right)? }))
    }

    /// Takes a connected stream made by other means.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        let driver = context::expect_driver("UnixStream::from_std");
        stream.set_nonblocking(true)?;
        Ok(Self { io: Io::new(&driver, net::UnixStream::from_std(stream))? })
    }

    /// Reads the bytes that are there, at least one, into `buffer`; 0 says that the other end will send no more (or
    /// that `buffer` is empty).
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        stream::read(self, buffer).await
    }

    /// Writes as much of `data` as the system takes, at least one byte unless it is empty.
    ///
    /// # Errors
    ///
    /// The system's, as when the other end is closed.
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
    /// The system's, as when the other end is closed; how much was written is not known then.
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

/// The descriptor stays the stream's: it is for options that are not here.
impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

//! TCP.
//!
//! Addresses are [`SocketAddr`]s: resolving a name would block the thread, and so all tasks.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use mio::net;

use crate::context;
use crate::driver::Side;
use crate::io::Io;

/// Accepts TCP connections.
///
/// Any number of tasks may accept from one listener.
pub struct TcpListener {
    io: Io<net::TcpListener>,
}

impl TcpListener {
    /// Listens at `address`; port 0 lets the system choose one, to be found by
    /// [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The system's, as when the address is in use.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn bind(address: impl Into<SocketAddr>) -> io::Result<Self> {
        let driver = context::expect_driver("TcpListener::bind");
        Ok(Self { io: Io::listener(&driver, net::TcpListener::bind(address.into())?)? })
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
    /// many open files, are errors of one call.
    ///
    /// # Cancellation
    ///
    /// Loses no connection.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = self.io.perform(Side::Read, |listener| listener.accept()).await?;
        Ok((TcpStream { io: Io::new(self.io.driver(), stream)? }, address))
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

/// A TCP connection.
///
/// Reading and writing take `&self`, and [`AsyncRead`] and [`AsyncWrite`] are implemented for
/// `&TcpStream`, too: one task may read while another writes. Through the traits there can be one
/// reader and one writer at a time, of several the last one is woken; the methods have no such
/// limit.
///
/// # Dropping
///
/// Closes the connection without waiting: unread input makes the system reset it.
pub struct TcpStream {
    io: Io<net::TcpStream>,
}

impl TcpStream {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// The system's: refused, unreachable, timed out.
    ///
    /// # Panics
    ///
    /// When awaited outside a runtime: await it inside [`block_on`](crate::block_on) or a task
    /// spawned there.
    ///
    /// # Cancellation
    ///
    /// Closes the socket.
    pub async fn connect(address: impl Into<SocketAddr>) -> io::Result<Self> {
        let driver = context::expect_driver("TcpStream::connect");
        let io = Io::new(&driver, net::TcpStream::connect(address.into())?)?;
        io.perform(Side::Write, connected).await?;
        Ok(Self { io })
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
        self.io.read(buffer.len(), |mut stream| stream.read(buffer)).await
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
        self.io.perform(Side::Write, |mut stream| stream.write(data)).await
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
    pub async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            match self.write(data).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => data = &data[written..],
            }
        }
        Ok(())
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

    /// Whether small writes are sent at once (`TCP_NODELAY`) instead of being gathered (Nagle's
    /// algorithm).
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.source().set_nodelay(nodelay)
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

impl AsyncRead for &TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_read(cx, buffer.len(), |mut stream| stream.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let asked = buffers.iter().map(|buffer| buffer.len()).sum();
        self.io.poll_read(cx, asked, |mut stream| stream.read_vectored(buffers))
    }
}

impl AsyncWrite for &TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll(Side::Write, cx, |mut stream| stream.write(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll(Side::Write, cx, |mut stream| stream.write_vectored(data))
    }

    /// Does nothing: nothing is buffered here.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends writing; reading goes on.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.shutdown(Shutdown::Write) {
            // The other end was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, buffers)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write_vectored(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
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

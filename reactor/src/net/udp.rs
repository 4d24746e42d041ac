//! UDP.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use mio::net;

use crate::context;
use crate::driver::Side;
use crate::io::Io;
use crate::net::address::{ToSocketAddrs, first_of};

/// A UDP socket.
///
/// Any number of tasks may send and receive at a time; the `poll_…` methods are for one in each direction.
pub struct UdpSocket {
    io: Io<net::UdpSocket>,
}

impl UdpSocket {
    /// Binds to the first of `addresses` that it can; port 0 lets the system choose one.
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
        let driver = context::expect_driver("UdpSocket::bind");
        Ok(Self { io: Io::new(&driver, first_of(&addresses, net::UdpSocket::bind)?)? })
    }

    /// Takes a socket made by other means, for options that are not here.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        let driver = context::expect_driver("UdpSocket::from_std");
        socket.set_nonblocking(true)?;
        Ok(Self { io: Io::new(&driver, net::UdpSocket::from_std(socket))? })
    }

    /// Makes the first of `addresses` that it can the other end: [`send`](Self::send) goes there, and only from there
    /// is received. It sends nothing, so it does not wait.
    ///
    /// # Errors
    ///
    /// The system's for the last address.
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        first_of(&addresses, |address| self.io.source().connect(address))
    }

    /// Sends a datagram to the other end. Gives the number of bytes sent.
    ///
    /// # Errors
    ///
    /// The system's: it is too long, or there is no other end; also that an *earlier* one was refused.
    ///
    /// # Cancellation
    ///
    /// Sends nothing if it did not return.
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.io.perform(Side::Write, |socket| socket.send(data)).await
    }

    /// Receives a datagram from the other end. Gives its length; what does not fit into `buffer` is lost.
    ///
    /// # Errors
    ///
    /// The system's, as when an earlier datagram was refused.
    ///
    /// # Cancellation
    ///
    /// Loses nothing.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.perform(Side::Read, |socket| socket.recv(buffer)).await
    }

    /// As [`recv`](Self::recv), but the next call gives the same datagram again.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.perform(Side::Read, |socket| socket.peek(buffer)).await
    }

    /// Sends a datagram to `address`. Gives the number of bytes sent.
    ///
    /// # Errors
    ///
    /// The system's: it is too long, or the address cannot be reached.
    ///
    /// # Cancellation
    ///
    /// Sends nothing if it did not return.
    pub async fn send_to(&self, data: &[u8], address: impl Into<SocketAddr>) -> io::Result<usize> {
        let address = address.into();
        self.io.perform(Side::Write, |socket| socket.send_to(data, address)).await
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

    /// As [`recv_from`](Self::recv_from), but the next call gives the same datagram again.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.perform(Side::Read, |socket| socket.peek_from(buffer)).await
    }

    /// As [`send_to`](Self::send_to), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
        address: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.io.poll(Side::Write, cx, |socket| socket.send_to(data, address))
    }

    /// As [`recv_from`](Self::recv_from), for one task at a time: of several the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io.poll(Side::Read, cx, |socket| socket.recv_from(buffer))
    }
}

/// Addresses and options. Each method gives the system's errors.
#[allow(clippy::missing_errors_doc)]
impl UdpSocket {
    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr()
    }

    /// An error that the system has kept for the next operation.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.source().take_error()
    }

    /// Whether it may send to broadcast addresses.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.source().broadcast()
    }

    /// Says whether it may send to broadcast addresses.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.io.source().set_broadcast(broadcast)
    }

    /// Through how many routers datagrams may go.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.source().ttl()
    }

    /// Sets through how many routers datagrams may go.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.source().set_ttl(ttl)
    }

    /// Joins a group, on the interface with the address `interface`.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.source().join_multicast_v4(group, interface)
    }

    /// Joins a group, on the interface with the index `interface`.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.source().join_multicast_v6(group, interface)
    }

    /// Leaves a group, on the interface with the address `interface`.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.source().leave_multicast_v4(group, interface)
    }

    /// Leaves a group, on the interface with the index `interface`.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.source().leave_multicast_v6(group, interface)
    }
}

/// The descriptor stays the socket's: it is for options that are not here.
#[cfg(unix)]
impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}

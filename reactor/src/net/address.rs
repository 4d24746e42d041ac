//! What can be connected to or listened at.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// One or several socket addresses, tried one after the other.
///
/// It is implemented for [`SocketAddr`] and its variants, for pairs of an IP address and a port, and for slices, arrays
/// and vectors of [`SocketAddr`]. Names are not looked up: that would block the thread, and so all tasks.
///
/// This trait is sealed: its methods are no part of the interface.
pub trait ToSocketAddrs: sealed::Candidates {}

impl<T: sealed::Candidates + ?Sized> ToSocketAddrs for T {}

pub(super) mod sealed {
    use std::net::SocketAddr;

    pub trait Candidates {
        /// The addresses, in the order in which they are tried.
        fn candidates(&self) -> Vec<SocketAddr>;
    }
}
use sealed::Candidates;

/// The result of the first address with which `f` succeeds, or else the last error.
pub(super) fn first_of<T>(
    addresses: &(impl Candidates + ?Sized),
    mut f: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses.candidates() {
        match f(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// The error of an empty list.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no address to try")
}

macro_rules! one_address {
    ($($type:ty),*) => {$(
        impl Candidates for $type {
            fn candidates(&self) -> Vec<SocketAddr> {
                vec![SocketAddr::from(*self)]
            }
        }
    )*};
}

one_address!(
    SocketAddr,
    SocketAddrV4,
    SocketAddrV6,
    (IpAddr, u16),
    (Ipv4Addr, u16),
    (Ipv6Addr, u16),
    ([u8; 4], u16),
    ([u8; 16], u16),
    ([u16; 8], u16)
);

impl Candidates for [SocketAddr] {
    fn candidates(&self) -> Vec<SocketAddr> {
        self.to_vec()
    }
}

impl<const N: usize> Candidates for [SocketAddr; N] {
    fn candidates(&self) -> Vec<SocketAddr> {
        self.to_vec()
    }
}

impl Candidates for Vec<SocketAddr> {
    fn candidates(&self) -> Vec<SocketAddr> {
        self.clone()
    }
}

impl<T: Candidates + ?Sized> Candidates for &T {
    fn candidates(&self) -> Vec<SocketAddr> {
        (**self).candidates()
    }
}

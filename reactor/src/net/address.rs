//! What can be connected to or listened at.

#![forbid(unsafe_code)]

use std::io;
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs as _,
};
use std::vec;

/// One or several socket addresses, tried one after the other.
///
/// It is implemented for [`SocketAddr`] and its variants, for pairs of an IP address and a port, and for slices, arrays
/// and vectors of [`SocketAddr`]. Also for strings such as `"127.0.0.1:80"`, `"[::1]:80"` and `"localhost:80"`, and for
/// pairs of a string and a port: `("localhost", 80)`.
///
/// # Names
///
/// Functions that are `async` look names up on a thread of a pool ([`spawn_blocking`](crate::spawn_blocking)). Those
/// that are not, such as `bind`, would block the thread by that, and so all tasks: they take IP addresses only, also in
/// strings, and give an error for names. [`lookup_host`] gives them the addresses.
///
/// This trait is sealed: its methods are no part of the interface.
pub trait ToSocketAddrs: sealed::Candidates {}

impl<T: sealed::Candidates + ?Sized> ToSocketAddrs for T {}

pub(super) mod sealed {
    use std::io;
    use std::net::SocketAddr;

    /// What is tried.
    #[derive(Debug)]
    pub enum Target {
        /// The addresses, in the order in which they are tried.
        Known(Vec<SocketAddr>),
        /// A name that is to be looked up, and a port.
        Named(String, u16),
    }

    pub trait Candidates {
        /// # Errors
        ///
        /// For a string that is not of the form `host:port`.
        fn candidates(&self) -> io::Result<Target>;
    }
}
use sealed::{Candidates, Target};

/// Looks a name up, on a thread of a pool.
///
/// What is an address already is given as it is.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// reactor::block_on(async {
///     let addresses = reactor::net::lookup_host("localhost:80").await?;
///     for address in addresses {
///         assert!(address.ip().is_loopback() && address.port() == 80);
///     }
///     Ok(())
/// })
/// # }
/// ```
///
/// # Errors
///
/// The system's: the name is not known, or nobody who knows could be asked.
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for a string that is not of the form `host:port`.
///
/// # Cancellation
///
/// Ends the wait. A look-up that has begun goes on, to no effect.
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<vec::IntoIter<SocketAddr>> {
    resolve(host).await.map(Vec::into_iter)
}

/// The addresses, in the order in which they are tried.
pub(super) async fn resolve(addresses: impl Candidates) -> io::Result<Vec<SocketAddr>> {
    match addresses.candidates()? {
        Target::Known(addresses) => Ok(addresses),
        Target::Named(name, port) => {
            let look_up = move || (name, port).to_socket_addrs().map(Iterator::collect);
            crate::pool::run(look_up).await
        }
    }
}

/// The result of the first address with which `f` succeeds, or else the last error. Names are not looked up.
pub(super) fn first_of<T>(
    addresses: &(impl Candidates + ?Sized),
    mut f: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let addresses = match addresses.candidates()? {
        Target::Known(addresses) => addresses,
        Target::Named(name, _) => return Err(not_looked_up(&name)),
    };
    let mut last = None;
    for address in addresses {
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

fn not_looked_up(name: &str) -> io::Error {
    let message = format!(
        "`{name}` is no IP address, and to look it up here would block: await `lookup_host`"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

macro_rules! one_address {
    ($($type:ty),*) => {$(
        impl Candidates for $type {
            fn candidates(&self) -> io::Result<Target> {
                Ok(Target::Known(vec![SocketAddr::from(*self)]))
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
    fn candidates(&self) -> io::Result<Target> {
        Ok(Target::Known(self.to_vec()))
    }
}

impl<const N: usize> Candidates for [SocketAddr; N] {
    fn candidates(&self) -> io::Result<Target> {
        Ok(Target::Known(self.to_vec()))
    }
}

impl Candidates for Vec<SocketAddr> {
    fn candidates(&self) -> io::Result<Target> {
        Ok(Target::Known(self.clone()))
    }
}

impl<T: Candidates + ?Sized> Candidates for &T {
    fn candidates(&self) -> io::Result<Target> {
        (**self).candidates()
    }
}

impl Candidates for (&str, u16) {
    fn candidates(&self) -> io::Result<Target> {
        let (host, port) = *self;
        Ok(match host.parse::<IpAddr>() {
            Ok(address) => Target::Known(vec![SocketAddr::new(address, port)]),
            Err(_) => Target::Named(host.to_owned(), port),
        })
    }
}

impl Candidates for (String, u16) {
    fn candidates(&self) -> io::Result<Target> {
        (&*self.0, self.1).candidates()
    }
}

impl Candidates for str {
    fn candidates(&self) -> io::Result<Target> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.candidates();
        }
        // An IPv6 address without brackets is no name.
        let split =
            self.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(':'));
        match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            Some((host, port)) => Ok(Target::Named(host.to_owned(), port)),
            None => {
                let message = format!("`{self}` is not of the form `host:port`");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}

impl Candidates for String {
    fn candidates(&self) -> io::Result<Target> {
        (**self).candidates()
    }
}

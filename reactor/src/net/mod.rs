//! Sockets.
//!
//! All of them are `Send` and `Sync`, and may be used on any thread while their runtime runs on some thread. When it is
//! gone, every operation that could wait gives an error. An operation that waits panics on the thread on which its
//! runtime ran, but outside of it: nothing would wake the task.

mod address;
mod stream;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;

pub use self::address::{ToSocketAddrs, lookup_host};
pub use self::stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use self::tcp::{TcpListener, TcpStream};
pub use self::udp::UdpSocket;
#[cfg(unix)]
pub use self::unix::{UnixDatagram, UnixListener, UnixStream};

/// Connections that wait to be accepted. The listeners of `mio` have room for 128, which a burst fills. The system has
/// a limit of its own. (tokio asks for as many.)
const BACKLOG: i32 = 1024;

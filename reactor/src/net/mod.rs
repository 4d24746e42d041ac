//! Sockets.

mod io;
mod tcp;

pub use self::tcp::{TcpListener, TcpStream};

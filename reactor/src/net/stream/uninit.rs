//! Reads into memory that is not initialised: the `unsafe` code of the sockets.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};

use socket2::SockRef;

use crate::net::stream::{ByteStream, poll_read_by};

/// Reads into `buffer`. Gives how many of its first bytes are initialised now.
///
/// That number is the system's own, of the call that wrote the bytes: `poll_read_by` hands on what `recv` gave.
fn poll_recv<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> Poll<io::Result<usize>> {
    poll_read_by(stream, cx, buffer.len(), |system| SockRef::from(system).recv(buffer))
}

/// Reads into what is left of a buffer of tokio's.
#[cfg(feature = "tokio")]
pub(super) fn poll_fill_tokio<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    buffer: &mut tokio::io::ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: `poll_recv` and the system write bytes there, nothing that is not initialised.
    let unfilled = unsafe { buffer.unfilled_mut() };
    let read = ready!(poll_recv(stream, cx, unfilled))?;
    // SAFETY: `poll_recv` says that so many bytes of the unfilled part are initialised.
    unsafe { buffer.assume_init(read) };
    buffer.advance(read);
    Poll::Ready(Ok(()))
}

/// Reads into what is left of a buffer of hyper's.
#[cfg(feature = "hyper")]
pub(super) fn poll_fill_hyper<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    mut cursor: hyper::rt::ReadBufCursor<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: `poll_recv` and the system write bytes there, nothing that is not initialised.
    let unfilled = unsafe { cursor.as_mut() };
    let read = ready!(poll_recv(stream, cx, unfilled))?;
    // SAFETY: `poll_recv` says that so many bytes of the unfilled part are initialised.
    unsafe { cursor.advance(read) };
    Poll::Ready(Ok(()))
}

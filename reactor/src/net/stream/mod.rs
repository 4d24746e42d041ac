//! What TCP and Unix streams have in common: bytes in two directions, the halves of a stream, and the traits of others.
//!
//! A trait of another crate cannot be implemented for all [`ByteStream`]s at once. So each family of traits has a macro
//! for its way of reading, and all have one for writing, which `for_all_readers` and `for_all_writers` apply to every
//! type.

mod futures;
#[cfg(feature = "hyper")]
mod hyper;
mod split;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(any(feature = "hyper", feature = "tokio"))]
#[allow(unsafe_code)]
mod uninit;

use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::task::{Context, Poll, ready};

pub(super) use self::split::into_split;
pub use self::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
use crate::budget;
use crate::driver::Side;
use crate::io::{AsSystem, Io};

/// A connection that carries bytes.
pub(crate) trait ByteStream: Sized {
    type System: mio::event::Source + AsSystem;

    /// Whether a read that gives less than asked for has taken all there is: see [`Io::poll_read`].
    const SHORT_READS_EMPTY: bool;

    fn io(&self) -> &Io<Self::System>;
    fn read(system: &Self::System, buffer: &mut [u8]) -> io::Result<usize>;
    fn read_vectored(system: &Self::System, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    fn write(system: &Self::System, data: &[u8]) -> io::Result<usize>;
    fn write_vectored(system: &Self::System, data: &[IoSlice<'_>]) -> io::Result<usize>;
    fn shutdown(system: &Self::System, how: Shutdown) -> io::Result<()>;
}

/// Implements [`ByteStream`] by the system type's `Read` and `Write`.
macro_rules! byte_stream {
    ($type:ty, $system:ty, short_reads_empty: $short:expr) => {
        impl $crate::net::stream::ByteStream for $type {
            type System = $system;

            const SHORT_READS_EMPTY: bool = $short;

            fn io(&self) -> &$crate::io::Io<$system> {
                &self.io
            }

            fn read(mut system: &$system, buffer: &mut [u8]) -> std::io::Result<usize> {
                std::io::Read::read(&mut system, buffer)
            }

            fn read_vectored(
                mut system: &$system,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                std::io::Read::read_vectored(&mut system, buffers)
            }

            fn write(mut system: &$system, data: &[u8]) -> std::io::Result<usize> {
                std::io::Write::write(&mut system, data)
            }

            fn write_vectored(
                mut system: &$system,
                data: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                std::io::Write::write_vectored(&mut system, data)
            }

            fn shutdown(system: &$system, how: std::net::Shutdown) -> std::io::Result<()> {
                system.shutdown(how)
            }
        }
        $crate::net::stream::byte_stream!(@end Reader for $type);
        $crate::net::stream::byte_stream!(@end Writer for $type);
    };
    (@end $end:ident for $type:ty) => {
        impl $crate::net::stream::$end for $type {
            type Stream = $type;

            fn stream(&self) -> &$type {
                self
            }
        }

        impl $crate::net::stream::$end for &$type {
            type Stream = $type;

            fn stream(&self) -> &$type {
                self
            }
        }
    };
}
pub(super) use byte_stream;

/// Something that reads from a stream, by shared reference.
pub(crate) trait Reader {
    type Stream: ByteStream;
    fn stream(&self) -> &Self::Stream;
}

/// Something that writes to a stream, by shared reference.
pub(crate) trait Writer {
    type Stream: ByteStream;
    fn stream(&self) -> &Self::Stream;
}

/// Applies a macro `([generics] type)` to every [`Reader`].
macro_rules! for_all_readers {
    ($implement:ident) => {
        $implement!([] crate::net::TcpStream);
        $implement!([] &crate::net::TcpStream);
        #[cfg(unix)]
        $implement!([] crate::net::UnixStream);
        #[cfg(unix)]
        $implement!([] &crate::net::UnixStream);
        $implement!([S: crate::net::stream::ByteStream] crate::net::ReadHalf<'_, S>);
        $implement!([S: crate::net::stream::ByteStream] crate::net::OwnedReadHalf<S>);
    };
}
use for_all_readers;

/// Applies a macro `([generics] type with)` to every [`Writer`].
macro_rules! for_all_writers {
    ($implement:ident $($with:tt)*) => {
        $implement!([] crate::net::TcpStream $($with)*);
        $implement!([] &crate::net::TcpStream $($with)*);
        #[cfg(unix)]
        $implement!([] crate::net::UnixStream $($with)*);
        #[cfg(unix)]
        $implement!([] &crate::net::UnixStream $($with)*);
        $implement!([S: crate::net::stream::ByteStream] crate::net::WriteHalf<'_, S> $($with)*);
        $implement!([S: crate::net::stream::ByteStream] crate::net::OwnedWriteHalf<S> $($with)*);
    };
}
use for_all_writers;

/// Implements a family's trait of writers. `$end` is its name for the end of writing; `$is_vectored`, if it has that,
/// for the question whether slices are written together.
macro_rules! write_trait {
    ([$($generics:tt)*] $type:ty: $Trait:ident, $end:ident $(, $is_vectored:ident)?) => {
        impl<$($generics)*> $Trait for $type {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                data: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let stream = $crate::net::stream::Writer::stream(&*self);
                $crate::net::stream::poll_write(stream, cx, data)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                data: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let stream = $crate::net::stream::Writer::stream(&*self);
                $crate::net::stream::poll_write_vectored(stream, cx, data)
            }

            $(fn $is_vectored(&self) -> bool {
                true
            })?

            /// Does nothing: nothing is buffered here.
            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            /// Ends writing; reading goes on.
            fn $end(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $crate::net::stream::poll_end($crate::net::stream::Writer::stream(&*self), cx)
            }
        }
    };
}
use write_trait;

/// The result of an operation on no bytes: the system would make it wait for nothing.
fn nothing(cx: &Context<'_>) -> Poll<io::Result<usize>> {
    budget::poll_proceed(cx).map(|()| Ok(0))
}

pub(super) fn poll_read<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    poll_read_by(stream, cx, buffer.len(), |system| S::read(system, buffer))
}

fn poll_read_vectored<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    buffers: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>> {
    let asked = buffers.iter().map(|buffer| buffer.len()).sum();
    poll_read_by(stream, cx, asked, |system| S::read_vectored(system, buffers))
}

/// Reads up to `asked` bytes by `read`.
fn poll_read_by<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    asked: usize,
    read: impl FnMut(&S::System) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    if asked == 0 {
        nothing(cx)
    } else if S::SHORT_READS_EMPTY {
        stream.io().poll_read(cx, asked, read)
    } else {
        stream.io().poll(Side::Read, cx, read)
    }
}

fn poll_write<S: ByteStream>(stream: &S, cx: &Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
    if data.is_empty() {
        return nothing(cx);
    }
    stream.io().poll(Side::Write, cx, |system| S::write(system, data))
}

fn poll_write_vectored<S: ByteStream>(
    stream: &S,
    cx: &Context<'_>,
    data: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if data.iter().all(|slice| slice.is_empty()) {
        return nothing(cx);
    }
    stream.io().poll(Side::Write, cx, |system| S::write_vectored(system, data))
}

/// Ends writing; reading goes on.
fn poll_end<S: ByteStream>(stream: &S, cx: &Context<'_>) -> Poll<io::Result<()>> {
    ready!(budget::poll_proceed(cx));
    match S::shutdown(stream.io().source(), Shutdown::Write) {
        // The other end was faster.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
        result => Poll::Ready(result),
    }
}

/// For methods that any number of tasks call at a time.
pub(super) async fn read<S: ByteStream>(stream: &S, buffer: &mut [u8]) -> io::Result<usize> {
    if buffer.is_empty() {
        return std::future::poll_fn(|cx| nothing(cx)).await;
    }
    let asked = buffer.len();
    if S::SHORT_READS_EMPTY {
        stream.io().read(asked, |system| S::read(system, buffer)).await
    } else {
        stream.io().perform(Side::Read, |system| S::read(system, buffer)).await
    }
}

/// For methods that any number of tasks call at a time.
pub(super) async fn write<S: ByteStream>(stream: &S, data: &[u8]) -> io::Result<usize> {
    if data.is_empty() {
        return std::future::poll_fn(|cx| nothing(cx)).await;
    }
    stream.io().perform(Side::Write, |system| S::write(system, data)).await
}

/// Writes all of `data`.
pub(super) async fn write_all<S: ByteStream>(stream: &S, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match write(stream, data).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => data = &data[written..],
        }
    }
    Ok(())
}

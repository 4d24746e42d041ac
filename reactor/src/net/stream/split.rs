//! The reading and the writing half of a stream.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::Shutdown;
use std::ops::Deref;
use std::sync::Arc;

use crate::net::stream::{ByteStream, Reader, Writer};

/// The reading half of a borrowed stream: see [`TcpStream::split`](crate::net::TcpStream::split).
pub struct ReadHalf<'a, S>(pub(crate) &'a S);

/// The writing half of a borrowed stream: see [`TcpStream::split`](crate::net::TcpStream::split).
pub struct WriteHalf<'a, S>(pub(crate) &'a S);

/// The reading half of a stream: see [`TcpStream::into_split`](crate::net::TcpStream::into_split).
///
/// The stream is closed when both halves are dropped.
pub struct OwnedReadHalf<S>(Arc<S>);

/// The writing half of a stream: see [`TcpStream::into_split`](crate::net::TcpStream::into_split).
///
/// # Dropping
///
/// Ends writing, so that the other end reads 0 bytes; [`forget`](OwnedWriteHalf::forget) does not.
pub struct OwnedWriteHalf<S> {
    /// `None` once it is taken out.
    stream: Option<Arc<S>>,
    /// For the destructor, which cannot ask for a trait that the type does not ask for.
    end: fn(&S),
}

pub(crate) fn into_split<S: ByteStream>(stream: S) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    // An error says that the connection has ended.
    let end = |stream: &S| drop(S::shutdown(stream.io().source(), Shutdown::Write));
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream: Some(stream), end })
}

impl<S> OwnedReadHalf<S> {
    /// Puts the halves of one stream together again.
    ///
    /// # Errors
    ///
    /// Gives the halves back if they are of two streams.
    pub fn reunite(self, other: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
        if !Arc::ptr_eq(&self.0, other.stream()) {
            return Err(ReuniteError(self, other));
        }
        other.forget();
        Ok(Arc::into_inner(self.0).expect("a stream has two halves"))
    }
}

impl<S> OwnedWriteHalf<S> {
    fn stream(&self) -> &Arc<S> {
        self.stream.as_ref().expect("there until it is dropped")
    }

    /// Drops it, but goes on with writing: the other end learns nothing until both halves are dropped.
    pub fn forget(mut self) {
        self.stream = None;
    }

    /// Puts the halves of one stream together again.
    ///
    /// # Errors
    ///
    /// Gives the halves back if they are of two streams.
    pub fn reunite(self, other: OwnedReadHalf<S>) -> Result<S, ReuniteError<S>> {
        other.reunite(self)
    }
}

impl<S> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            (self.end)(stream);
        }
    }
}

/// Two halves that are not of one stream.
pub struct ReuniteError<S>(pub OwnedReadHalf<S>, pub OwnedWriteHalf<S>);

impl<S> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these are halves of two streams")
    }
}

impl<S> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReuniteError")
    }
}

impl<S> std::error::Error for ReuniteError<S> {}

/// The stream, for its addresses and options.
impl<S> Deref for ReadHalf<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.0
    }
}

/// The stream, for its addresses and options.
impl<S> Deref for WriteHalf<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.0
    }
}

/// The stream, for its addresses and options.
impl<S> Deref for OwnedReadHalf<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.0
    }
}

/// The stream, for its addresses and options.
impl<S> Deref for OwnedWriteHalf<S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.stream()
    }
}

macro_rules! debug {
    ($($name:ident: $type:ty),*) => {$(
        impl<S: fmt::Debug> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&&**self).finish()
            }
        }
    )*};
}
debug!(
    ReadHalf: ReadHalf<'_, S>,
    WriteHalf: WriteHalf<'_, S>,
    OwnedReadHalf: OwnedReadHalf<S>,
    OwnedWriteHalf: OwnedWriteHalf<S>
);

impl<S: ByteStream> Reader for ReadHalf<'_, S> {
    type Stream = S;
    fn stream(&self) -> &S {
        self.0
    }
}

impl<S: ByteStream> Writer for WriteHalf<'_, S> {
    type Stream = S;
    fn stream(&self) -> &S {
        self.0
    }
}

impl<S: ByteStream> Reader for OwnedReadHalf<S> {
    type Stream = S;
    fn stream(&self) -> &S {
        &self.0
    }
}

impl<S: ByteStream> Writer for OwnedWriteHalf<S> {
    type Stream = S;
    fn stream(&self) -> &S {
        self.stream()
    }
}

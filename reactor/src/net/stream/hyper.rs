//! The traits of `hyper::rt`.
#![forbid(unsafe_code)]

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::net::stream::{self, Reader, Writer, for_all_readers, for_all_writers};

macro_rules! read {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> Read for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                stream::uninit::poll_fill_hyper(Reader::stream(&*self), cx, buffer)
            }
        }
    };
}
for_all_readers!(read);

macro_rules! write {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> Write for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                stream::poll_write(Writer::stream(&*self), cx, data)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                stream::poll_write_vectored(Writer::stream(&*self), cx, data)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            /// Does nothing: nothing is buffered here.
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Ends writing; reading goes on.
            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                stream::poll_end(Writer::stream(&*self), cx)
            }
        }
    };
}
for_all_writers!(write);

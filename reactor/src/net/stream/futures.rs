//! The traits of `futures-io`.
#![forbid(unsafe_code)]

use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::net::stream::{self, Reader, for_all_readers, for_all_writers, write_trait};

macro_rules! read {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                stream::poll_read(Reader::stream(&*self), cx, buffer)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                stream::poll_read_vectored(Reader::stream(&*self), cx, buffers)
            }
        }
    };
}
for_all_readers!(read);

for_all_writers!(write_trait: AsyncWrite, poll_close);

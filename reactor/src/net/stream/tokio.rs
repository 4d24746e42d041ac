//! The traits of `tokio::io`.
#![forbid(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::stream::{self, Reader, for_all_readers, for_all_writers, write_trait};

macro_rules! read {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                stream::uninit::poll_fill_tokio(Reader::stream(&*self), cx, buffer)
            }
        }
    };
}
for_all_readers!(read);

for_all_writers!(write_trait: AsyncWrite, poll_shutdown, is_write_vectored);

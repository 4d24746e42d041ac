//! The traits of `hyper::rt`.
#![forbid(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::net::stream::{self, Reader, for_all_readers, for_all_writers, write_trait};

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

for_all_writers!(write_trait: Write, poll_shutdown, is_write_vectored);

//! tokio.

use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Result;
use hyper_util::rt::TokioIo;
use lab_work::clock::Cost;
use lab_work::flavour::Flavour;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net;
use tokio::runtime::Builder;

use crate::runtime::{Main, Runtime, Socket};

/// On the current thread.
pub(crate) struct Current;

/// On several.
pub(crate) struct Multi;

/// What does not depend on the flavour.
macro_rules! runtime {
    ($name:ident, $builder:expr) => {
        impl Runtime for $name {
            type Unix = Tokio<net::UnixStream>;
            type Tcp = Tokio<net::TcpStream>;
            type Http = TokioIo<net::TcpStream>;

            fn block_on(main: Main) -> Result<Cost> {
                $builder.enable_all().build()?.block_on(main)
            }

            fn spawn<F>(future: F) -> impl Future<Output = F::Output> + Send + 'static
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                let task = tokio::spawn(future);
                async move { task.await.expect("the task ends") }
            }

            fn detach<F>(future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                drop(tokio::spawn(future));
            }

            fn yield_now() -> impl Future<Output = ()> + Send + 'static {
                tokio::task::yield_now()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
                tokio::time::sleep(duration)
            }

            fn pair() -> io::Result<(Self::Unix, Self::Unix)> {
                let (one, other) = net::UnixStream::pair()?;
                Ok((Tokio(one), Tokio(other)))
            }

            fn adopt(stream: TcpStream) -> io::Result<Self::Tcp> {
                Ok(Tokio(net::TcpStream::from_std(stream)?))
            }

            fn http(connection: Self::Tcp) -> Self::Http {
                TokioIo::new(connection.0)
            }
        }
    };
}

runtime! { Current, Builder::new_current_thread() }
runtime! { Multi, Builder::new_multi_thread().worker_threads(Flavour::WORKERS) }

/// A socket with the traits of tokio.
pub(crate) struct Tokio<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for Tokio<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}

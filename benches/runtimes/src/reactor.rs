//! This project's runtime.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use lab_work::clock::Cost;
use lab_work::flavour::Flavour;
use reactor::{Builder, LocalRuntime, net};

use crate::runtime::{Futures, Main, Runtime};

/// On the current thread.
pub(crate) struct Current;

/// On several.
pub(crate) struct Multi;

/// What does not depend on the flavour.
macro_rules! runtime {
    ($name:ident, $runtime:expr) => {
        impl Runtime for $name {
            type Unix = Futures<net::UnixStream>;
            type Tcp = Futures<net::TcpStream>;
            type Http = net::TcpStream;

            fn block_on(main: Main) -> Result<Cost> {
                $runtime.block_on(main)
            }

            fn spawn<F>(future: F) -> impl Future<Output = F::Output> + Send + 'static
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                let task = reactor::spawn(future);
                async move { task.await.expect("the task ends") }
            }

            fn detach<F>(future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                drop(reactor::spawn(future));
            }

            fn yield_now() -> impl Future<Output = ()> + Send + 'static {
                reactor::yield_now()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
                reactor::sleep(duration)
            }

            fn pair() -> io::Result<(Self::Unix, Self::Unix)> {
                let (one, other) = net::UnixStream::pair()?;
                Ok((Futures(one), Futures(other)))
            }

            fn adopt(stream: TcpStream) -> io::Result<Self::Tcp> {
                Ok(Futures(net::TcpStream::from_std(stream)?))
            }

            fn http(connection: Self::Tcp) -> Self::Http {
                connection.0
            }
        }
    };
}

runtime! { Current, LocalRuntime::new()? }
runtime! { Multi, Builder::new().worker_threads(Flavour::WORKERS).build()? }

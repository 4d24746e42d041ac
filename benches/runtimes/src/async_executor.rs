//! The executors of async-executor with the event queue of async-io: what smol consists of.

use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use async_executor::{Executor, LocalExecutor};
use async_io::{Async, Timer};
use futures::channel::oneshot;
use lab_work::clock::Cost;
use lab_work::flavour::Flavour;
use smol_hyper::rt::FuturesIo;

use crate::runtime::{Futures, Main, Runtime};

thread_local! {
    static LOCAL: LocalExecutor<'static> = const { LocalExecutor::new() };
}

static GLOBAL: Executor<'static> = Executor::new();

/// On the current thread.
pub(crate) struct Current;

/// On several.
pub(crate) struct Multi;

/// What does not depend on the flavour.
macro_rules! runtime {
    ($name:ident, block_on = $block_on:path, spawn = |$future:ident| $spawn:expr) => {
        impl Runtime for $name {
            type Unix = Futures<Async<std::os::unix::net::UnixStream>>;
            type Tcp = Futures<Async<TcpStream>>;
            type Http = FuturesIo<Async<TcpStream>>;

            fn block_on(main: Main) -> Result<Cost> {
                $block_on(main)
            }

            fn spawn<F>($future: F) -> impl Future<Output = F::Output> + Send + 'static
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                $spawn
            }

            fn detach<F>($future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                $spawn.detach();
            }

            fn yield_now() -> impl Future<Output = ()> + Send + 'static {
                futures_lite::future::yield_now()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
                let timer = Timer::after(duration);
                async move {
                    timer.await;
                }
            }

            fn pair() -> io::Result<(Self::Unix, Self::Unix)> {
                let (one, other) = Async::<std::os::unix::net::UnixStream>::pair()?;
                Ok((Futures(one), Futures(other)))
            }

            fn adopt(stream: TcpStream) -> io::Result<Self::Tcp> {
                Ok(Futures(Async::new(stream)?))
            }

            fn http(connection: Self::Tcp) -> Self::Http {
                FuturesIo::new(connection.0)
            }
        }
    };
}

runtime! { Current, block_on = on_this_thread, spawn = |future| LOCAL.with(|local| local.spawn(future)) }
runtime! { Multi, block_on = with_workers, spawn = |future| GLOBAL.spawn(future) }

fn on_this_thread(main: Main) -> Result<Cost> {
    LOCAL.with(|local| async_io::block_on(local.run(main)))
}

fn with_workers(main: Main) -> Result<Cost> {
    thread::scope(|scope| {
        let stop: Vec<_> = (0..Flavour::WORKERS)
            .map(|_| {
                let (stop, stopped) = oneshot::channel::<()>();
                scope.spawn(|| async_io::block_on(GLOBAL.run(stopped)));
                stop
            })
            .collect();
        let output = async_io::block_on(main);
        // What the workers wait for.
        drop(stop);
        output
    })
}

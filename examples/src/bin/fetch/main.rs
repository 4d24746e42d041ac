//! Three fetches, each of which names the next: the program of the Pre-RFC "CPS transform for
//! generators", under tokio and under `reactor`.
//!
//! The coroutines know neither runtime. When a response arrives, the wake-up resumes the function
//! that waits for it, five calls deep, and none of its callers.

mod client;
mod server;

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use cps_core::{coroutine_block, cps};
use futures::io::{AsyncRead, AsyncWrite};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::client::fetch;

/// Follows three links from `name`, over connections that `connect` opens.
#[cps]
async fn f<S>(
    connect: &impl AsyncFn(SocketAddr) -> io::Result<S>,
    server: SocketAddr,
    name: &str,
) -> io::Result<[String; 3]>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let a = fetch(connect, &format!("http://{server}/{name}.txt")).await?;
    let b = fetch(connect, &format!("http://{server}/{a}.txt")).await?;
    let c = fetch(connect, &format!("http://{server}/{b}.txt")).await?;
    Ok([a, b, c])
}

/// A coroutine is spawned like any future; this one is `Send`.
fn under_tokio(server: SocketAddr) -> Result<[String; 3], Box<dyn Error>> {
    async fn connect(address: SocketAddr) -> io::Result<Compat<tokio::net::TcpStream>> {
        Ok(tokio::net::TcpStream::connect(address).await?.compat())
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let task = runtime.spawn(coroutine_block! { f(&connect, server, "a").await }.into_future());
    Ok(runtime.block_on(task)??)
}

fn under_reactor(server: SocketAddr) -> Result<[String; 3], Box<dyn Error>> {
    async fn connect(address: SocketAddr) -> io::Result<reactor::net::TcpStream> {
        reactor::net::TcpStream::connect(address).await
    }
    Ok(reactor::block_on(f(&connect, server, "a").into_future())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = server::start()?;
    for (runtime, got) in [("tokio", under_tokio(server)?), ("reactor", under_reactor(server)?)] {
        println!("{runtime}: a -> {}", got.join(" -> "));
        if got != ["b", "c", "d"] {
            return Err(format!("{runtime}: expected b, c, d").into());
        }
    }
    Ok(())
}

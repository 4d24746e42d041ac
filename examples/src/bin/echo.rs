//! A TCP echo server on all cores: the multi-thread `Runtime` of `reactor`, with a task for each connection.
//!
//! `echo [address]` listens at 127.0.0.1:7007 by default, and ends with its standard input (Ctrl-D). The handler of a
//! connection is a chain of coroutines. When bytes arrive, the worker resumes `receive`, the innermost of them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use cps_core::prelude::*;
use reactor::net::{TcpListener, TcpStream};
use reactor::{Runtime, sleep};

/// A connection that says nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Starts a task for each connection.
#[cps]
async fn accept_all(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(reactor::spawn(session(stream, peer))),
            Err(error) => {
                // Mostly: too many open files. It takes others' ends to change that.
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[cps]
async fn session(stream: TcpStream, peer: SocketAddr) {
    match echo(&stream).await {
        Ok(bytes) => println!("{peer}: {bytes} bytes"),
        Err(error) => eprintln!("{peer}: {error}"),
    }
}

/// Sends everything back until the peer has no more to say; gives the number of bytes.
#[cps]
async fn echo(stream: &TcpStream) -> io::Result<u64> {
    let mut buffer = [0; 4096];
    let mut total = 0;
    loop {
        let received = receive(stream, &mut buffer).await?;
        if received.is_empty() {
            return Ok(total);
        }
        stream.write_all(received).await?;
        total += received.len() as u64;
    }
}

/// Some bytes; none at the end.
#[cps]
async fn receive<'b>(stream: &TcpStream, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let length = timeout(sleep(IDLE), stream.read(buffer)).await.map_err(io::Error::other)??;
    Ok(&buffer[..length])
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    let address: SocketAddr = address.parse()?;
    let runtime = Runtime::new()?;
    let listener = {
        let _entered = runtime.enter(); // A socket belongs to the runtime in which it is made.
        TcpListener::bind(address)?
    };
    println!("{} by {} workers", listener.local_addr()?, runtime.workers());
    let accepting = runtime.spawn(accept_all(listener));

    // The workers do it all: this thread may block.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    accepting.abort();
    Ok(()) // The runtime is dropped, which cancels what is left.
}

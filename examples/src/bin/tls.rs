//! TLS on `reactor`: a server that answers each line with its length, by rustls on the traits of `futures`.
//!
//! `tls [address]` listens at 127.0.0.1:7011 by default, with a certificate that it makes itself and prints, and ends
//! with its standard input (Ctrl-D). Nothing of it knows that the bytes are encrypted but `handshake`: a `TlsStream` is
//! a stream like the `TcpStream` in it.
//!
//! Try it with `openssl s_client -connect 127.0.0.1:7011`.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cps_core::prelude::*;
use futures::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use futures_rustls::server::TlsStream;
use reactor::net::{TcpListener, TcpStream};
use reactor::{Runtime, sleep};

/// So long may a client take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection with a certificate for `localhost`, which nobody else has signed; and that, as text.
fn self_signed() -> Result<(TlsAcceptor, String), Box<dyn Error>> {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())?;
    Ok((TlsAcceptor::from(Arc::new(config)), certified.cert.pem()))
}

/// Starts a task for each connection.
#[cps]
async fn accept_all(listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(reactor::spawn(session(stream, peer, acceptor.clone()))),
            Err(error) => {
                // Mostly: too many open files. It takes others' ends to change that.
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[cps]
async fn session(stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor) {
    let ended = match handshake(stream, &acceptor).await {
        Ok(stream) => answer_all(stream).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(lines) => println!("{peer}: {lines} lines"),
        Err(error) => println!("{peer}: {error}"),
    }
}

/// Agrees on a key. What a handshake waits for is the socket: a wake-up resumes this function, and no caller.
#[cps]
async fn handshake(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<TlsStream<TcpStream>> {
    match timeout(sleep(HANDSHAKE), acceptor.accept(stream)).await {
        Ok(agreed) => agreed,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Answers lines until the client has no more; gives their number.
#[cps]
async fn answer_all(stream: TlsStream<TcpStream>) -> io::Result<u64> {
    let mut stream = BufReader::new(stream);
    let mut lines = 0;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = format!("{}\n", line.trim_end().len());
        stream.get_mut().write_all(answer.as_bytes()).await?;
        stream.get_mut().flush().await?; // What was written may wait for more, to be encrypted with it.
        line.clear();
        lines += 1;
    }
    stream.close().await?; // Says so to the client, as TLS asks for.
    Ok(lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7011".to_owned());
    let address: SocketAddr = address.parse()?;
    let (acceptor, certificate) = self_signed()?;
    let runtime = Runtime::new()?;
    let listener = {
        let _entered = runtime.enter(); // A socket belongs to the runtime in which it is made.
        TcpListener::bind(address)?
    };
    println!("{} has this certificate:\n{certificate}", listener.local_addr()?);
    let accepting = runtime.spawn(accept_all(listener, acceptor));

    // The workers do it all: this thread may block.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    accepting.abort();
    Ok(()) // The runtime is dropped, which cancels what is left.
}

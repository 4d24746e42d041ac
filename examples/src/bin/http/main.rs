//! An HTTP/1.1 server: hyper on the multi-thread `Runtime` of `reactor`, without tokio.
//!
//! `http [address] [limit in ms]` listens at 127.0.0.1:7009 by default. A request may take ten seconds, or the limit.
//! When the standard input ends (Ctrl-D), the server accepts no more connections, answers the requests that it has,
//! and ends.
//!
//! | request | answer |
//! |---|---|
//! | `GET /pages/{name}` | a page of two parts, which are loaded at the same time; `lost` is never there in time |
//! | `POST /words` | the number of words in the body |

mod handlers;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use cps_core::prelude::*;
use futures::future::{self, Either};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use reactor::net::{TcpListener, TcpStream};
use reactor::time::HyperTimer;
use reactor::{Runtime, sleep};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A connection that sends no head of a request for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Requests that are not answered so long after the end was asked for are cancelled.
const DRAIN: Duration = Duration::from_secs(30);

/// Accepts until `end`, then waits for the connections that are open.
#[cps]
async fn serve(listener: TcpListener, limit: Duration, end: CancellationToken) {
    // Nothing is sent: the channel ends with the last connection.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let open = open.clone();
                let end = end.clone();
                reactor::spawn(coroutine_block!(async move {
                    if let Err(error) = connection(stream, limit, end).await {
                        eprintln!("{peer}: {error}");
                    }
                    drop(open);
                }));
            }
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop((listener, open));
    if timeout(sleep(DRAIN), all_closed.recv()).await.is_err() {
        eprintln!("some requests were not answered");
    }
}

/// Answers the requests of one connection; at the end, the one that it is at.
#[cps]
async fn connection(
    stream: TcpStream,
    limit: Duration,
    end: CancellationToken,
) -> hyper::Result<()> {
    let respond = service_fn(|request| handlers::respond(request, limit));
    let mut http = http1::Builder::new();
    http.timer(HyperTimer).header_read_timeout(IDLE);
    let mut served = pin!(http.serve_connection(stream, respond));
    match future::select(served.as_mut(), pin!(end.cancelled())).await {
        Either::Left((result, _)) => return result,
        Either::Right(_) => served.as_mut().graceful_shutdown(),
    }
    served.await
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().as_deref().unwrap_or("127.0.0.1:7009").parse()?;
    let limit = Duration::from_millis(arguments.next().map_or(Ok(10_000), |ms| ms.parse())?);
    let runtime = Runtime::new()?;
    let listener = {
        let _entered = runtime.enter(); // A socket belongs to the runtime in which it is made.
        TcpListener::bind(address)?
    };
    println!("http://{}", listener.local_addr()?);
    let end = CancellationToken::new();
    let server = runtime.spawn(serve(listener, limit, end.clone()));

    // The workers do it all: this thread may block.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    end.cancel();
    runtime.block_on(server)?;
    Ok(())
}

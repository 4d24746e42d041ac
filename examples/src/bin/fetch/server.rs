//! The other side: an HTTP/1.1 server on a thread of its own, by hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use std::{io, thread};

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// `/a.txt` says b, `/b.txt` says c, `/c.txt` says d; a little late, so that clients have to wait.
async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    let (status, text) = match request.uri().path() {
        "/a.txt" => (StatusCode::OK, "b"),
        "/b.txt" => (StatusCode::OK, "c"),
        "/c.txt" => (StatusCode::OK, "d"),
        _ => (StatusCode::NOT_FOUND, ""),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}

/// Serves on a free port of the loopback interface until the process ends.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || runtime.block_on(serve(listener)));
    Ok(address)
}

async fn serve(listener: std::net::TcpListener) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let stream = TokioIo::new(stream);
            if let Err(error) =
                http1::Builder::new().serve_connection(stream, service_fn(respond)).await
            {
                eprintln!("server: {error}");
            }
        });
    }
}

//! A proxy: each request that comes in, by HTTP/1 or HTTP/2, is sent on, and its answer back.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Full<Bytes>>;

async fn forward(
    upstream: Upstream,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(failed()) };
    let request = Request::from_parts(parts, Full::new(body.to_bytes()));
    let Ok(response) = upstream.request(request).await else { return Ok(failed()) };
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Ok(Response::from_parts(parts, Full::new(body.to_bytes()))),
        Err(_) => Ok(failed()),
    }
}

fn failed() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// One connection of which the proxy speaks HTTP/1 itself.
async fn by_hand(stream: tokio::net::TcpStream) -> Result<Bytes, hyper::Error> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(Request::new(Full::new(Bytes::new()))).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let upstream: Upstream = Client::builder(TokioExecutor::new()).build_http();
    if let Some(address) = std::env::args().nth(1) {
        let stream = tokio::net::TcpStream::connect(address).await?;
        let body = by_hand(stream).await.map_err(std::io::Error::other)?;
        println!("{} bytes", body.len());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| forward(upstream.clone(), request));
            let builder = auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

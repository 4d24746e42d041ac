//! An HTTP/1.1 client, as coroutines over any connection.

use cps_core::cps;
use std::io;
use std::net::SocketAddr;

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use http::Uri;

/// The longest head and body that are accepted, in bytes.
const LIMIT: usize = 64 * 1024;

/// Gets the text at `url`, whose host must be an IP address and a port.
#[cps]
pub(crate) async fn fetch<S>(
    connect: &impl AsyncFn(SocketAddr) -> io::Result<S>,
    url: &str,
) -> io::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let url: Uri = url.parse().map_err(invalid)?;
    let host = url.authority().ok_or_else(|| invalid("a URL without a host"))?.as_str();
    let mut stream = connect(host.parse().map_err(invalid)?).await?;
    let request =
        format!("GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await?;
    let mut received = Vec::new();
    let head = read_head(&mut stream, &mut received).await?;
    if head.status != 200 {
        return Err(io::Error::other(format!("{url}: status {}", head.status)));
    }
    while received.len() < head.length + head.body {
        read_more(&mut stream, &mut received).await?;
    }
    String::from_utf8(received[head.length..][..head.body].to_vec()).map_err(invalid)
}

/// What the client needs of a response's head.
struct Head {
    status: u16,
    /// Its own length in bytes.
    length: usize,
    /// The body's length in bytes.
    body: usize,
}

/// Reads until the head is complete; what follows it is in `received`, too.
#[cps]
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    received: &mut Vec<u8>,
) -> io::Result<Head> {
    loop {
        if let Some(head) = parse_head(received)? {
            return Ok(head);
        }
        read_more(stream, received).await?;
    }
}

/// Reads some bytes, at least one.
#[cps]
async fn read_more<S: AsyncRead + Unpin>(stream: &mut S, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    match stream.read(&mut buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if received.len() > LIMIT => Err(invalid("a response that is too long")),
        n => {
            received.extend_from_slice(&buffer[..n]);
            Ok(())
        }
    }
}

/// `None` if `received` ends before the head does.
fn parse_head(received: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(received).map_err(invalid)? else {
        return Ok(None);
    };
    let body = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .ok_or_else(|| invalid("a body of unknown length"))?;
    let body = std::str::from_utf8(body.value).map_err(invalid)?.parse().map_err(invalid)?;
    Ok(response.code.map(|status| Head { status, length, body }))
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

//! Streams by the traits of tokio and hyper.

#![cfg(all(feature = "tokio", feature = "hyper", unix, not(loom)))]

use std::convert::Infallible;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::Timer;
use hyper::service::service_fn;
use hyper::{Request, Response};
use reactor::net::{TcpListener, TcpStream, UnixStream};
use reactor::time::{HyperTimer, advance, now, pause};
use reactor::{block_on, spawn};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

#[test]
fn streams_and_their_halves_have_the_traits() {
    fn reads<T: AsyncRead + hyper::rt::Read>(_: &T) {}
    fn writes<T: AsyncWrite + hyper::rt::Write>(_: &T) {}
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        reads(&left);
        writes(&left);
        reads(&&left);
        writes(&&left);
        let (reader, writer) = left.split();
        reads(&reader);
        writes(&writer);
        let (reader, writer) = right.into_split();
        reads(&reader);
        writes(&writer);
    });
}

#[test]
fn the_memory_that_is_read_into_need_not_be_initialised() {
    block_on(async {
        let (mut left, right) = UnixStream::pair().unwrap();
        right.write_all(b"hello").await.unwrap();
        let mut memory = [const { MaybeUninit::uninit() }; 64];
        let mut buffer = ReadBuf::uninit(&mut memory);
        buffer.put_slice(b"say ");
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(matches!(Pin::new(&mut left).poll_read(cx, &mut buffer), Poll::Ready(Ok(()))));
        assert_eq!(buffer.filled(), b"say hello");
        assert_eq!(buffer.initialized().len(), 9);
        assert!(Pin::new(&mut left).poll_read(cx, &mut buffer).is_pending());
        // No room: ready at once.
        let mut none = ReadBuf::new(&mut []);
        assert!(Pin::new(&mut left).poll_read(cx, &mut none).is_ready());

        right.write_all(b"and bye").await.unwrap();
        pause();
        reactor::sleep(Duration::from_millis(5)).await; // Over when all events have been noticed.
        let mut memory = [const { MaybeUninit::uninit() }; 64];
        let mut buffer = hyper::rt::ReadBuf::uninit(&mut memory);
        let read = hyper::rt::Read::poll_read(Pin::new(&mut left), cx, buffer.unfilled());
        assert!(matches!(read, Poll::Ready(Ok(()))));
        assert_eq!(buffer.filled(), b"and bye");
    });
}

#[test]
fn copying_by_the_tools_of_tokio() {
    block_on(async {
        let (mut left, right) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = right.into_split();
        let echo = spawn(async move { tokio::io::copy(&mut reader, &mut writer).await });
        left.write_all(b"there and back").await.unwrap();
        AsyncWriteExt::shutdown(&mut left).await.unwrap();
        let mut text = String::new();
        left.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "there and back");
        assert_eq!(echo.await.unwrap().unwrap(), 14);
    });
}

async fn shout(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::new(body.to_ascii_uppercase().into())))
}

#[test]
fn hyper_serves_and_asks() {
    block_on(async {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(HyperTimer).header_read_timeout(Duration::from_secs(60));
            http.serve_connection(stream, service_fn(shout)).await.map_err(io::Error::other)
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = spawn(connection);
        for text in ["hello", "again"] {
            let request =
                Request::post("/").header("host", "here").body(Full::new(Bytes::from(text)));
            let response = client.send_request(request.unwrap()).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, text.to_uppercase());
        }
        drop(client);
        connection.await.unwrap().unwrap();
        server.await.unwrap().unwrap();
    });
}

#[test]
fn the_timer_of_hyper_moves_its_sleeps() {
    block_on(async {
        pause();
        let start = now();
        let mut sleep = HyperTimer.sleep(Duration::from_secs(1));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(cx).is_pending());
        let place = &raw const *sleep as *const ();
        HyperTimer.reset(&mut sleep, start + Duration::from_secs(5));
        assert_eq!(&raw const *sleep as *const (), place, "the same one");
        advance(Duration::from_secs(4)).await;
        assert!(sleep.as_mut().poll(cx).is_pending());
        sleep.await;
        assert_eq!(HyperTimer.now() - start, Duration::from_secs(5));
        HyperTimer.sleep_until(start).await;
    });
}

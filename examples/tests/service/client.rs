//! One connection of an HTTP/1.1 client, by hyper.

use std::net::SocketAddr;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// Closes the connection when it is dropped, at once.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    connection: AbortHandle,
}

impl Client {
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        Client { sender, connection: tokio::spawn(connection).abort_handle() }
    }

    /// The head of the response.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Response<Incoming> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .unwrap();
        self.sender.ready().await.unwrap();
        self.sender.send_request(request).await.unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> (StatusCode, String) {
        answer(self.send(Method::GET, path, "").await).await
    }

    pub(crate) async fn order(&mut self, id: &str, count: u32) -> (StatusCode, String) {
        let order = format!(r#"{{"count":{count}}}"#);
        answer(self.send(Method::POST, &format!("/items/{id}/orders"), &order).await).await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

async fn answer(response: Response<Incoming>) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, text(&body))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

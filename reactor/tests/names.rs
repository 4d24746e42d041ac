//! Strings and names as addresses.

#![cfg(not(loom))]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use reactor::block_on;
use reactor::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket, lookup_host};

async fn all(host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    lookup_host(host).await.map(Iterator::collect)
}

#[test]
fn addresses_in_strings_are_not_looked_up() {
    block_on(async {
        let four: SocketAddr = ([127, 0, 0, 1], 80).into();
        assert_eq!(all("127.0.0.1:80").await.unwrap(), [four]);
        assert_eq!(all(String::from("127.0.0.1:80")).await.unwrap(), [four]);
        assert_eq!(all(&String::from("127.0.0.1:80")).await.unwrap(), [four]);
        assert_eq!(all(("127.0.0.1", 80)).await.unwrap(), [four]);
        assert_eq!(all((String::from("127.0.0.1"), 80)).await.unwrap(), [four]);
        assert_eq!(all([four, four]).await.unwrap(), [four, four]);
        let six: SocketAddr = ([0, 0, 0, 0, 0, 0, 0, 1], 80).into();
        assert_eq!(all("[::1]:80").await.unwrap(), [six]);
        assert_eq!(all(("::1", 80)).await.unwrap(), [six]);
        // What does not wait takes them, too.
        assert!(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() > 0);
    });
}

#[test]
fn a_name_is_looked_up_and_connected_to() {
    block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = all(("localhost", port)).await.unwrap();
        assert!(!addresses.is_empty());
        assert!(addresses.iter().all(|found| found.ip().is_loopback() && found.port() == port));
        TcpStream::connect(("localhost", port)).await.unwrap();
        let text = format!("localhost:{port}");
        reactor::spawn(async move { TcpStream::connect(text).await.unwrap() }).await.unwrap();
        for _ in 0..2 {
            listener.accept().await.unwrap();
        }
    });
}

#[test]
fn other_strings_are_errors() {
    block_on(async {
        for text in ["", "localhost", "localhost:", ":80", "localhost:65536", "::1"] {
            assert_eq!(all(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        }
        let refused = TcpStream::connect("127.0.0.1").await.unwrap_err();
        assert_eq!(refused.to_string(), "`127.0.0.1` is not of the form `host:port`");
    });
}

#[test]
fn what_does_not_wait_looks_no_name_up() {
    block_on(async {
        let error = TcpListener::bind("localhost:0").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("await `lookup_host`"), "{error}");
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(socket.connect(("localhost", 1)).is_err());
        assert!(socket.connect(all("localhost:1").await.unwrap()).is_ok());
    });
}

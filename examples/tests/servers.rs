//! The servers of `reactor`, as processes, and clients of them.

#![cfg(unix)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, ServerName};
use futures_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};

/// Longer than anything here may take, on any machine.
const LONG: Duration = Duration::from_secs(60);

/// A server in a process of its own, which is killed when the test ends before it does.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    /// At a free port of the loopback interface.
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .arg("127.0.0.1:0")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.split_whitespace().next().expect("an address");
        let address = address.trim_start_matches("http://").parse().expect(&line);
        Server { process, output, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// What `factors` prints at a signal, to the empty line.
    fn dump(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            assert!(self.output.read_line(&mut text).unwrap() > 0, "{text}");
        }
        text
    }

    fn ask_to_end(&mut self) {
        drop(self.process.stdin.take());
    }

    /// What else it has printed, provided that it succeeds.
    fn end(mut self) -> String {
        self.ask_to_end();
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn echo_sends_back_what_each_of_many_clients_says() {
    const BYTES: usize = 1 << 20;
    let server = Server::start(env!("CARGO_BIN_EXE_echo"), &[]);
    thread::scope(|scope| {
        for client in 0..8 {
            let mut stream = server.connect();
            scope.spawn(move || {
                let said: Vec<u8> = (0..BYTES).map(|at| (at * 7 + client) as u8).collect();
                let mut heard = Vec::new();
                thread::scope(|scope| {
                    scope.spawn(|| {
                        (&stream).write_all(&said).unwrap();
                        stream.shutdown(Shutdown::Write).unwrap();
                    });
                    (&stream).read_to_end(&mut heard).unwrap();
                });
                assert!(heard == said, "client {client} heard something else");
                stream.flush().unwrap();
            });
        }
    });
    let silent = server.connect();
    let output = server.end();
    assert_eq!(output.matches(&format!(": {BYTES} bytes")).count(), 8, "{output}");
    drop(silent);
}

/// What a client of `tls` sends and hears, by rustls on a blocking socket. It trusts the certificates that it is given.
fn lengths_by_tls(
    stream: TcpStream,
    trusted: Option<CertificateDer<'static>>,
    lines: &[String],
) -> io::Result<Vec<usize>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut heard = Vec::new();
    for line in lines {
        stream.get_mut().write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        heard.push(answer.trim_end().parse().unwrap());
    }
    // Without the server's own end of TLS this is an error: something may have been cut off.
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()?;
    assert_eq!(stream.read_to_end(&mut Vec::new())?, 0);
    Ok(heard)
}

#[test]
fn tls_answers_clients_that_trust_its_certificate() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_tls"), &[]);
    let mut text = String::new();
    while !text.ends_with("-----END CERTIFICATE-----\n") {
        assert!(server.output.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let certificate = CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
    thread::scope(|scope| {
        for client in 0..4 {
            let (stream, certificate) = (server.connect(), certificate.clone());
            scope.spawn(move || {
                // One of them is longer than a record of TLS.
                let lengths = [0, 1, 1_000 + client, 40_000, 7];
                let lines: Vec<_> = lengths.iter().map(|&length| "x".repeat(length)).collect();
                assert_eq!(lengths_by_tls(stream, Some(certificate), &lines).unwrap(), lengths);
            });
        }
    });
    let error = lengths_by_tls(server.connect(), None, &[String::new()]).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    // One that does not speak TLS at all.
    let mut plain = server.connect();
    plain.write_all(b"hello\r\n\r\n").unwrap();
    assert!(plain.read_to_end(&mut Vec::new()).is_ok());
    let output = server.end();
    assert_eq!(output.matches(": 5 lines").count(), 4, "{output}");
}

/// A client of `kv`.
struct Commands(BufReader<TcpStream>);

impl Commands {
    fn connect(server: &Server) -> Self {
        Commands(BufReader::new(server.connect()))
    }

    fn answer(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn wait_for_expiry_of(&mut self, key: &str) {
        let start = Instant::now();
        while self.answer(&format!("get {key}")) != "none" {
            assert!(start.elapsed() < LONG, "{key} is still there");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn kv_keeps_what_was_set_until_its_time_is_over() {
    let server = Server::start(env!("CARGO_BIN_EXE_kv"), &[]);
    let mut one = Commands::connect(&server);
    let mut other = Commands::connect(&server);
    assert_eq!(one.answer("get a"), "none");
    assert_eq!(one.answer("set a 1"), "ok");
    assert_eq!(other.answer("get a"), "= 1");
    assert_eq!(other.answer("del a"), "ok");
    assert_eq!(one.answer("del a"), "none");

    let start = Instant::now();
    assert_eq!(one.answer("set short 1 30"), "ok");
    assert_eq!(one.answer("set long 1 1000000000"), "ok");
    other.wait_for_expiry_of("short");
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(other.answer("get long"), "= 1");

    // A key that is set anew, or deleted and set, does not go away at its former time.
    assert_eq!(one.answer("set renewed 1 20"), "ok");
    assert_eq!(one.answer("set renewed 2"), "ok");
    loop {
        assert_eq!(one.answer("set back 1 20"), "ok");
        if one.answer("del back") == "ok" {
            break; // Else it went away before, on a slow machine.
        }
    }
    assert_eq!(one.answer("set back 2"), "ok");
    assert_eq!(one.answer("set later 1 40"), "ok");
    one.wait_for_expiry_of("later");
    assert_eq!(one.answer("get renewed"), "= 2");
    assert_eq!(one.answer("get back"), "= 2");
    server.end();
}

#[test]
fn kv_refuses_what_is_no_command() {
    let server = Server::start(env!("CARGO_BIN_EXE_kv"), &[]);
    let mut client = Commands::connect(&server);
    assert_eq!(client.answer("get"), "error: set KEY VALUE [MS], get KEY, or del KEY");
    assert_eq!(client.answer("set a 1 soon"), "error: soon: invalid digit found in string");
    assert_eq!(client.answer("get a"), "none");
    // A line without end is not read for ever: the connection is closed.
    let mut endless = server.connect();
    let _ = endless.write_all(&vec![b'x'; 1 << 20]);
    assert!(matches!(endless.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(client.answer("set a 1"), "ok");
    server.end();
}

/// A connection to `http`, by hyper on a runtime of `reactor`.
struct Requests(SendRequest<Full<Bytes>>);

impl Requests {
    /// In a runtime.
    async fn connect(server: &Server) -> Self {
        let stream = reactor::net::TcpStream::connect(server.address).await.unwrap();
        let (sender, connection) = handshake(stream).await.unwrap();
        reactor::spawn(connection);
        Requests(sender)
    }

    async fn answer(&mut self, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        self.0.ready().await.unwrap();
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.answer(Method::GET, path, "").await
    }
}

#[test]
fn http_answers_the_requests_of_a_connection_one_by_one() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"), &[]);
    let page = (StatusCode::OK, "the title of rust\nthe text of rust\n".to_owned());
    let missing = (StatusCode::NOT_FOUND, "404 Not Found\n".to_owned());
    reactor::block_on(async {
        let mut client = Requests::connect(&server).await;
        assert_eq!(client.get("/pages/rust").await, page);
        assert_eq!(client.get("/pages/").await, missing);
        assert_eq!(client.get("/elsewhere").await, missing);
        let words = client.answer(Method::POST, "/words", "to be or not to be").await;
        assert_eq!(words, (StatusCode::OK, "6\n".to_owned()));
        let (status, _) = client.answer(Method::POST, "/words", &"x".repeat(100_000)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    });
    server.end();
}

#[test]
fn http_answers_in_time_what_never_comes() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"), &["50"]);
    reactor::block_on(async {
        let mut client = Requests::connect(&server).await;
        let start = Instant::now();
        let late = (StatusCode::GATEWAY_TIMEOUT, "504 Gateway Timeout\n".to_owned());
        assert_eq!(client.get("/pages/lost").await, late);
        assert!(start.elapsed() >= Duration::from_millis(50));
    });
    server.end();
}

#[test]
fn http_answers_the_request_that_it_has_before_it_ends() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_http"), &["60000"]);
    let idle = server.connect();
    let mut stream = BufReader::new(server.connect());
    let head = "POST /words HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n"); // The handler waits for the body.

    server.ask_to_end();
    let start = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(start.elapsed() < LONG, "it still accepts");
        thread::sleep(Duration::from_millis(1));
    }
    stream.get_mut().write_all(b"well done").unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap(); // To the end of the connection.
    assert!(rest.contains("HTTP/1.1 200 OK\r\n"), "{rest}");
    assert!(rest.ends_with("\r\n\r\n2\n"), "{rest}");
    assert_eq!(io::copy(&mut &idle, &mut io::sink()).unwrap(), 0);
    server.end();
}

#[test]
fn factors_dumps_its_tasks_at_a_signal() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_factors"), &[]);
    let mut client = BufReader::new(server.connect());
    client.get_mut().write_all(b"60\nsixty\n").unwrap();
    let mut answers = [String::new(), String::new()];
    answers.iter_mut().for_each(|answer| _ = client.read_line(answer).unwrap());
    assert_eq!(answers, ["60 = 2 2 3 5\n", "error: invalid digit found in string\n"]);

    // A large prime for each worker, and more: some of the tasks are queued, and all of them for long.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let busy: Vec<_> = (0..cores + 3)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"18446744073709551557\n").unwrap();
            stream
        })
        .collect();
    let start = Instant::now();
    let pid = server.process.id().to_string();
    loop {
        let sent = Command::new("kill").args(["-USR1", &pid]).status().unwrap();
        assert!(sent.success());
        let dump = server.dump();
        let is_idle = |task: &&str| {
            task.contains(&client.get_ref().local_addr().unwrap().to_string())
                && task.contains(", waits\n")
                && in_order(task, &["::read_line\n", "::answer_all\n", "::session\n"])
        };
        let is_queued = |task: &&str| {
            task.contains(", is queued\n") && in_order(task, &["::factors\n", "::answer_all\n"])
        };
        let tasks: Vec<&str> = dump.split("task ").collect();
        let runs = dump.contains(": <running>\n");
        if runs && tasks.iter().any(is_idle) && tasks.iter().any(is_queued) {
            break;
        }
        // They may not have come that far.
        assert!(start.elapsed() < LONG, "{dump}");
    }
    drop((busy, client));
    server.end();
}

fn in_order(text: &str, parts: &[&str]) -> bool {
    parts.iter().try_fold(text, |rest, part| Some(rest.split_once(part)?.1)).is_some()
}

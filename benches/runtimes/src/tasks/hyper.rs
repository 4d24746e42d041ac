//! An HTTP server of hyper on the runtime, and a client with blocking sockets on a thread.
//!
//! The client sends a request on each connection, then reads all answers: a round. The target of the requests of the
//! first connection says when the server's clock starts and stops: so its time is that of the rounds in between.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use lab_work::clock::{self, Cost, Requests, Stopwatch};
use lab_work::flavour::Flavour;
use lab_work::tasks::HTTP_BODY;

use crate::runtime::Runtime;

/// Rounds before the clock runs.
const WARM_UP: u64 = 3;

const GO_ON: &str = "/go-on";
const START: &str = "/start";
const STOP: &str = "/stop";

/// The server's clock, which requests start and stop.
#[derive(Default)]
struct Clock {
    runs: Option<Stopwatch>,
    cost: Option<Cost>,
}

pub(super) fn run<R: Runtime>(flavour: Flavour, connections: usize, rounds: u64) -> Result<Cost> {
    allow_descriptors();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..connections {
        let client = TcpStream::connect(address)?;
        client.set_nodelay(true)?;
        clients.push(client);
        let (server, _) = listener.accept()?;
        server.set_nodelay(true)?;
        server.set_nonblocking(true)?;
        servers.push(server);
    }
    let client = thread::spawn(move || requests(clients, rounds));
    let served = R::block_on(Box::pin(async move {
        let clock = Arc::new(Mutex::new(Clock::default()));
        let mut tasks = Vec::new();
        for server in servers {
            let connection = R::http(R::adopt(server)?);
            tasks.push(R::spawn(serve(connection, clock.clone(), flavour)));
        }
        for task in tasks {
            task.await?;
        }
        let cost = clock.lock().expect("nobody panics here").cost.take();
        cost.context("the server's clock was not started and stopped")
    }));
    let (requests, of_client) = client.join().ok().context("the client has panicked")??;
    let mut cost = served?;
    if flavour == Flavour::Multi {
        cost.cpu = cost.cpu.saturating_sub(of_client);
    }
    cost.requests = requests;
    Ok(cost)
}

/// Client and server have a descriptor each for a connection, which may be more than a process has by default.
fn allow_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If not, the system says so when there are too many.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Answers until the client hangs up.
async fn serve<C>(connection: C, clock: Arc<Mutex<Clock>>, flavour: Flavour) -> Result<()>
where
    C: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        match request.uri().path() {
            START => {
                let mut clock = clock.lock().expect("nobody panics here");
                clock.runs = Some(Stopwatch::start(flavour.whose()));
            }
            STOP => {
                let mut clock = clock.lock().expect("nobody panics here");
                clock.cost = clock.runs.take().map(Stopwatch::stop);
            }
            _ => {}
        }
        let body = Full::new(Bytes::from_static(HTTP_BODY));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    Ok(http1::Builder::new().serve_connection(connection, answer).await?)
}

/// The rounds: what the requests took, and the processor time of this thread.
fn requests(mut connections: Vec<TcpStream>, rounds: u64) -> Result<(Requests, Duration)> {
    let mut latencies = Vec::with_capacity(rounds as usize * connections.len());
    let mut sent = Vec::with_capacity(connections.len());
    let mut cpu = Duration::ZERO;
    for round in 0..=WARM_UP + rounds {
        let signal = match round {
            WARM_UP => START,
            last if last == WARM_UP + rounds => STOP,
            _ => GO_ON,
        };
        if signal != GO_ON {
            cpu = clock::thread().saturating_sub(cpu);
        }
        for (index, connection) in connections.iter_mut().enumerate() {
            let target = if index == 0 { signal } else { GO_ON };
            let request =
                format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n");
            sent.push(Instant::now());
            connection.write_all(request.as_bytes())?;
        }
        for (connection, sent) in connections.iter_mut().zip(sent.drain(..)) {
            read_answer(connection)?;
            if (WARM_UP..WARM_UP + rounds).contains(&round) {
                latencies.push(sent.elapsed());
            }
        }
    }
    Ok((Requests::of(latencies), cpu))
}

/// Reads one answer, up to the end of its body.
fn read_answer(connection: &mut TcpStream) -> Result<()> {
    let mut answer = [0; 512];
    let mut length = 0;
    loop {
        let read = connection.read(&mut answer[length..])?;
        ensure!(read > 0, io::Error::from(io::ErrorKind::UnexpectedEof));
        length += read;
        if let Some(head) = answer[..length].windows(4).position(|end| end == b"\r\n\r\n") {
            if length >= head + 4 + HTTP_BODY.len() {
                ensure!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "wrong result: no success");
                ensure!(answer[head + 4..length] == *HTTP_BODY, "wrong result: another body");
                return Ok(());
            }
        }
    }
}

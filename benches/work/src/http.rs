//! What servers and their client have in common: connections, the client's rounds, and the clock that they start.
//!
//! The client is a thread with blocking sockets. It sends a request on each connection, then reads all answers: a
//! round. The targets of the first connection's requests say when the server's clock starts and stops: so its time is
//! that of the rounds in between.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::clock::{self, Cost, Requests, Stopwatch, Whose};
use anyhow::{Context as _, Result, anyhow, bail, ensure};

/// Rounds before the clock runs.
const WARM_UP: u64 = 3;

const GO_ON: &str = "";
const START: &str = "start";
const STOP: &str = "stop";

/// A server that says nothing for so long says nothing at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's clock, which requests start and stop.
#[derive(Debug, Default)]
pub struct Clock(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    runs: Option<Stopwatch>,
    cost: Option<Cost>,
}

impl Clock {
    /// Does what the target of a request says.
    pub fn hear(&self, target: &str, whose: Whose) {
        if target.ends_with(START) {
            self.times().runs = Some(Stopwatch::start(whose));
        } else if target.ends_with(STOP) {
            let mut times = self.times();
            times.cost = times.runs.take().map(Stopwatch::stop);
        }
    }

    /// What went by between the two.
    ///
    /// # Errors
    /// If they did not come.
    pub fn cost(&self) -> Result<Cost> {
        self.times().cost.take().context("the server's clock was not started and stopped")
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().expect("nobody panics here")
    }
}

/// So many connections, and the server's ends of them, which do not block.
///
/// # Errors
/// If there cannot be so many.
pub fn connections(count: usize) -> Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    allow_descriptors();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut clients = Vec::with_capacity(count);
    let mut servers = Vec::with_capacity(count);
    for number in 0..count {
        clients.push(connect(address, PATIENCE).with_context(|| format!("connection {number}"))?);
        let (server, _) = listener.accept()?;
        server.set_nodelay(true)?;
        server.set_nonblocking(true)?;
        servers.push(server);
    }
    Ok((clients, servers))
}

fn connect(address: SocketAddr, patience: Duration) -> Result<TcpStream> {
    let client =
        TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(patience))?;
    client.set_write_timeout(Some(patience))?;
    Ok(client)
}

/// Client and server have a descriptor each for a connection, which may be more than a process has by default.
#[cfg(target_os = "linux")]
fn allow_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If not, the system says so when there are too many.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(target_os = "linux"))]
fn allow_descriptors() {}

/// Sends a request for a target.
///
/// # Errors
/// If the server takes none.
pub fn ask(connection: &mut TcpStream, target: &str, signal: &str) -> Result<()> {
    let request =
        format!("GET {target}{signal} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n");
    connection.write_all(request.as_bytes()).map_err(in_words).context("the server does not read")
}

/// An answer, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'b> {
    /// Up to the empty line, with that.
    pub head: &'b [u8],
    /// The rest.
    pub body: &'b [u8],
}

impl Answer<'_> {
    fn expect(&self, body: &str) -> Result<()> {
        let text = String::from_utf8_lossy;
        let is_success = self.head.starts_with(b"HTTP/1.1 200 OK\r\n");
        ensure!(is_success, "wrong result: no success: {}", text(self.head));
        let is_it = self.body == body.as_bytes();
        ensure!(is_it, "wrong result: {body} was expected, not {}", text(self.body));
        Ok(())
    }
}

/// Reads one answer, up to the end of its body, which is all that comes.
///
/// # Errors
/// If it does not come, or is none.
pub fn answer<'b>(connection: &mut TcpStream, buffer: &'b mut [u8]) -> Result<Answer<'b>> {
    let mut length = 0;
    loop {
        let read = connection.read(&mut buffer[length..]).map_err(in_words)?;
        ensure!(read > 0, "the server hung up after {length} bytes of an answer");
        length += read;
        let Some(end) = buffer[..length].windows(4).position(|end| end == b"\r\n\r\n") else {
            continue;
        };
        let whole = end + 4 + content_length(&buffer[..end])?;
        ensure!(whole <= buffer.len(), "wrong result: an answer of {whole} bytes");
        ensure!(length <= whole, "wrong result: {length} bytes for an answer of {whole}");
        if length == whole {
            let (head, body) = buffer[..length].split_at(end + 4);
            return Ok(Answer { head, body });
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head).context("wrong result: a head that is no text")?;
    for line in head.lines() {
        match line.split_once(": ") {
            Some((name, length)) if name.eq_ignore_ascii_case("content-length") => {
                return length.parse().with_context(|| format!("wrong result: {line}"));
            }
            _ => {}
        }
    }
    bail!("wrong result: an answer without a length: {head}")
}

/// What the system calls “would block” is a time limit here.
fn in_words(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            anyhow!("the server does nothing")
        }
        _ => error.into(),
    }
}

/// What the client asks, in turn, and the bodies of the answers.
pub type Script = Vec<(String, String)>;

/// One request on each connection, and all answers.
///
/// # Errors
/// If an answer does not come, or is another.
pub fn round(
    connections: &mut [TcpStream],
    script: &Script,
    first: u64,
    signal: &str,
    mut took: impl FnMut(Duration),
) -> Result<()> {
    let entry = |index: usize| &script[(first as usize + index) % script.len()];
    let mut sent = Vec::with_capacity(connections.len());
    for (index, connection) in connections.iter_mut().enumerate() {
        sent.push(Instant::now());
        ask(connection, &entry(index).0, if index == 0 { signal } else { GO_ON })?;
    }
    let mut buffer = [0; 1024];
    for (index, (connection, sent)) in connections.iter_mut().zip(sent).enumerate() {
        answer(connection, &mut buffer)?.expect(&entry(index).1)?;
        took(sent.elapsed());
    }
    Ok(())
}

/// The rounds: what the requests took, and the processor time of this thread.
///
/// # Errors
/// As [`round`].
pub fn rounds(
    mut connections: Vec<TcpStream>,
    script: &Script,
    rounds: u64,
) -> Result<(Requests, Duration)> {
    let count = connections.len() as u64;
    let mut latencies = Vec::with_capacity((rounds * count) as usize);
    let mut cpu = Duration::ZERO;
    for number in 0..=WARM_UP + rounds {
        let signal = match number {
            WARM_UP => START,
            last if last == WARM_UP + rounds => STOP,
            _ => GO_ON,
        };
        if signal != GO_ON {
            cpu = clock::thread().saturating_sub(cpu);
        }
        let is_timed = (WARM_UP..WARM_UP + rounds).contains(&number);
        round(&mut connections, script, number * count, signal, |latency| {
            if is_timed {
                latencies.push(latency);
            }
        })?;
    }
    Ok((Requests::of(latencies), cpu))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// What the client says of a server that answers a request by these bytes and hangs up.
    fn said_of(bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut connection = listener.accept().unwrap().0;
            let _ = connection.read(&mut [0; 1024]).unwrap();
            connection.write_all(bytes).unwrap();
        });
        let script = vec![("/".to_owned(), "body".to_owned())];
        let result = round(&mut [connect(address, PATIENCE).unwrap()], &script, 0, GO_ON, |_| ());
        server.join().unwrap();
        result.map_or_else(|error| format!("{error:#}"), |()| "success".to_owned())
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said() {
        for (bytes, said) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"[..], "success"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbo", "hung up after 40 bytes"),
            (b"", "hung up after 0 bytes"),
            (
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nbody",
                "no success: HTTP/1.1 404",
            ),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad", "body was expected, not bad"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbody", "42 bytes for an answer of 41"),
            (b"HTTP/1.1 200 OK\r\n\r\nbody", "without a length"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", "an answer of 10040 bytes"),
        ] {
            assert!(said_of(bytes).contains(said), "{}, not {said}", said_of(bytes));
        }
    }

    #[test]
    fn nobody_waits_for_a_server_that_is_not_there_or_does_nothing() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = connect(address, Duration::from_millis(1)).unwrap();
        let error = answer(&mut connection, &mut [0; 8]).unwrap_err();
        assert_eq!(error.to_string(), "the server does nothing");
        drop(listener);
        let error = format!("{:#}", connect(address, PATIENCE).unwrap_err());
        assert!(
            error.contains("cannot connect to 127.0.0.1") && error.contains("refused"),
            "{error}"
        );
    }

    #[test]
    fn the_clock_hears_when_it_starts_and_stops() {
        let clock = Clock::default();
        clock.hear("/stop", Whose::Thread);
        clock.cost().unwrap_err();
        for target in ["/x?clock=start", "/x?clock=", "/x?clock=stop"] {
            clock.hear(target, Whose::Thread);
        }
        clock.cost().unwrap();
        clock.cost().unwrap_err();
    }
}

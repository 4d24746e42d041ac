//! A server on the runtime, and a client with blocking sockets on a thread.
//!
//! The client sends a message on each connection, then reads all answers: a round. The first byte of the messages of
//! the first connection says when the server's clock starts and stops: so its time is that of the rounds in between.

use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab_work::clock::{self, Cost, Requests, Stopwatch};
use lab_work::flavour::Flavour;
use lab_work::http;
use lab_work::tasks::MESSAGE;

use crate::runtime::{Runtime, Socket};

const GO_ON: u8 = 0;
const START: u8 = 1;
const STOP: u8 = 2;

/// Rounds before the clock runs.
const WARM_UP: u64 = 3;

pub(super) fn run<R: Runtime>(flavour: Flavour, connections: usize, rounds: u64) -> Result<Cost> {
    let (clients, servers) = http::connections(connections)?;
    let client = thread::spawn(move || requests(clients, rounds));
    let served = R::block_on(Box::pin(async move {
        let mut tasks = Vec::new();
        for server in servers {
            let connection = R::adopt(server)?;
            tasks.push(R::spawn(serve(connection, flavour)));
        }
        let mut cost = None;
        for task in tasks {
            cost = task.await?.or(cost);
        }
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

/// Answers until the client hangs up; gives what the rounds took, if it was told.
async fn serve(mut socket: impl Socket, flavour: Flavour) -> io::Result<Option<Cost>> {
    let mut buffer = [0; MESSAGE];
    let (mut watch, mut cost) = (None, None);
    loop {
        let mut filled = 0;
        while filled < MESSAGE {
            match poll_fn(|cx| socket.poll_read(cx, &mut buffer[filled..])).await? {
                0 => return Ok(cost),
                read => filled += read,
            }
        }
        match buffer[0] {
            START => watch = Some(Stopwatch::start(flavour.whose())),
            STOP => cost = watch.map(Stopwatch::stop),
            _ => {}
        }
        let mut written = 0;
        while written < MESSAGE {
            written += poll_fn(|cx| socket.poll_write(cx, &buffer[written..])).await?;
        }
    }
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
            let mut message = [round as u8; MESSAGE];
            message[0] = if index == 0 { signal } else { GO_ON };
            sent.push(Instant::now());
            connection.write_all(&message)?;
        }
        for (connection, sent) in connections.iter_mut().zip(sent.drain(..)) {
            let mut answer = [0; MESSAGE];
            connection.read_exact(&mut answer)?;
            ensure!(answer[1..] == [round as u8; MESSAGE - 1], "wrong result: not what was sent");
            if (WARM_UP..WARM_UP + rounds).contains(&round) {
                latencies.push(sent.elapsed());
            }
        }
    }
    Ok((Requests::of(latencies), cpu))
}

//! A busy TCP server that shows what it does: on `SIGUSR1` it prints a dump of its tasks.
//!
//! `factors [address]` listens at 127.0.0.1:7010 by default, and ends with its standard input (Ctrl-D). Each line of a
//! connection is a number, and is answered by its prime factors. With large ones the workers have enough to do:
//!
//! ```text
//! $ (echo 18446744073709551557; cat) | nc 127.0.0.1 7010 &
//! $ kill -USR1 $(pidof factors)
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use cps_core::prelude::*;
use futures::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use reactor::net::{TcpListener, TcpStream};
use reactor::signal::{Signal, SignalKind, signal};
use reactor::{Handle, Runtime, spawn_blocking, task, yield_now};

/// Divisions between two turns of others.
const A_TURN: u64 = 100_000;

#[cps]
async fn accept_all(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The name is in the dump.
                drop(task::Builder::new().name(format!("of {peer}")).spawn(session(stream, peer)));
            }
            Err(error) => return eprintln!("accept: {error}"),
        }
    }
}

#[cps]
async fn session(stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = answer_all(&stream).await {
        eprintln!("{peer}: {error}");
    }
}

#[cps]
async fn answer_all(stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(line) = read_line(&mut reader).await? {
        let answer = match line.trim().parse() {
            Ok(number) => factors(number).await,
            Err(error) => format!("error: {error}\n"),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// `None` at the end.
#[cps]
async fn read_line(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = reader.take(100).read_line(&mut line).await?;
    Ok((length > 0).then_some(line))
}

#[cps]
async fn factors(mut number: u64) -> String {
    let mut answer = format!("{number} =");
    let mut divisor = 2;
    while divisor <= number / divisor {
        if number % divisor == 0 {
            answer += &format!(" {divisor}");
            number /= divisor;
            continue;
        }
        divisor += 1;
        if divisor % A_TURN == 0 {
            yield_now().await;
        }
    }
    answer + &format!(" {number}\n")
}

#[cps]
async fn dump_on(mut signals: Signal) -> io::Result<()> {
    let runtime = Handle::current();
    loop {
        signals.recv().await?;
        // On another thread, since queued tasks are looked at by the workers.
        let runtime = runtime.clone();
        let dump = spawn_blocking(move || runtime.dump()).await.map_err(io::Error::other)?;
        println!("{} tasks\n{dump}", dump.tasks().len());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7010".to_owned());
    let runtime = Runtime::new()?;
    let (listener, signals) = {
        let _entered = runtime.enter();
        (TcpListener::bind(address)?, signal(SignalKind::user_defined1())?)
    };
    // From now on the signal does not end the process.
    println!("{} by {} workers", listener.local_addr()?, runtime.workers());
    runtime.spawn(accept_all(listener));
    runtime.spawn(dump_on(signals));

    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

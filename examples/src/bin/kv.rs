//! A key-value server on one thread: the `LocalRuntime` of `reactor`, whose tasks share a table without a lock.
//!
//! `kv [address]` listens at 127.0.0.1:7008 by default, and ends with its standard input (Ctrl-D). Each line of a
//! connection is a command, and is answered by a line:
//!
//! | command | answer |
//! |---|---|
//! | `set KEY VALUE` | `ok` |
//! | `set KEY VALUE MS` | `ok`; the key goes away after so many milliseconds |
//! | `get KEY` | `= VALUE`, or `none` |
//! | `del KEY` | `ok`, or `none` |

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use cps_core::prelude::*;
use futures::future;
use futures::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use reactor::net::{TcpListener, TcpStream};
use reactor::{AbortHandle, LocalRuntime, sleep, spawn_local};
use tokio_util::sync::CancellationToken;

/// The longest command, in bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(Default)]
struct Table(RefCell<HashMap<String, Entry>>);

struct Entry {
    value: String,
    /// Held only to be dropped with the entry.
    _expiry: Option<Expiry>,
}

/// The task that removes an entry. It is cancelled if the entry goes away before.
struct Expiry(AbortHandle);

impl Drop for Expiry {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Table {
    fn get(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).map(|entry| entry.value.clone())
    }

    fn remove(&self, key: &str) -> bool {
        self.0.borrow_mut().remove(key).is_some()
    }

    fn set(self: &Rc<Self>, key: &str, value: &str, life: Option<Duration>) {
        let expiry = life.map(|life| {
            let task = spawn_local(expire(self.clone(), key.to_owned(), life));
            Expiry(task.abort_handle())
        });
        let entry = Entry { value: value.to_owned(), _expiry: expiry };
        self.0.borrow_mut().insert(key.to_owned(), entry);
    }
}

#[cps]
async fn expire(table: Rc<Table>, key: String, life: Duration) {
    sleep(life).await;
    table.remove(&key);
}

#[cps]
async fn serve(listener: TcpListener) {
    let table = Rc::new(Table::default());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(spawn_local(session(stream, peer, table.clone()))),
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[cps]
async fn session(stream: TcpStream, peer: SocketAddr, table: Rc<Table>) {
    if let Err(error) = answer_all(&stream, &table).await {
        eprintln!("{peer}: {error}");
    }
}

#[cps]
async fn answer_all(stream: &TcpStream, table: &Rc<Table>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(line) = read_line(&mut reader).await? {
        let mut answer = answer(table, &line);
        answer.push('\n');
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// `None` at the end.
#[cps]
async fn read_line<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Option<String>> {
    let mut line = String::new();
    match reader.take(LONGEST).read_line(&mut line).await? {
        0 => Ok(None),
        _ if line.ends_with('\n') => Ok(Some(line)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a command that does not end")),
    }
}

fn answer(table: &Rc<Table>, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let done = match words[..] {
        ["set", key, value] => {
            table.set(key, value, None);
            true
        }
        ["set", key, value, life] => match life.parse() {
            Ok(life) => {
                table.set(key, value, Some(Duration::from_millis(life)));
                true
            }
            Err(error) => return format!("error: {life}: {error}"),
        },
        ["get", key] => match table.get(key) {
            Some(value) => return format!("= {value}"),
            None => false,
        },
        ["del", key] => table.remove(key),
        _ => return "error: set KEY VALUE [MS], get KEY, or del KEY".to_owned(),
    };
    if done { "ok" } else { "none" }.to_owned()
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7008".to_owned());
    let address: SocketAddr = address.parse()?;
    let end = CancellationToken::new();
    // A read of the standard input blocks, so it has a thread.
    let ends = end.clone().drop_guard();
    thread::spawn(move || {
        let _ends = ends;
        io::copy(&mut io::stdin(), &mut io::sink())
    });
    let runtime = LocalRuntime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address)?;
        println!("{}", listener.local_addr()?);
        future::select(pin!(serve(listener)), pin!(end.cancelled())).await;
        Ok(())
    })
}

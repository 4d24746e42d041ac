//! A recursive-descent parser a million levels deep, on a thread with a stack of 256 KiB.
//!
//! The input, a number in a million nested lists, arrives in two halves, so that the parser waits
//! for the second one in its innermost call. From there it is resumed, and another time cancelled.
//! The same parser in plain `async` runs in a child process, because it overflows the stack.

mod parser;

use std::cell::Cell;
use std::error::Error;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use futures::channel::mpsc;
use futures::executor::block_on;
use futures::poll;

use crate::parser::Parser;

const LEVELS: usize = 1_000_000;
const STACK: usize = 256 * 1024;

/// Parses one half of the input, then the other one, or none if the parser is to be cancelled.
async fn parse(levels: usize, cancel: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    let open = Cell::new(0);
    let (input, chunks) = mpsc::unbounded();
    {
        let mut parser = Parser::new(chunks, &open);
        let mut sum = pin!(parser.value().into_future());

        input.unbounded_send("[".repeat(levels))?;
        assert!(poll!(sum.as_mut()).is_pending());
        println!("  suspended, {} lists open", open.get());

        if !cancel {
            input.unbounded_send(format!("7{}", "]".repeat(levels)))?;
            println!("  resumed, sum {}, {} lists open", sum.await?, open.get());
        }
    }
    if cancel {
        println!("  cancelled, {} lists open", open.get());
    }
    Ok(())
}

async fn parse_plain(levels: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    let open = Cell::new(0);
    let (input, chunks) = mpsc::unbounded();
    input.unbounded_send(format!("{}7{}", "[".repeat(levels), "]".repeat(levels)))?;
    Parser::new(chunks, &open).plain_value().await?;
    Ok(())
}

/// Runs `parse_plain` in a child process, which may take 30 s.
fn parse_plain_in_child(levels: usize) -> Result<ExitStatus, Box<dyn Error + Send + Sync>> {
    let mut child =
        Command::new(env::current_exe()?).arg(levels.to_string()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    Ok(child.wait()?)
}

fn demonstrate() -> Result<(), Box<dyn Error + Send + Sync>> {
    println!("coroutine, {LEVELS} levels");
    block_on(parse(LEVELS, false))?;
    println!("coroutine, {LEVELS} levels, dropped while suspended");
    block_on(parse(LEVELS, true))?;
    println!("plain async fn, in a box for each level");
    for levels in [100, 1_000, 10_000, 100_000, LEVELS] {
        let status = parse_plain_in_child(levels)?;
        println!("  {levels} levels: {status}");
        if !status.success() {
            break;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let levels = env::args().nth(1).map(|levels| levels.parse()).transpose()?;
    let program = move || match levels {
        None => demonstrate(),
        Some(levels) => block_on(parse_plain(levels)),
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(program)?;
    thread.join().map_err(|_| "the thread panicked")?
}

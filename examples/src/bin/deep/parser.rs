//! A parser for nested lists of numbers: `value = number | '[' value { ',' value } ']'`.

use cps_core::cps;
use std::cell::Cell;

use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;

/// Parses text as it arrives.
pub(crate) struct Parser<'a> {
    chunks: UnboundedReceiver<String>,
    chunk: String,
    position: usize,
    open: &'a Cell<usize>,
}

impl<'a> Parser<'a> {
    /// `open` is to count the lists that are being parsed.
    pub(crate) fn new(chunks: UnboundedReceiver<String>, open: &'a Cell<usize>) -> Self {
        Parser { chunks, chunk: String::new(), position: 0, open }
    }

    /// Parses a value; returns the sum of its numbers.
    #[cps]
    pub(crate) async fn value(&mut self) -> Result<u64, String> {
        if self.peek().await != Some(b'[') {
            return self.number().await;
        }
        let _open = Open::new(self.open);
        let mut sum = 0;
        loop {
            self.next().await;
            sum += self.value().on_heap().await?;
            match self.peek().await {
                Some(b',') => {}
                Some(b']') => break,
                other => return Err(unexpected(other)),
            }
        }
        self.next().await;
        Ok(sum)
    }

    /// [`Parser::value`] without the attribute, and with `Box::pin` for `on_heap`.
    pub(crate) async fn plain_value(&mut self) -> Result<u64, String> {
        if self.peek().await != Some(b'[') {
            return self.number().await;
        }
        let _open = Open::new(self.open);
        let mut sum = 0;
        loop {
            self.next().await;
            sum += Box::pin(self.plain_value()).await?;
            match self.peek().await {
                Some(b',') => {}
                Some(b']') => break,
                other => return Err(unexpected(other)),
            }
        }
        self.next().await;
        Ok(sum)
    }

    #[cps]
    async fn number(&mut self) -> Result<u64, String> {
        let mut digits = String::new();
        while let Some(digit @ b'0'..=b'9') = self.peek().await {
            digits.push(digit.into());
            self.next().await;
        }
        match digits.parse() {
            Ok(number) => Ok(number),
            Err(_) if digits.is_empty() => Err(unexpected(self.peek().await)),
            Err(error) => Err(format!("{digits}: {error}")),
        }
    }

    /// The next byte, which stays the next; waits for it if need be.
    #[cps]
    async fn peek(&mut self) -> Option<u8> {
        while self.position == self.chunk.len() {
            self.chunk = self.chunks.next().await?;
            self.position = 0;
        }
        Some(self.chunk.as_bytes()[self.position])
    }

    #[cps]
    async fn next(&mut self) -> Option<u8> {
        let byte = self.peek().await?;
        self.position += 1;
        Some(byte)
    }
}

fn unexpected(byte: Option<u8>) -> String {
    match byte {
        Some(byte) => format!("unexpected {:?}", char::from(byte)),
        None => "the input ends too early".to_owned(),
    }
}

/// Counts a list for as long as it is being parsed.
struct Open<'a>(&'a Cell<usize>);

impl<'a> Open<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Open(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

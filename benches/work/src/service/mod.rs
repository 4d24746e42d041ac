//! A request to an HTTP service, whose handlers are calls of one another down to a store that suspends.
//!
//! `GET /items/{item}/quote?count={count}` asks what so many of an item cost. The levels of a request, each a function
//! that awaits the next:
//!
//! | level | function | holds while the next is suspended |
//! |---|---|---|
//! | 1 | `route` | the shop, the entry of its log |
//! | – | `layer1` … `layer24`, if [`Spec::depth`] is 32 | the number of the request; they pass the request on by value |
//! | 2 | `item` | the head of the request (224 bytes), the answer's text as far as it is known |
//! | 3 | `quote` | the rates of rebates, 16 words |
//! | 4 | `find` | the key, 32 bytes |
//! | 5 | `in_time` | the timer of a limit that is never reached |
//! | 6 | `retry` | the key, the number of attempts |
//! | 7 | `query` | the statement, 64 bytes, and a place in the store |
//! | 8 | `rows` | what has been read of the row |
//!
//! The innermost reads a row in [`BLOCKS`] steps, and suspends before each. One item of eight is refused at the first
//! attempt, and found at the second. All of it but the awaits is here, so that each way of writing the levels does the
//! same.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Cost;
use crate::flavour::Flavour;

mod gate;

pub use gate::{Gate, Pass};

/// What the service runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// This project's runtime.
    Reactor,
    /// tokio.
    Tokio,
}

impl Runtime {
    /// Both, in the order of the tables.
    pub const ALL: [Runtime; 2] = [Runtime::Tokio, Runtime::Reactor];

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Runtime::Reactor => "reactor",
            Runtime::Tokio => "tokio",
        }
    }
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spec {
    /// What it runs on.
    pub runtime: Runtime,
    /// On how many threads.
    pub flavour: Flavour,
    /// How many calls a request is: one of [`DEPTHS`].
    pub depth: u32,
    /// How many connections the client has.
    pub connections: usize,
}

/// The depths that exist: without and with 24 layers between the router and the handler.
pub const DEPTHS: [u32; 2] = [8, 32];
/// The numbers of connections that are measured.
pub const CONNECTIONS: [usize; 3] = [1, 64, 512];
/// Steps in which a row is read.
pub const BLOCKS: usize = 4;
/// How long a request may take at the store.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How often a query is tried.
pub const ATTEMPTS: u64 = 3;
/// How many items there are.
const ITEMS: u64 = 1000;

/// Why a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is no request for a quote.
    Malformed,
    /// There is no such item.
    Missing,
    /// The store does not answer now.
    Refused,
    /// The limit is reached.
    Late,
}

/// What a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The number of the item.
    pub item: u64,
    /// How many of it.
    pub count: u64,
}

impl Asked {
    /// Reads a request's first line. Other parameters than `count` are skipped.
    ///
    /// # Errors
    /// If it is for something else.
    pub fn of(method: &str, target: &str) -> Result<Self, Failure> {
        let read = || {
            let (path, query) = target.split_once('?')?;
            let item = path.strip_prefix("/items/")?.strip_suffix("/quote")?.parse().ok()?;
            let count = query.split('&').find_map(|term| term.strip_prefix("count="))?;
            let count = count.parse().ok().filter(|count| (1..=1000).contains(count))?;
            (method == "GET").then_some(Self { item, count })
        };
        read().ok_or(Failure::Malformed)
    }
}

/// What a request is answered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The layers that it came through.
    pub layers: u32,
    /// JSON.
    pub body: String,
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let (status, reason) = match failure {
            Failure::Malformed => (400, "no such question"),
            Failure::Missing => (404, "no such item"),
            Failure::Refused => (503, "the store is out of order"),
            Failure::Late => (504, "the store is late"),
        };
        Answer { status, layers: 0, body: format!("{{\"error\":\"{reason}\"}}") }
    }
}

/// The beginning of an answer, in a buffer with room for all of it.
#[must_use]
pub fn begin(asked: Asked) -> String {
    let mut text = String::with_capacity(128);
    let Asked { item, count } = asked;
    let _ = write!(text, "{{\"item\":{item},\"count\":{count}");
    text
}

/// The whole answer.
#[must_use]
pub fn end(mut text: String, quote: Quote) -> Answer {
    let Quote { price, stock, attempts } = quote;
    let _ = write!(text, ",\"price\":{price},\"stock\":{stock},\"attempts\":{attempts}}}");
    Answer { status: 200, layers: 0, body: text }
}

/// What some of an item cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// For all of them.
    pub price: u64,
    /// How many there are.
    pub stock: u64,
    /// How often the store was asked.
    pub attempts: u64,
}

impl Quote {
    /// With the rebate for so many.
    #[must_use]
    pub fn of(found: Found, rates: &[u64; 16], count: u64) -> Self {
        let rate = rates[(count.ilog2() as usize).min(rates.len() - 1)];
        let Found { row: [_, price, stock, _], attempts } = found;
        Quote { price: price * count * (1000 - rate) / 1000, stock, attempts }
    }
}

/// A row of the store: the item's number, its price, how many there are, and the sum of these.
pub type Row = [u64; BLOCKS];

/// A row, and how often the store was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The row.
    pub row: Row,
    /// At least once.
    pub attempts: u64,
}

impl Found {
    /// Fails unless the row is whole, and that of this key.
    ///
    /// # Errors
    /// [`Failure::Missing`]
    pub fn checked(self, key: &Key) -> Result<Self, Failure> {
        let [item, price, stock, sum] = self.row;
        let is_whole = item + price + stock == sum && *key == Key::of(item);
        is_whole.then_some(self).ok_or(Failure::Missing)
    }
}

/// The key of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// That of an item.
    #[must_use]
    pub fn of(item: u64) -> Self {
        let mut key = *b"items/........ in the only shop.";
        key[6..14].copy_from_slice(&item.to_le_bytes());
        Self(key)
    }

    /// What asks the store for it.
    #[must_use]
    pub fn statement(&self, attempt: u64) -> Statement {
        let mut statement = [0; 64];
        statement[..32].copy_from_slice(&self.0);
        statement[56..].copy_from_slice(&attempt.to_le_bytes());
        Statement(statement)
    }
}

/// A question to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement([u8; 64]);

impl Statement {
    fn word(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().expect("eight bytes"))
    }
}

/// What all requests share.
#[derive(Debug)]
pub struct Shop {
    /// What the store suspends at.
    pub gate: Gate,
    requests: AtomicU64,
    queries: AtomicU64,
    /// The number of the last that failed, and one.
    failed: AtomicU64,
}

impl Shop {
    /// A shop with that gate.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        let zero = || AtomicU64::new(0);
        Self { gate, requests: zero(), queries: zero(), failed: zero() }
    }

    /// The number of the next request.
    pub fn number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes the answer to a request, if it is no success.
    pub fn log(&self, number: u64, answer: &Answer) {
        if answer.status != 200 {
            self.failed.fetch_max(number + 1, Ordering::Relaxed);
        }
    }

    /// The rates of rebates, in thousandths, by the number of digits of the count.
    #[must_use]
    pub fn rates(&self) -> [u64; 16] {
        std::array::from_fn(|digits| 5 * digits as u64)
    }

    /// Takes a place in the store until it is dropped.
    pub fn enter(&self) -> Place<'_> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        Place(self)
    }

    /// A part of the row that the statement asks for.
    ///
    /// # Errors
    /// If there is none, or it is refused.
    pub fn block(&self, statement: &Statement, block: usize) -> Result<u64, Failure> {
        let (item, attempt) = (statement.word(6), statement.word(56));
        // Of 64 items, seven are found at the second attempt, and one at none.
        let refusals = [0, 1, ATTEMPTS][usize::from(item % 8 == 7) + usize::from(item % 64 == 63)];
        if attempt <= refusals {
            return Err(Failure::Refused);
        }
        if item >= ITEMS {
            return Err(Failure::Missing);
        }
        let (price, stock) = (100 + item * 37 % 900, item % 17);
        Ok([item, price, stock, item + price + stock][block])
    }
}

/// A place in the store.
#[derive(Debug)]
pub struct Place<'s>(&'s Shop);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.queries.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The answer to a `GET` request, by a function that awaits nothing.
#[must_use]
pub fn expected(target: &str, depth: u32) -> Answer {
    let shop = Shop::new(Gate::open());
    let found = |key: &Key| {
        for attempts in 1.. {
            let statement = key.statement(attempts);
            let mut row = [0; BLOCKS];
            let read = (0..BLOCKS)
                .try_for_each(|block| shop.block(&statement, block).map(|word| row[block] = word));
            match read {
                Err(Failure::Refused) if attempts < ATTEMPTS => {}
                Err(failure) => return Err(failure),
                Ok(()) => return Ok(Found { row, attempts }),
            }
        }
        Err(Failure::Refused)
    };
    let asked = match Asked::of("GET", target) {
        Ok(asked) => asked,
        // The router itself says so.
        Err(failure) => return failure.into(),
    };
    let key = Key::of(asked.item);
    let answer = match found(&key).and_then(|found| found.checked(&key)) {
        Ok(found) => end(begin(asked), Quote::of(found, &shop.rates(), asked.count)),
        Err(failure) => failure.into(),
    };
    Answer { layers: depth - DEPTHS[0], ..answer }
}

/// What the client asks in turn, on each connection, up to a parameter that ends with `=`.
#[must_use]
pub fn targets() -> Vec<String> {
    (0..32).map(|i| format!("/items/{i}/quote?count={}&clock=", 1 + i * 7 % 30)).collect()
}

/// What a service takes of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// Bytes of the allocator that live while a request of each connection is suspended at the innermost call, for each
    /// connection.
    pub per_connection: f64,
    /// The size of the future of a request.
    pub handler: usize,
}

/// A service that is ready to be started, with its client.
pub trait Service {
    /// Starts it, lets a client send so many requests on each connection, checks all answers, and says what it took.
    ///
    /// # Errors
    /// If an answer is wrong, or does not come.
    fn rounds(&mut self, rounds: u64) -> anyhow::Result<Cost>;

    /// What it takes of memory. On one thread only, whose allocations are counted.
    ///
    /// # Errors
    /// If an answer is wrong, or does not come.
    fn footprint(&mut self) -> anyhow::Result<Footprint>;

    /// The answers to these requests on one connection, as they come: all bytes.
    ///
    /// # Errors
    /// If one does not come.
    fn answers(&mut self, targets: &[&str]) -> anyhow::Result<Vec<Vec<u8>>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answers_are_these() {
        let of = |target: &str| {
            let Answer { status, layers, body } = expected(target, 32);
            assert_eq!(layers, if status == 400 { 0 } else { 24 });
            (status, body)
        };
        let (status, body) = of("/items/7/quote?count=8&clock=start");
        assert_eq!(status, 200);
        assert_eq!(body, "{\"item\":7,\"count\":8,\"price\":2828,\"stock\":7,\"attempts\":2}");
        assert_eq!(of("/items/63/quote?count=1").0, 503);
        assert_eq!(of("/items/1000/quote?count=1").0, 404);
        for malformed in ["/items/1/quote", "/items/x/quote?count=1", "/items/1/quote?count=0"] {
            assert_eq!(of(malformed).0, 400, "{malformed}");
        }
        assert_eq!(Asked::of("POST", "/items/1/quote?count=1"), Err(Failure::Malformed));
    }

    #[test]
    fn the_client_asks_for_what_there_is_and_an_eighth_of_it_twice() {
        let answers: Vec<Answer> = targets().iter().map(|target| expected(target, 8)).collect();
        assert!(answers.iter().all(|answer| answer.status == 200));
        let twice = answers.iter().filter(|answer| answer.body.contains("\"attempts\":2"));
        assert_eq!(twice.count(), answers.len() / 8);
    }

    #[test]
    fn places_are_given_back() {
        let shop = Shop::new(Gate::open());
        drop((shop.enter(), shop.enter()));
        assert_eq!(shop.queries.into_inner(), 0);
    }
}

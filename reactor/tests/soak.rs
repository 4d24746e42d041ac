//! Many connections and timers at once, in ways that the network knows: bytes both ways, half-closes, slow readers,
//! resets, peers that go away in the middle. What they do is random, from a fixed seed; how it ends is not: every byte
//! of an orderly connection is accounted for, and nothing is left behind.
//!
//! Some rounds by default. `REACTOR_SOAK_SECONDS=60` goes on for a minute, with other seeds. A failure names its seed,
//! with which `REACTOR_SOAK_SEED` starts.

#![cfg(all(target_os = "linux", not(loom)))] // Sockets are no model's matter.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use reactor::net::{TcpListener, TcpStream};
use reactor::{Builder, Handle, JoinSet, LocalRuntime, Runtime, sleep, spawn, timeout, yield_now};

/// Connections of one round, all at the same time.
const CONNECTIONS: u64 = 48;
/// Rounds by default.
const ROUNDS: u64 = 6;
/// After so long something hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) % end
    }

    fn micros(&mut self, end: u64) -> Duration {
        Duration::from_micros(self.below(end))
    }
}

/// What a client does with its connection; the first byte that it sends says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// All bytes come back, while others are sent.
    Echo,
    /// Sends, closes its side, and is told how many bytes came.
    HalfClose,
    /// Receives a lot, slowly.
    SlowReader,
    /// Resets the connection in the middle of an echo.
    Reset,
    /// Is aborted in the middle of an echo.
    Abort,
    /// Loses its server in the middle of an echo.
    LostServer,
}

const KINDS: [Kind; 6] =
    [Kind::Echo, Kind::HalfClose, Kind::SlowReader, Kind::Reset, Kind::Abort, Kind::LostServer];

/// Bytes of orderly connections, by who counts them; and how each kind of connection ended.
#[derive(Default)]
struct Totals {
    sent_by_clients: AtomicU64,
    received_by_servers: AtomicU64,
    sent_by_servers: AtomicU64,
    received_by_clients: AtomicU64,
    orderly: AtomicU64,
    timers: AtomicU64,
}

fn add(total: &AtomicU64, more: u64) {
    total.fetch_add(more, SeqCst);
}

/// The byte at a place of the stream that a seed names.
fn byte(seed: u64, place: u64) -> u8 {
    (seed ^ place ^ (place >> 8)) as u8
}

/// Sends `amount` bytes in pieces.
async fn send(stream: &TcpStream, seed: u64, amount: u64, random: &mut Random) -> io::Result<()> {
    let mut place = 0;
    while place < amount {
        let end = amount.min(place + 1 + random.below(20_000));
        let piece: Vec<u8> = (place..end).map(|place| byte(seed, place)).collect();
        stream.write_all(&piece).await?;
        place = end;
        if random.below(16) == 0 {
            sleep(random.micros(300)).await;
        }
    }
    Ok(())
}

/// Receives so many bytes, or up to the end, and checks each. `pause` is how long it waits now and then, in
/// microseconds.
async fn receive(
    stream: &TcpStream,
    seed: u64,
    amount: u64,
    pause: u64,
    random: &mut Random,
) -> io::Result<u64> {
    let mut place = 0;
    while place < amount {
        let mut piece = vec![0; (amount - place).min(1 + random.below(16_000)) as usize];
        let length = stream.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        for (offset, &got) in piece[..length].iter().enumerate() {
            assert_eq!(got, byte(seed, place + offset as u64), "another byte than was sent");
        }
        place += length as u64;
        match random.below(8) {
            0 => sleep(random.micros(pause)).await,
            1 => yield_now().await,
            _ => {}
        }
    }
    Ok(place)
}

/// The head of a connection: its kind, seed and amount.
async fn send_head(stream: &TcpStream, kind: Kind, seed: u64, amount: u64) -> io::Result<()> {
    let mut head = vec![kind as u8];
    head.extend(seed.to_le_bytes());
    head.extend(amount.to_le_bytes());
    stream.write_all(&head).await
}

async fn read_all(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => filled += length,
        }
    }
    Ok(())
}

/// The other end of a client.
async fn serve(stream: TcpStream, totals: Arc<Totals>) -> io::Result<()> {
    let mut head = [0; 17];
    read_all(&stream, &mut head).await?;
    let kind = KINDS[usize::from(head[0])];
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let (seed, amount) = (number(1), number(9));
    let mut random = Random::new(!seed);
    match kind {
        Kind::HalfClose => {
            let received = receive(&stream, seed, u64::MAX, 200, &mut random).await?;
            add(&totals.received_by_servers, received);
            stream.write_all(&received.to_le_bytes()).await?;
            add(&totals.sent_by_servers, 8);
        }
        Kind::SlowReader => {
            send(&stream, seed, amount, &mut random).await?;
            add(&totals.sent_by_servers, amount);
        }
        Kind::LostServer => {
            let _ = timeout(random.micros(2_000), echo(&stream, &totals, false)).await;
        }
        _ => echo(&stream, &totals, kind == Kind::Echo).await?,
    }
    Ok(())
}

/// Sends back what comes.
async fn echo(stream: &TcpStream, totals: &Totals, counts: bool) -> io::Result<()> {
    let mut buffer = vec![0; 8_192];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
        if counts {
            add(&totals.received_by_servers, length as u64);
            add(&totals.sent_by_servers, length as u64);
        }
    }
}

/// Sends and receives at the same time.
async fn exchange(stream: &Arc<TcpStream>, seed: u64, amount: u64) -> io::Result<u64> {
    let sender = stream.clone();
    let mut sends = JoinSet::new();
    sends.spawn(async move {
        let sent = send(&sender, seed, amount, &mut Random::new(seed)).await;
        sent.and_then(|()| sender.shutdown(std::net::Shutdown::Write))
    });
    let received = receive(stream, seed, amount, 100, &mut Random::new(seed + 1)).await?;
    sends.join_next().await.unwrap().unwrap()?;
    Ok(received)
}

/// One connection.
async fn connect(address: SocketAddr, seed: u64, totals: Arc<Totals>) -> io::Result<()> {
    let mut random = Random::new(seed);
    let kind = KINDS[random.below(KINDS.len() as u64) as usize];
    let amount = 1 + random.below(if kind == Kind::SlowReader { 400_000 } else { 100_000 });
    sleep(random.micros(2_000)).await;
    let stream = Arc::new(TcpStream::connect(address).await?);
    send_head(&stream, kind, seed, amount).await?;
    match kind {
        Kind::Echo => {
            let received = exchange(&stream, seed, amount).await?;
            assert_eq!(received, amount);
            add(&totals.sent_by_clients, amount);
            add(&totals.received_by_clients, received);
        }
        Kind::HalfClose => {
            send(&stream, seed, amount, &mut random).await?;
            stream.shutdown(std::net::Shutdown::Write)?;
            let mut told = [0; 8];
            read_all(&stream, &mut told).await?;
            assert_eq!(u64::from_le_bytes(told), amount);
            add(&totals.sent_by_clients, amount);
            add(&totals.received_by_clients, 8);
        }
        Kind::SlowReader => {
            let received = receive(&stream, seed, u64::MAX, 400, &mut random).await?;
            assert_eq!(received, amount);
            add(&totals.received_by_clients, received);
        }
        Kind::Reset => {
            let _ = timeout(random.micros(3_000), exchange(&stream, seed, amount)).await;
            stream.set_linger(Some(Duration::ZERO))?; // A close is a reset then.
            return Ok(());
        }
        Kind::Abort => {
            let task = spawn(async move { exchange(&stream, seed, amount).await });
            sleep(random.micros(3_000)).await;
            task.abort();
            // It may have ended before.
            match task.await {
                Ok(ended) => drop(ended),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
            return Ok(());
        }
        // The end, or an error: whichever comes first.
        Kind::LostServer => {
            let _ = exchange(&stream, seed, amount).await;
            return Ok(());
        }
    }
    add(&totals.orderly, 1);
    Ok(())
}

/// Timers that end, are moved, and are given up.
async fn timers(seed: u64, totals: Arc<Totals>) {
    let mut random = Random::new(seed ^ 0xABCD);
    for _ in 0..30 {
        let start = Instant::now();
        let duration = random.micros(1_500);
        match random.below(4) {
            0 => {
                let gives_up = timeout(duration, sleep(Duration::from_secs(3_600))).await;
                assert!(gives_up.is_err() && start.elapsed() >= duration);
            }
            1 => {
                let mut moved = std::pin::pin!(sleep(Duration::from_secs(3_600)));
                assert!(timeout(random.micros(200), moved.as_mut()).await.is_err());
                moved.as_mut().reset(start + duration);
                moved.await;
                assert!(start.elapsed() >= duration);
            }
            2 => spawn(sleep(Duration::from_secs(3_600))).abort(),
            _ => {
                sleep(duration).await;
                assert!(start.elapsed() >= duration);
            }
        }
        add(&totals.timers, 1);
    }
}

/// One round on the runtime that is current.
async fn round(seed: u64) {
    let totals = Arc::new(Totals::default());
    let listener = TcpListener::bind(([127, 0, 0, 1], 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let of_servers = totals.clone();
    let server = spawn(async move {
        let mut servers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (stream, _) = listener.accept().await.unwrap();
            servers.spawn(serve(stream, of_servers.clone()));
        }
        drop(listener);
        // Errors are what resets and aborts are at this end.
        while let Some(ended) = servers.join_next().await {
            let _ = ended.unwrap();
        }
    });
    let mut clients = JoinSet::new();
    for number in 0..CONNECTIONS {
        let seed = seed * 1_000 + number;
        clients.spawn(connect(address, seed, totals.clone()));
        let of_timers = totals.clone();
        clients.spawn(async move {
            timers(seed, of_timers).await;
            Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().unwrap();
    }
    server.await.unwrap();
    let refused = TcpStream::connect(address).await.map(drop);
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let [sent, received, answered, read, orderly, timers] = [
        &totals.sent_by_clients,
        &totals.received_by_servers,
        &totals.sent_by_servers,
        &totals.received_by_clients,
        &totals.orderly,
        &totals.timers,
    ]
    .map(|total| total.load(SeqCst));
    assert_eq!((sent, answered), (received, read), "bytes of orderly connections");
    assert_eq!(timers, CONNECTIONS * 30);
    assert!(orderly > 0 && orderly < CONNECTIONS, "{orderly} orderly ones are no mixture");
}

/// Waits until nothing but so many tasks is left of a round: aborted tasks end when the executor comes to them.
async fn nothing_is_left(handle: &Handle, tasks: u64) {
    let start = Instant::now();
    loop {
        let metrics = handle.metrics();
        let left = (metrics.live_tasks, metrics.sources, metrics.timers);
        if left == (tasks, 0, 0) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "tasks, sources and timers are left: {left:?}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Fails instead of hanging.
async fn bounded(seed: u64, what: &str, future: impl Future<Output = ()>) {
    assert!(timeout(PATIENCE, future).await.is_ok(), "{what} hangs, seed {seed}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Fails if there are other descriptors than at first. (A worker's thread may still be ending, and glibc then reads a
/// file, to decide whether memory is given back.)
fn no_descriptor_is_left(seed: u64, before: usize) {
    let start = Instant::now();
    while descriptors() != before {
        let left = descriptors();
        assert!(start.elapsed() < PATIENCE, "{left} descriptors, not {before}, seed {seed}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn on_one_thread(seed: u64) {
    let runtime = LocalRuntime::new().unwrap();
    let handle = runtime.handle();
    runtime.block_on(bounded(seed, "a round", round(seed)));
    runtime.block_on(nothing_is_left(&handle, 1));
}

fn on_workers(seed: u64) {
    let runtime: Runtime = Builder::new().worker_threads(3).build().unwrap();
    let handle = runtime.handle();
    runtime.block_on(bounded(seed, "a round", async {
        spawn(round(seed)).await.unwrap();
    }));
    runtime.block_on(nothing_is_left(&handle, 0));
    assert!(runtime.shutdown_timeout(PATIENCE));
}

/// One test, since it counts the descriptors of the process.
#[test]
fn soak() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let until =
        number("REACTOR_SOAK_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let first = number("REACTOR_SOAK_SEED").unwrap_or(1);
    let before = descriptors();
    for seed in first.. {
        if until.map_or(seed == first + ROUNDS, |until| Instant::now() >= until) {
            println!("{} rounds on each runtime", seed - first);
            break;
        }
        println!("seed {seed}");
        on_one_thread(seed);
        on_workers(seed);
        no_descriptor_is_left(seed, before);
    }
}

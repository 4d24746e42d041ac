//! Coroutines under tokio: on many threads, with timers, channels, sockets and tokio's macros.
#![cfg(not(miri))]

use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cps_core::{BoxCoroutine, coroutine_block, suspend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

const FOREVER: Duration = Duration::from_secs(3600);

fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[cps_core::coroutine]
async fn fib(n: u32) -> u32 {
    if n < 2 {
        tokio::task::yield_now().await;
        return n;
    }
    fib(n - 1).on_heap().await + fib(n - 2).on_heap().await
}

#[test]
fn recursive_roots_run_on_several_workers() {
    on_tokio(async {
        let tasks: Vec<_> = (0..32).map(|n| tokio::spawn(fib(n % 12).into_future())).collect();
        let expected = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), expected[n % 12]);
        }
    });
}

#[cps_core::coroutine]
async fn echo(mut stream: TcpStream) -> io::Result<usize> {
    let mut buffer = [0; 16];
    let mut total = 0;
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(total);
        }
        write(&mut stream, &buffer[..length]).await?;
        total += length;
    }
}

#[cps_core::coroutine]
async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

#[cps_core::coroutine]
async fn serve(listener: TcpListener, connections: u32) -> io::Result<usize> {
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (stream, _) = listener.accept().await?;
        tasks.push(tokio::spawn(echo(stream).into_future()));
    }
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    Ok(total)
}

#[cps_core::coroutine]
async fn client(address: std::net::SocketAddr, text: String) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    write(&mut stream, text.as_bytes()).on_heap().await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[test]
fn an_echo_server_and_its_clients_are_coroutines() {
    on_tokio(
        coroutine_block! {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tokio::spawn(serve(listener, 8).into_future());
            let clients: Vec<_> = (0..8)
                .map(|n| tokio::spawn(client(address, "text ".repeat(n * 10)).into_future()))
                .collect();
            for (n, client) in clients.into_iter().enumerate() {
                assert_eq!(client.await.unwrap().unwrap(), "text ".repeat(n * 10));
            }
            assert_eq!(server.await.unwrap().unwrap(), 5 * 10 * (0..8).sum::<usize>());
        }
        .into_future(),
    );
}

#[test]
fn channels_and_timers_wake_deep_frames() {
    #[cps_core::coroutine]
    async fn receive(inbox: &mut mpsc::Receiver<u32>, levels: u32) -> Option<u32> {
        match levels {
            0 => inbox.recv().await,
            _ => receive(inbox, levels - 1).on_heap().await,
        }
    }
    #[cps_core::coroutine]
    async fn sum(mut inbox: mpsc::Receiver<u32>) -> u32 {
        let mut sum = 0;
        while let Some(n) = receive(&mut inbox, n_levels(sum)).await {
            sum += n;
        }
        sum
    }
    fn n_levels(sum: u32) -> u32 {
        sum % 7
    }
    #[cps_core::coroutine]
    async fn send(outbox: mpsc::Sender<u32>, range: std::ops::Range<u32>) {
        for n in range {
            if n % 10 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            outbox.send(n).await.unwrap();
        }
    }
    let sum = on_tokio(async {
        let (outbox, inbox) = mpsc::channel(3);
        let sum = tokio::spawn(sum(inbox).into_future());
        tokio::join!(
            send(outbox.clone(), 0..50).into_future(),
            send(outbox, 50..100).into_future()
        );
        sum.await.unwrap()
    });
    assert_eq!(sum, (0..100).sum());
}

#[cps_core::coroutine]
async fn twice(n: u32) -> u32 {
    sleep(Duration::from_millis(1)).await;
    n * 2
}

#[test]
fn select_and_join_work_inside_bodies() {
    #[cps_core::coroutine]
    async fn body() -> (u32, u32, &'static str) {
        let (a, b) = tokio::join!(twice(1).into_future(), twice(2).into_future());
        let (_keep, never) = oneshot::channel::<()>();
        let which = tokio::select! {
            _ = never => "never",
            value = twice(3) => if value == 6 { "twice" } else { "wrong" },
            () = sleep(FOREVER) => "slept",
        };
        (a, twice(b).await, which)
    }
    assert_eq!(on_tokio(body().into_future()), (2, 8, "twice"));
    assert_eq!(
        on_tokio(async { tokio::spawn(body().into_future()).await.unwrap() }),
        (2, 8, "twice")
    );
}

struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(live: &Arc<AtomicU32>) -> Self {
        live.fetch_add(1, SeqCst);
        Counted(live.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A chain of frames on the heap and in boxes that says when it has reached its bottom, and stays.
#[cps_core::coroutine]
async fn stays(live: Arc<AtomicU32>, levels: u32, reached: oneshot::Sender<()>) {
    let _local = Counted::new(&live);
    match levels {
        0 => {
            reached.send(()).unwrap();
            sleep(FOREVER).await;
        }
        n if n % 2 == 0 => stays(live, n - 1, reached).on_heap().await,
        n => stays_boxed(live, n - 1, reached).await,
    }
}

fn stays_boxed<'a>(
    live: Arc<AtomicU32>,
    levels: u32,
    reached: oneshot::Sender<()>,
) -> BoxCoroutine<'a, ()> {
    stays(live, levels, reached).boxed()
}

#[test]
fn a_timeout_cancels_a_deep_chain() {
    on_tokio(async {
        let live = Arc::new(AtomicU32::new(0));
        let (reached, _at_bottom) = oneshot::channel();
        let chain = stays(live.clone(), 50, reached).into_future();
        timeout(Duration::from_millis(5), chain).await.unwrap_err();
        assert_eq!(live.load(SeqCst), 0);
    });
}

#[test]
fn an_aborted_task_drops_its_chain() {
    on_tokio(async {
        let live = Arc::new(AtomicU32::new(0));
        let (reached, at_bottom) = oneshot::channel();
        let task = tokio::spawn(stays(live.clone(), 50, reached).into_future());
        at_bottom.await.unwrap();
        assert_eq!(live.load(SeqCst), 51);
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(live.load(SeqCst), 0);
    });
}

#[test]
fn a_panic_ends_its_task_only() {
    #[cps_core::coroutine]
    async fn panics(levels: u32) -> u32 {
        if levels == 0 {
            sleep(Duration::from_millis(1)).await;
            panic!("at the bottom");
        }
        panics(levels - 1).on_heap().await
    }
    on_tokio(async {
        let panicked = tokio::spawn(panics(5).into_future()).await.unwrap_err();
        assert_eq!(panicked.into_panic().downcast_ref(), Some(&"at the bottom"));
        assert_eq!(tokio::spawn(twice(4).into_future()).await.unwrap(), 8);
    });
}

#[test]
fn results_of_blocking_work_and_of_threads_reach_deep_frames() {
    #[cps_core::coroutine]
    async fn ask(levels: u32) -> u32 {
        if levels > 0 {
            return ask(levels - 1).on_heap().await + 1;
        }
        let blocking = tokio::task::spawn_blocking(|| 100).await.unwrap();
        let thread = suspend(|k| drop(std::thread::spawn(move || k.resume(1000)))).await;
        blocking + thread
    }
    let values = on_tokio(async {
        let tasks: Vec<_> = (0..20).map(|n| tokio::spawn(ask(n).into_future())).collect();
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await.unwrap());
        }
        values
    });
    assert_eq!(values, (1100..1120).collect::<Vec<_>>());
}

#[test]
fn the_current_thread_runtime_runs_roots_that_are_not_send() {
    use std::rc::Rc;
    #[cps_core::coroutine]
    async fn local(shared: Rc<u32>) -> u32 {
        sleep(Duration::from_millis(1)).await;
        *shared + twice(1).await
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    let value = tasks.block_on(&runtime, async {
        tokio::task::spawn_local(local(Rc::new(5)).into_future()).await.unwrap()
    });
    assert_eq!(value, 7);
}

//! A task that always finds something to do does not keep others from doing theirs.

#![cfg(all(unix, not(loom)))] // Sockets and time are no model's matter.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::Write;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::AsyncRead;
use reactor::net::{TcpListener, UdpSocket, UnixStream};
use reactor::{JoinHandle, block_on, sleep, sleep_until, spawn_local, timeout};

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// The most that a poll may do.
const BUDGET: u32 = 128;

/// Calls `done` as often as it is ready, for `polls` polls. Gives how often that was in each.
async fn per_poll(polls: usize, mut done: impl FnMut(&mut Context<'_>) -> Poll<()>) -> Vec<u32> {
    let mut counts = Vec::new();
    poll_fn(|cx| {
        counts.push((0..100_000).take_while(|_| done(cx).is_ready()).count() as u32);
        if counts.len() == polls { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    counts
}

#[test]
fn every_leaf_that_is_always_ready_gives_way_after_the_same_number() {
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        right.write_all(&[0; 4_000]).await.unwrap();
        let reads = per_poll(3, |cx| {
            let read = Pin::new(&mut &left).poll_read(cx, &mut [0]);
            read.map(|read| assert_eq!(read.unwrap(), 1))
        });
        // In a task, so that each poll has a budget of its own.
        assert_eq!(spawn_scoped(reads).await, [BUDGET; 3]);
        let nothing = per_poll(2, |cx| Pin::new(&mut &left).poll_read(cx, &mut []).map(drop));
        assert_eq!(spawn_scoped(nothing).await, [BUDGET; 2]);
        let methods = per_poll(2, |cx| pin!(left.read(&mut [0])).poll(cx).map(drop));
        assert_eq!(spawn_scoped(methods).await, [BUDGET; 2]);
        let writes = per_poll(2, |cx| pin!(left.write(&[0])).poll(cx).map(drop));
        assert_eq!(spawn_scoped(writes).await, [BUDGET; 2]);

        let socket = UdpSocket::bind(LOCAL).unwrap();
        let address = socket.local_addr().unwrap();
        let sends = per_poll(2, |cx| pin!(socket.send_to(&[0], address)).poll(cx).map(drop));
        assert_eq!(spawn_scoped(sends).await, [BUDGET; 2]);

        let past = std::time::Instant::now();
        let timers = per_poll(2, |cx| pin!(sleep_until(past)).poll(cx).map(drop));
        assert_eq!(spawn_scoped(timers).await, [BUDGET; 2]);
        let mut ticks = reactor::time::interval_at(past, Duration::from_nanos(1));
        let ticks = per_poll(2, |cx| ticks.poll_tick(cx).map(drop));
        assert_eq!(spawn_scoped(ticks).await, [BUDGET; 2]);

        let mut done = finished(300).await;
        let results = per_poll(2, |cx| {
            let result = Pin::new(done.last_mut().unwrap()).poll(cx);
            result.map(|result| {
                result.unwrap();
                done.pop();
            })
        });
        assert_eq!(spawn_scoped(results).await, [BUDGET; 2]);
    });

    /// Begins a poll with a new budget.
    async fn spawn_scoped<T>(future: impl Future<Output = T>) -> T {
        reactor::yield_now().await;
        future.await
    }
}

#[test]
fn connections_without_end_are_accepted_so_many_in_a_poll() {
    block_on(async {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        // More than one budget.
        let clients: Vec<_> = std::thread::spawn(move || {
            (0..200).map(|_| std::net::TcpStream::connect(address)).collect()
        })
        .join()
        .unwrap();
        reactor::yield_now().await;
        let accepted =
            per_poll(2, |cx| listener.poll_accept(cx).map(|accepted| drop(accepted.unwrap())));
        let accepted = accepted.await;
        assert!(accepted.iter().all(|&count| count <= BUDGET), "{accepted:?}");
        assert_eq!(accepted.iter().sum::<u32>() as usize, clients.len());
    });
}

/// Handles whose results are there.
async fn finished(count: usize) -> Vec<JoinHandle<()>> {
    let handles: Vec<_> = (0..count).map(|_| spawn_local(async {})).collect();
    while !handles.iter().all(JoinHandle::is_finished) {
        reactor::yield_now().await;
    }
    handles
}

#[test]
fn a_task_that_collects_ready_results_lets_timers_fire() {
    const RESULTS: usize = 200_000;
    block_on(async {
        let ready = finished(RESULTS).await;
        let fired = Rc::new(Cell::new(false));
        let flag = fired.clone();
        let collector = spawn_local(async move {
            let mut results = 0;
            for handle in ready {
                if flag.get() {
                    break;
                }
                handle.await.unwrap();
                let until = Instant::now() + Duration::from_micros(2); // 400 ms in all.
                while Instant::now() < until {}
                results += 1;
            }
            results
        });
        sleep(Duration::from_millis(1)).await;
        fired.set(true);
        assert!(collector.await.unwrap() < RESULTS);
    });
}

/// A peer in another thread, which writes without a pause.
#[test]
fn a_reader_of_a_flood_lets_timers_fire() {
    let (mut peer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || while peer.write_all(&[0; 1 << 16]).is_ok() {});
    block_on(async move {
        let reader = UnixStream::from_std(reader).unwrap();
        let fired = Rc::new(Cell::new(0));
        let flag = fired.clone();
        let read = spawn_local(async move {
            let mut pieces = 0_u64;
            loop {
                assert!(reader.read(&mut [0; 64]).await.unwrap() > 0);
                pieces += 1;
                if flag.get() == 3 {
                    return pieces;
                }
            }
        });
        for _ in 0..3 {
            sleep(Duration::from_millis(10)).await;
            fired.set(fired.get() + 1);
        }
        assert!(read.await.unwrap() > 0);
    });
    thread.join().unwrap();
}

#[test]
fn a_limit_ends_a_future_that_uses_up_every_budget() {
    let (mut peer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || while peer.write_all(&[0; 1 << 16]).is_ok() {});
    block_on(async move {
        let reader = UnixStream::from_std(reader).unwrap();
        let flood = async {
            loop {
                reader.read(&mut [0; 1]).await.unwrap();
            }
        };
        assert!(timeout(Duration::from_millis(10), flood).await.is_err());
    });
    thread.join().unwrap();
}

/// Another executor inside a task knows nothing of the budget, which it may use up but not for ever.
#[test]
fn another_executor_inside_a_task_goes_on() {
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        right.write_all(&[0; 1_000]).await.unwrap();
        futures::executor::block_on(async {
            for _ in 0..1_000 {
                assert_eq!(left.read(&mut [0]).await.unwrap(), 1);
            }
        });
    });
}

#[test]
fn a_task_that_gave_way_is_woken_without_an_event() {
    let done = Arc::new(AtomicBool::new(false));
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        right.write_all(&[0; 1_000]).await.unwrap();
        let flag = done.clone();
        let read = spawn_local(async move {
            for _ in 0..1_000 {
                assert_eq!(left.read(&mut [0]).await.unwrap(), 1);
            }
            flag.store(true, SeqCst);
        });
        read.await.unwrap();
    });
    assert!(done.load(SeqCst));
}

//! Sockets and timers of one runtime, used on other threads while it runs on its own: a wake that were lost would end
//! in a wait that the limits here find.

#![cfg(all(unix, not(loom)))] // Sockets and time are no model's matter.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use futures::task::noop_waker_ref;
use futures::{AsyncReadExt, future, poll};
use reactor::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use reactor::{LocalRuntime, Sleep, block_on, sleep, spawn_local, timeout, yield_now};

const LIMIT: Duration = Duration::from_secs(120);
const THREADS: usize = 3;

/// Runs a runtime on a thread of its own while `f` has what `make` makes there.
fn beside<T: Send>(make: impl AsyncFnOnce() -> T + Send, f: impl FnOnce(T)) {
    let (send, receive) = std::sync::mpsc::channel();
    let (end, ended) = futures::channel::oneshot::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            LocalRuntime::new().unwrap().block_on(async {
                send.send(make().await).unwrap();
                let _ = ended.await;
            });
        });
        f(receive.recv().unwrap());
        drop(end);
    });
}

/// Limits a test: a wait that does not end is a failure.
async fn limited<F: Future>(future: F) -> F::Output {
    timeout(LIMIT, future).await.expect("a wake was lost")
}

/// Reads a byte, but gives up waiting soon.
async fn impatient(stream: &UnixStream) -> Option<u8> {
    let mut byte = [0];
    let read = match future::select(pin!(stream.read(&mut byte)), pin!(yield_now())).await {
        future::Either::Left((read, _)) => Some(read.unwrap()),
        future::Either::Right(_) => None,
    };
    read.map(|_| byte[0])
}

#[test]
fn messages_go_to_and_fro_between_threads() {
    const PAIRS: usize = 8;
    const ROUNDS: u32 = 1_000;
    let pairs = async || [0; PAIRS].map(|_| UnixStream::pair().unwrap());
    beside(pairs, |pairs| {
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let ask = async |stream: &UnixStream| {
            for round in 0..ROUNDS {
                stream.write_all(&round.to_ne_bytes()).await.unwrap();
                let mut answer = [0; 4];
                (&*stream).read_exact(&mut answer).await.unwrap();
                assert_eq!(answer, round.to_ne_bytes());
            }
        };
        let answer = async |stream: &UnixStream| {
            for _ in 0..ROUNDS {
                let mut question = [0; 4];
                question[0] = loop {
                    if let Some(byte) = impatient(stream).await {
                        break byte;
                    }
                };
                (&*stream).read_exact(&mut question[1..]).await.unwrap();
                stream.write_all(&question).await.unwrap();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| block_on(limited(future::join_all(left.iter().map(ask)))));
            scope.spawn(|| block_on(limited(future::join_all(right.iter().map(answer)))));
        });
    });
}

#[test]
fn threads_accept_from_one_listener() {
    const CONNECTIONS: usize = 300;
    beside(
        async || TcpListener::bind(([127, 0, 0, 1], 0)).unwrap(),
        |listener| {
            let address = listener.local_addr().unwrap();
            let (listener, accepted) = (Arc::new(listener), Arc::new(AtomicUsize::new(0)));
            let acceptors: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (listener, accepted) = (listener.clone(), accepted.clone());
                    thread::spawn(move || {
                        block_on(limited(async {
                            while accepted.load(SeqCst) < CONNECTIONS {
                                // Several at a time, of which some give up.
                                let accepts = (0..4).map(|_| Box::pin(listener.accept()));
                                let first = future::select_all(accepts);
                                let Ok((stream, ..)) =
                                    timeout(Duration::from_millis(20), first).await
                                else {
                                    continue;
                                };
                                drop(stream.unwrap());
                                accepted.fetch_add(1, SeqCst);
                            }
                        }));
                    })
                })
                .collect();
            block_on(limited(async {
                for _ in 0..CONNECTIONS {
                    let stream = TcpStream::connect(address).await.unwrap();
                    // Accepted: the other end is closed then.
                    let read = stream.read(&mut [0]).await;
                    assert!(matches!(read, Ok(0) | Err(_)));
                }
            }));
            acceptors.into_iter().for_each(|thread| thread.join().unwrap());
        },
    );
}

#[test]
fn timers_are_armed_moved_and_dropped_on_other_threads() {
    const ROUNDS: u32 = 1_000;
    let timers = async || [(); 2 * THREADS].map(|()| sleep(Duration::ZERO));
    beside(timers, |timers| {
        let use_two = |mut timers: [Sleep; 2]| {
            block_on(limited(async {
                for round in 0..ROUNDS {
                    let [one, two] = &mut timers;
                    let start = Instant::now();
                    one.reset(start + Duration::from_secs(3600));
                    two.reset(start + Duration::from_micros(u64::from(round) % 300));
                    // Of another waker, then of this task's.
                    let mut cx = std::task::Context::from_waker(noop_waker_ref());
                    let _ = std::pin::Pin::new(&mut *two).poll(&mut cx);
                    future::select(&mut *two, pin!(poll_once(one))).await;
                    assert!(two.is_elapsed());
                    assert!(Instant::now() >= two.deadline());
                }
            }));
            drop(timers);
        };
        let mut timers = timers.into_iter();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let two = [timers.next().unwrap(), timers.next().unwrap()];
                scope.spawn(move || use_two(two));
            }
        });
    });

    /// Polls a timer, then waits for ever.
    async fn poll_once(timer: &mut Sleep) {
        assert!(poll!(timer).is_pending());
        pending::<()>().await;
    }
}

#[test]
fn a_runtime_goes_away_while_others_use_its_sockets() {
    for _ in 0..50 {
        let (send, receive) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            LocalRuntime::new().unwrap().block_on(async {
                let sockets = [0; 4].map(|_| UdpSocket::bind(([127, 0, 0, 1], 0)).unwrap());
                send.send(sockets).unwrap();
                sleep(Duration::from_micros(200)).await;
            });
        });
        let sockets = receive.recv().unwrap();
        block_on(limited(async {
            let tasks = sockets.map(|socket| {
                spawn_local(async move {
                    // Nothing comes; then the runtime goes.
                    let error = socket.recv(&mut [0]).await.unwrap_err();
                    assert_eq!(error.to_string(), "the runtime that this belongs to is gone");
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        }));
        thread.join().unwrap();
    }
}

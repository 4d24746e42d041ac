//! TCP on real sockets of the loopback interface.

#![cfg(not(loom))] // Sockets and time are no model's matter.

use std::cell::Cell;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, future};
use reactor::net::{TcpListener, TcpStream};
use reactor::{LocalRuntime, block_on, sleep, spawn_local, timeout, yield_now};

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Both ends of one connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(LOCAL).unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = future::join(TcpStream::connect(address), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// Both ends, with small buffers. (Smaller ones than these make the system wait for delayed
/// acknowledgements.)
async fn narrow_pair() -> (TcpStream, TcpStream) {
    let (client, server) = pair().await;
    let narrow = |stream: TcpStream| {
        let socket = socket2::SockRef::from(&stream);
        socket.set_send_buffer_size(32 << 10).unwrap();
        socket.set_recv_buffer_size(128 << 10).unwrap();
        stream
    };
    (narrow(client), narrow(server))
}

/// `length` bytes that depend on `seed` and their place.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .collect()
}

#[test]
fn an_echo_server_serves_many_clients_at_once() {
    const CLIENTS: u64 = 100;
    block_on(async {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        let served = Rc::new(Cell::new(0));
        let count = served.clone();
        let server = spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let count = count.clone();
                drop(spawn_local(async move {
                    futures::io::copy(&stream, &mut &stream).await.unwrap();
                    count.set(count.get() + 1);
                }));
            }
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                spawn_local(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    for round in 0..10 {
                        let data = pattern(n * 100 + round, 1 + (n as usize * 37) % 2000);
                        let mut back = vec![0; data.len()];
                        AsyncWriteExt::write_all(&mut stream, &data).await.unwrap();
                        stream.read_exact(&mut back).await.unwrap();
                        assert_eq!(data, back);
                    }
                    stream.close().await.unwrap();
                    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.abort();
        yield_now().await;
        assert_eq!(served.get(), CLIENTS);
    });
}

#[test]
fn large_transfers_in_both_directions_under_back_pressure() {
    const LENGTH: usize = 4 << 20;
    block_on(async {
        let (left, right) = narrow_pair().await;
        let end = |stream: TcpStream, own: u64, other: u64| async move {
            let write = async {
                stream.write_all(&pattern(own, LENGTH)).await.unwrap();
                (&stream).close().await.unwrap();
            };
            let read = async {
                let mut all = Vec::new();
                (&stream).read_to_end(&mut all).await.unwrap();
                all
            };
            let ((), all) = future::join(write, read).await;
            assert!(all == pattern(other, LENGTH));
        };
        let (left, right) = (spawn_local(end(left, 1, 2)), spawn_local(end(right, 2, 1)));
        left.await.unwrap();
        right.await.unwrap();
    });
}

#[test]
fn reader_and_writer_of_one_stream_wait_in_two_tasks() {
    const LENGTH: usize = 1 << 20;
    block_on(async {
        let (left, right) = narrow_pair().await;
        let left = Rc::new(left);
        let reader = spawn_local({
            let left = left.clone();
            async move {
                let mut byte = [0];
                assert_eq!(left.read(&mut byte).await.unwrap(), 1);
                byte[0]
            }
        });
        let writer = spawn_local(async move { left.write_all(&pattern(3, LENGTH)).await.unwrap() });
        // Both wait: the writer for room, the reader for a byte.
        sleep(Duration::from_millis(20)).await;
        assert!(!reader.is_finished() && !writer.is_finished());
        // The reader's wake-up does not need the writer's, nor the other way round.
        right.write_all(b"x").await.unwrap();
        assert_eq!(reader.await.unwrap(), b'x');
        assert!(!writer.is_finished());
        let mut all = vec![0; LENGTH];
        (&right).read_exact(&mut all).await.unwrap();
        writer.await.unwrap();
        assert!(all == pattern(3, LENGTH));
    });
}

#[test]
fn several_tasks_accept_from_one_listener() {
    block_on(async {
        let listener = Rc::new(TcpListener::bind(LOCAL).unwrap());
        let address = listener.local_addr().unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let listener = listener.clone();
                spawn_local(async move { listener.accept().await.unwrap().1 })
            })
            .collect();
        // One that waits and goes away takes no one's wake-up with it.
        tasks[3].abort();
        yield_now().await;
        let mut clients = Vec::new();
        for _ in 0..7 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let mut accepted = Vec::new();
        for task in tasks {
            accepted.extend(task.await.ok());
        }
        accepted.sort();
        let mut expected: Vec<_> = clients.iter().map(|c| c.local_addr().unwrap()).collect();
        expected.sort();
        assert_eq!(accepted, expected);
    });
}

#[test]
fn a_refused_connection_is_an_error() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(LOCAL).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let error = block_on(async { TcpStream::connect(address).await }).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn an_address_in_use_is_an_error() {
    block_on(async {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let error = TcpListener::bind(listener.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    });
}

#[test]
fn a_reset_wakes_the_reader_and_fails_the_writer() {
    let listener = std::net::TcpListener::bind(SocketAddr::from(LOCAL)).unwrap();
    let address = listener.local_addr().unwrap();
    block_on(async {
        let stream = Rc::new(TcpStream::connect(address).await.unwrap());
        let reader = spawn_local({
            let stream = stream.clone();
            async move { stream.read(&mut [0; 16]).await }
        });
        yield_now().await;
        let socket = socket2::Socket::from(listener.accept().unwrap().0);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        drop(socket); // Sends a reset.
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = stream.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn the_end_of_the_stream_wakes_the_reader_and_stays() {
    block_on(async {
        let (left, right) = pair().await;
        let reader = spawn_local(async move {
            let mut text = Vec::new();
            (&left).read_to_end(&mut text).await.unwrap();
            assert_eq!(left.read(&mut [0]).await.unwrap(), 0);
            (text, left)
        });
        yield_now().await;
        right.write_all(b"last words").await.unwrap();
        right.shutdown(Shutdown::Write).unwrap();
        let (text, left) = reader.await.unwrap();
        assert_eq!(text, b"last words");
        // The other direction goes on.
        left.write_all(b"reply").await.unwrap();
        let mut reply = [0; 5];
        (&right).read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"reply");
    });
}

#[test]
fn a_read_that_was_cancelled_loses_nothing() {
    block_on(async {
        let (left, right) = pair().await;
        for byte in 0..20_u8 {
            let mut buffer = [0];
            assert!(timeout(Duration::from_millis(1), left.read(&mut buffer)).await.is_err());
            right.write_all(&[byte]).await.unwrap();
            assert_eq!(left.read(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer, [byte]);
        }
    });
}

#[test]
fn dropped_streams_are_closed_and_their_keys_used_again() {
    block_on(async {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..500 {
            let client = TcpStream::connect(address).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            drop(client);
            assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        }
    });
}

#[test]
fn ready_tasks_do_not_starve_sockets() {
    block_on(async {
        let busy = spawn_local(async {
            loop {
                yield_now().await;
            }
        });
        let (left, right) = pair().await;
        for _ in 0..50 {
            left.write_all(b"ping").await.unwrap();
            let mut buffer = [0; 4];
            (&right).read_exact(&mut buffer).await.unwrap();
        }
        busy.abort();
    });
}

#[test]
fn a_stream_outlives_its_runtime() {
    let runtime = LocalRuntime::new().unwrap();
    let (left, right) = runtime.block_on(pair());
    drop(runtime);
    left.shutdown(Shutdown::Both).unwrap();
    drop((left, right));
}

#[test]
#[should_panic(expected = "a socket was awaited outside the runtime it was created in")]
fn a_stream_of_another_runtime_panics_instead_of_waiting_for_ever() {
    let runtime = LocalRuntime::new().unwrap();
    let (left, _right) = runtime.block_on(pair());
    block_on(async { left.read(&mut [0]).await }).unwrap();
}

#[test]
fn std_sockets_are_taken() {
    let listener = std::net::TcpListener::bind(SocketAddr::from(LOCAL)).unwrap();
    let address = listener.local_addr().unwrap();
    let client = std::net::TcpStream::connect(address).unwrap();
    block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        let client = TcpStream::from_std(client).unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), peer);
        server.write_all(b"taken").await.unwrap();
        let mut text = [0; 5];
        (&client).read_exact(&mut text).await.unwrap();
    });
}

//! UDP and options; what sockets of all kinds have in common. Those of the Unix family are in `unix.rs`.

#![cfg(all(unix, not(loom)))] // Sockets and time are no model's matter.

use std::io::{self, IoSlice, IoSliceMut, Write};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future, poll};
use reactor::io::AsyncFd;
use reactor::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use reactor::{LocalRuntime, block_on, sleep, spawn_local, timeout, yield_now};

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Both ends of one connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(LOCAL).unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = future::join(TcpStream::connect(address), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// Counts its wakes.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Counter {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

#[test]
fn all_of_it_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<TcpListener>();
    check::<TcpStream>();
    check::<UdpSocket>();
    check::<UnixDatagram>();
    check::<UnixListener>();
    check::<UnixStream>();
    check::<reactor::net::OwnedReadHalf<TcpStream>>();
    check::<reactor::net::OwnedWriteHalf<TcpStream>>();
    check::<reactor::Sleep>();
    check::<reactor::time::Interval>();
    check::<AsyncFd<std::fs::File>>();

    fn futures<T: Send>(_: &T) {}
    block_on(async {
        let (left, right) = pair().await;
        let mut buffer = [0];
        futures(&left.read(&mut buffer));
        futures(&right.write_all(b"x"));
        futures(&TcpStream::connect(LOCAL));
        futures(&TcpListener::bind(LOCAL).unwrap().accept());
        futures(&timeout(Duration::ZERO, sleep(Duration::ZERO)));
    });
}

#[test]
fn operations_on_no_bytes_are_ready_at_once() {
    block_on(async {
        let (mut left, right) = pair().await;
        // Nothing to read, and no room to write.
        let mut blocked = 0;
        while let Poll::Ready(written) = poll!(pin!(right.write(&[0; 1 << 16]))) {
            assert!(written.unwrap() > 0);
            blocked += 1;
            assert!(blocked < 10_000);
            yield_now().await;
        }
        assert!(matches!(poll!(pin!(right.write(&[]))), Poll::Ready(Ok(0))));
        let right = &mut &right;
        assert!(matches!(poll!(pin!(AsyncWriteExt::write(right, &[]))), Poll::Ready(Ok(0))));
        let none = [IoSlice::new(&[]), IoSlice::new(&[])];
        assert!(matches!(poll!(pin!(right.write_vectored(&none))), Poll::Ready(Ok(0))));

        let (mut empty, _other) = UnixStream::pair().unwrap();
        for stream in [&mut left as &mut (dyn AsyncRead + Unpin), &mut empty] {
            assert!(matches!(poll!(pin!(stream.read(&mut []))), Poll::Ready(Ok(0))));
            let mut none = [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
            assert!(matches!(poll!(pin!(stream.read_vectored(&mut none))), Poll::Ready(Ok(0))));
        }
        assert!(
            poll!(pin!(AsyncReadExt::read(&mut empty, &mut [0]))).is_pending(),
            "unlike others"
        );
    });
}

type Accept<'a> = Pin<Box<dyn Future<Output = io::Result<(TcpStream, SocketAddr)>> + 'a>>;

/// Tasks that accept from one listener, polled by hand.
struct Accepting<'a> {
    futures: Vec<Option<Accept<'a>>>,
    counters: Vec<Arc<Counter>>,
}

impl<'a> Accepting<'a> {
    fn new(listener: &'a TcpListener, count: usize) -> Self {
        Self {
            futures: (0..count).map(|_| Some(Box::pin(listener.accept()) as _)).collect(),
            counters: (0..count).map(|_| Arc::default()).collect(),
        }
    }

    /// Polls one. Whether it has accepted.
    fn poll(&mut self, index: usize) -> bool {
        let waker = Waker::from(self.counters[index].clone());
        let future = self.futures[index].as_mut().unwrap();
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => false,
            Poll::Ready(accepted) => {
                accepted.unwrap();
                self.futures[index] = None;
                true
            }
        }
    }

    fn wakes(&self) -> Vec<usize> {
        self.counters.iter().map(|counter| counter.count()).collect()
    }
}

#[test]
fn a_connection_wakes_one_of_those_who_accept() {
    block_on(async {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        // An event wakes one of them.
        let connect = async |tasks: &Accepting<'_>| {
            let before: usize = tasks.wakes().iter().sum();
            let stream = std::net::TcpStream::connect(address).unwrap();
            while tasks.wakes().iter().sum::<usize>() == before {
                sleep(Duration::from_millis(1)).await;
            }
            stream
        };
        let mut tasks = Accepting::new(&listener, 6);
        for index in 0..6 {
            assert!(!tasks.poll(index));
        }
        let _one = connect(&tasks).await;
        assert_eq!(tasks.wakes(), [1, 0, 0, 0, 0, 0], "the one that has waited longest");
        // It goes away before it has taken the connection: the next one is woken.
        tasks.futures[0] = None;
        assert_eq!(tasks.wakes(), [1, 1, 0, 0, 0, 0]);
        // That one takes it, and there may be more: it wakes the next, which finds nothing.
        assert!(tasks.poll(1));
        assert_eq!(tasks.wakes(), [1, 1, 1, 0, 0, 0]);
        assert!(!tasks.poll(2));

        // Two connections, of which nobody takes the first before the second comes.
        let _two = connect(&tasks).await;
        assert_eq!(tasks.wakes(), [1, 1, 1, 1, 0, 0]);
        let _three = connect(&tasks).await;
        assert_eq!(tasks.wakes(), [1, 1, 1, 1, 1, 0]);
        assert!(tasks.poll(3));
        assert!(tasks.poll(4));
        // Each has woken the next, for there might be more. There are not.
        assert_eq!(tasks.wakes(), [1, 1, 2, 1, 1, 1]);
        assert!(!tasks.poll(5));
        assert!(!tasks.poll(2));
        let _four = connect(&tasks).await;
        assert_eq!(tasks.wakes(), [1, 1, 2, 1, 1, 2]);
        assert!(tasks.poll(5));
    });
}

#[test]
fn udp_with_and_without_another_end() {
    block_on(async {
        let [one, two] = [0; 2].map(|_| UdpSocket::bind(LOCAL).unwrap());
        let at = |socket: &UdpSocket| socket.local_addr().unwrap();
        let mut buffer = [0; 16];
        assert_eq!(two.send_to(b"", at(&one)).await.unwrap(), 0);
        let received = one.recv_from(&mut buffer).await.unwrap();
        assert_eq!(received, (0, at(&two)), "an empty datagram is one");

        one.connect(at(&two)).unwrap();
        two.connect(at(&one)).unwrap();
        assert_eq!(one.peer_addr().unwrap(), at(&two));
        assert_eq!(one.send(b"hello").await.unwrap(), 5);
        assert_eq!(two.peek(&mut buffer).await.unwrap(), 5);
        assert_eq!(two.recv(&mut buffer).await.unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
        assert!(poll!(pin!(two.recv(&mut buffer))).is_pending());
    });
}

#[test]
fn udp_wakes_the_one_who_waits() {
    block_on(async {
        let [one, two] = [0; 2].map(|_| UdpSocket::bind(LOCAL).unwrap());
        let (from, to) = (one.local_addr().unwrap(), two.local_addr().unwrap());
        let receive = spawn_local(async move {
            let mut buffer = [0; 3];
            assert_eq!(two.peek_from(&mut buffer).await.unwrap(), (3, from));
            two.recv_from(&mut buffer).await.map(|(length, from)| (length, from, buffer))
        });
        yield_now().await;
        assert_eq!(one.send_to(b"one and more", to).await.unwrap(), 12);
        // What does not fit is lost.
        assert_eq!(receive.await.unwrap().unwrap(), (3, from, *b"one"));
    });
}

#[test]
fn a_refused_datagram_is_an_error_of_a_later_operation() {
    block_on(async {
        let gone = UdpSocket::bind(LOCAL).unwrap().local_addr().unwrap();
        let socket = UdpSocket::bind(LOCAL).unwrap();
        socket.connect(gone).unwrap();
        socket.send(b"x").await.unwrap();
        let error = socket.recv(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

/// Urgent data ends a read, and more is there: the event that came with it was taken by then.
#[test]
#[cfg(target_os = "linux")]
fn a_read_that_ends_at_urgent_data_does_not_end_the_reading() {
    block_on(async {
        let (left, right) = pair().await;
        left.set_nodelay(true).unwrap();
        let socket = socket2::SockRef::from(&left);
        assert_eq!(socket.send(b"before").unwrap(), 6);
        assert_eq!(socket.send_out_of_band(b"!").unwrap(), 1);
        assert_eq!(socket.send(b"after").unwrap(), 5);
        // All of it has arrived, and its events are taken.
        sleep(Duration::from_millis(20)).await;
        let mut all: Vec<u8> = Vec::new();
        while all.len() < b"beforeafter".len() {
            let mut buffer = [0; 64];
            let read = timeout(Duration::from_secs(120), right.read(&mut buffer)).await;
            all.extend(&buffer[..read.expect("there is more").unwrap()]);
        }
        assert_eq!(all, b"beforeafter");
    });
}

#[test]
fn halves_are_of_one_stream_and_come_together_again() {
    block_on(async {
        let (left, right) = pair().await;
        let (mut reader, mut writer) = left.into_split();
        assert_eq!(reader.peer_addr().unwrap(), right.local_addr().unwrap());
        let (mut other_reader, other_writer) = right.into_split();
        let echo = spawn_local(async move {
            let mut writer = other_writer;
            let mut buffer = [0; 5];
            other_reader.read_exact(&mut buffer).await.unwrap();
            writer.write_all(&buffer).await.unwrap();
            drop(writer); // Ends writing.
            let mut rest = Vec::new();
            other_reader.read_to_end(&mut rest).await.unwrap();
            rest
        });
        writer.write_all(b"hello").await.unwrap();
        let mut text = Vec::new();
        reader.read_to_end(&mut text).await.unwrap();
        assert_eq!(text, b"hello");

        let (third, _fourth) = pair().await;
        let (third_reader, third_writer) = third.into_split();
        let error = writer.reunite(third_reader).unwrap_err();
        assert_eq!(error.to_string(), "these are halves of two streams");
        let stream = error.1.reunite(reader).unwrap();
        drop(third_writer);
        stream.write_all(b"rest").await.unwrap(); // Not ended.
        drop(stream);
        assert_eq!(echo.await.unwrap(), b"rest");

        let (left, right) = UnixStream::pair().unwrap();
        let ((mut reader, _), (_, mut writer)) = (left.split(), right.split());
        writer.write_all(b"borrowed").await.unwrap();
        let mut buffer = [0; 8];
        reader.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"borrowed");
    });
}

#[test]
fn several_addresses_are_tried() {
    block_on(async {
        // Bound and not listening: nobody else gets the port meanwhile.
        let refusing =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        refusing.bind(&SocketAddr::from(LOCAL).into()).unwrap();
        let refusing = refusing.local_addr().unwrap().as_socket().unwrap();
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            TcpListener::bind([address, LOCAL.into()]).unwrap().local_addr().unwrap().ip(),
            address.ip()
        );

        let stream = TcpStream::connect(&[refusing, address][..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let error = TcpStream::connect(vec![refusing; 2]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = TcpStream::connect([]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);

        TcpStream::connect_timeout(address, Duration::from_secs(120)).await.unwrap();
        // Nobody answers in no time at all.
        let error = loop {
            match TcpStream::connect_timeout(address, Duration::ZERO).await {
                Ok(_) => yield_now().await,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn options_of_a_stream() {
    block_on(async {
        let (left, right) = pair().await;
        left.set_nodelay(true).unwrap();
        left.set_ttl(33).unwrap();
        left.set_linger(Some(Duration::ZERO)).unwrap();
        left.set_keepalive(Some(Duration::from_secs(60))).unwrap();
        assert_eq!(
            (
                left.nodelay().unwrap(),
                left.ttl().unwrap(),
                left.linger().unwrap(),
                left.keepalive().unwrap()
            ),
            (true, 33, Some(Duration::ZERO), true)
        );
        left.set_keepalive(None).unwrap();
        assert!(!left.keepalive().unwrap());

        right.write_all(b"twice").await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(left.peek(&mut buffer).await.unwrap(), 5);
        assert_eq!(left.read(&mut buffer).await.unwrap(), 5);
        assert_eq!(&buffer[..5], b"twice");
        drop(left); // Lingers for no time: resets.
        assert_eq!(
            right.read(&mut buffer).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
    });
}

#[test]
fn any_descriptor_is_waited_for() {
    block_on(async {
        let (reader, mut writer) = io::pipe().unwrap();
        let reader = std::os::fd::OwnedFd::from(reader);
        // SAFETY: the descriptor is open, and stays so.
        let set = unsafe {
            libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&reader), libc::F_SETFL, libc::O_NONBLOCK)
        };
        assert_eq!(set, 0);
        let reader = AsyncFd::new(std::fs::File::from(reader)).unwrap();
        let read = async |buffer: &mut [u8]| {
            reader.read_with(|mut file| io::Read::read(&mut file, buffer)).await
        };
        let mut buffer = [0; 16];
        assert!(poll!(pin!(read(&mut buffer))).is_pending());
        writer.write_all(b"pipe").unwrap();
        assert_eq!(read(&mut buffer).await.unwrap(), 4);
        drop(writer);
        assert_eq!(read(&mut buffer).await.unwrap(), 0);
        drop(reader.into_inner());

        // Files on disks are always ready, and refused.
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(AsyncFd::new(file).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    });
}

#[test]
fn what_is_left_of_a_runtime_gives_errors() {
    let runtime = LocalRuntime::new().unwrap();
    let (left, right) = runtime.block_on(pair());
    let listener = runtime.block_on(async { TcpListener::bind(LOCAL).unwrap() });
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(counter.clone());
    let mut buffer = [0];
    let mut read = Box::pin(left.read(&mut buffer));
    runtime.block_on(async {
        assert!(read.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    });
    drop(runtime);
    // Who waited is told.
    assert_eq!(counter.count(), 1);
    let Poll::Ready(Err(error)) = read.as_mut().poll(&mut Context::from_waker(&waker)) else {
        panic!("nobody would ever wake it");
    };
    assert_eq!(error.to_string(), "the runtime that this belongs to is gone");
    block_on(async {
        assert!(right.write(b"x").await.is_err());
        assert!(listener.accept().await.is_err());
        right.peer_addr().unwrap(); // Does not wait.
    });
}

#[test]
fn sockets_work_on_other_threads_while_their_runtime_runs() {
    let runtime = LocalRuntime::new().unwrap();
    let (left, right) = runtime.block_on(pair());
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        block_on(async {
            let mut buffer = [0; 4];
            (&right).read_exact(&mut buffer).await.unwrap();
            right.write_all(&buffer).await.unwrap();
        });
        done.send(()).unwrap();
        right
    });
    runtime.block_on(async {
        sleep(Duration::from_millis(5)).await;
        left.write_all(b"ping").await.unwrap();
        let mut buffer = [0; 4];
        (&left).read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"ping");
        while wait.try_recv().is_err() {
            sleep(Duration::from_millis(1)).await;
        }
    });
    thread.join().unwrap();
}

#[test]
fn a_stream_is_read_and_written_by_the_traits_of_futures() {
    fn traits<T: AsyncRead + AsyncWrite>(_: &T) {}
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        traits(&left);
        traits(&&right);
        let (mut left, mut right) = (left, right);
        let slices = [IoSlice::new(b"two"), IoSlice::new(b" parts")];
        assert_eq!(left.write_vectored(&slices).await.unwrap(), 9);
        let (mut first, mut second) = ([0; 4], [0; 8]);
        let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(right.read_vectored(&mut buffers).await.unwrap(), 9);
        assert_eq!((&first, &second[..5]), (b"two ", &b"parts"[..]));
    });
}

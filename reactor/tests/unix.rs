//! Sockets of the Unix family.

#![cfg(all(unix, not(loom)))] // Sockets and time are no model's matter.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, future};
use reactor::net::{UnixDatagram, UnixListener, UnixStream};
use reactor::{block_on, sleep, spawn_local, timeout, yield_now};

/// A directory that is removed with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("reactor-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn unix_streams_by_path_and_by_name() {
    let folder = Folder::new("stream");
    block_on(async {
        let path = folder.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let (client, server) = future::join(UnixStream::connect(&path), listener.accept()).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap().0);
        assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*path));
        client.write_all(b"hello").await.unwrap();
        client.close().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");

        let nobody = UnixStream::connect(folder.path("nobody")).await.unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::NotFound);
        drop(listener);
        let refused = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    });
}

/// A descriptor that is sent along ends a read, and more is there: no event says so.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn a_read_that_ends_at_a_descriptor_does_not_end_the_reading() {
    use std::os::fd::AsRawFd;
    block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        yield_now().await;
        let send = |text: &[u8]| {
            let socket = socket2::SockRef::from(&left);
            let (mut control, descriptor) = ([0_u64; 4], socket.as_raw_fd());
            let slices = [IoSlice::new(text)];
            let length = rights(&mut control, descriptor);
            // SAFETY: the array is larger than `length`, and all of its bytes are initialised.
            let control =
                unsafe { std::slice::from_raw_parts(control.as_ptr().cast::<u8>(), length) };
            let message = socket2::MsgHdr::new().with_buffers(&slices).with_control(control);
            assert_eq!(socket.sendmsg(&message, 0).unwrap(), text.len());
        };
        send(b"first");
        send(b"second");
        left.write_all(b"third").await.unwrap();
        let mut all: Vec<u8> = Vec::new();
        while all.len() < b"firstsecondthird".len() {
            let mut buffer = [0; 64];
            let read = timeout(Duration::from_secs(120), right.read(&mut buffer)).await;
            all.extend(&buffer[..read.expect("there is more").unwrap()]);
        }
        assert_eq!(all, b"firstsecondthird");
    });

    /// A control message that carries a descriptor. Gives its length.
    fn rights(control: &mut [u64; 4], descriptor: i32) -> usize {
        // SAFETY: these only compute lengths.
        let (space, length) = unsafe { (libc::CMSG_SPACE(4) as usize, libc::CMSG_LEN(4) as usize) };
        assert!(space <= size_of_val(control));
        let (level, kind) = (libc::SOL_SOCKET as u64, libc::SCM_RIGHTS as u64);
        control[0] = length as u64;
        control[1] = u64::from_ne_bytes({
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(level as u32).to_ne_bytes());
            bytes[4..].copy_from_slice(&(kind as u32).to_ne_bytes());
            bytes
        });
        let mut data = [0; 8];
        data[..4].copy_from_slice(&descriptor.to_ne_bytes());
        control[2] = u64::from_ne_bytes(data);
        space
    }
}

#[test]
fn unix_datagrams_wait_for_room_also_without_a_connection() {
    let folder = Folder::new("datagram");
    block_on(async {
        let path = folder.path("receiver");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        const COUNT: u32 = 2_000;
        let sent = Rc::new(Cell::new(0));
        let count = sent.clone();
        let send = spawn_local(async move {
            for n in 0..COUNT {
                sender.send_to(&n.to_ne_bytes(), &path).await.unwrap();
                count.set(n + 1);
            }
        });
        // The queue of the receiver is full by then.
        while sent.get() == 0 {
            yield_now().await;
        }
        sleep(Duration::from_millis(5)).await;
        assert!(sent.get() < COUNT);
        for n in 0..COUNT {
            let mut buffer = [0; 8];
            assert_eq!(receiver.recv(&mut buffer).await.unwrap(), 4);
            assert_eq!(buffer[..4], n.to_ne_bytes());
        }
        send.await.unwrap();

        let (left, right) = UnixDatagram::pair().unwrap();
        let (sent, received) = future::join(
            async {
                for _ in 0..COUNT {
                    left.send(b"x").await?;
                }
                io::Result::Ok(())
            },
            async {
                for _ in 0..COUNT {
                    right.recv(&mut [0]).await?;
                }
                io::Result::Ok(())
            },
        )
        .await;
        sent.and(received).unwrap();
    });
}

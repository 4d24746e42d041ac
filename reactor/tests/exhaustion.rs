//! A process without descriptors to spare. One test, in a program of its own: it sets a limit of the process.

#![cfg(all(target_os = "linux", not(loom)))]

use std::cell::Cell;
use std::fs::File;
use std::rc::Rc;
use std::time::Duration;

use reactor::net::{TcpListener, TcpStream};
use reactor::{block_on, sleep, spawn_local};

/// Sets how many descriptors the process may have.
fn limit_descriptors(limit: u64) {
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the pointer is to a live value of the type that the function reads.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

#[test]
fn a_loop_of_failing_accepts_gives_way_and_goes_on_when_there_are_descriptors_again() {
    limit_descriptors(64);
    block_on(async {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        assert!(hoard.len() > 10);

        let failures = Rc::new(Cell::new(0));
        let count = failures.clone();
        let server = spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => return stream,
                    Err(error) => {
                        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                        count.set(count.get() + 1);
                    }
                }
            }
        });
        // A timer and this task get their turn beside the loop, again and again.
        for _ in 0..3 {
            let before = failures.get();
            while failures.get() == before {
                sleep(Duration::from_millis(10)).await;
            }
        }
        drop(hoard);
        let stream = server.await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), client.local_addr().unwrap());
    });
}

//! Wakers that panic, or run the runtime where only a reference count is expected to change.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::{Duration, Instant};

use reactor::time::pause;
use reactor::{LocalRuntime, sleep};

/// Counts its wakes, and panics in the first `panics` of them.
struct Counting {
    panics: usize,
    wakes: AtomicUsize,
}

impl Counting {
    fn new(panics: usize) -> Arc<Self> {
        Arc::new(Counting { panics, wakes: AtomicUsize::new(0) })
    }

    fn wakes(&self) -> usize {
        self.wakes.load(SeqCst)
    }
}

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        if self.wakes.fetch_add(1, SeqCst) < self.panics {
            panic!("a waker");
        }
    }
}

fn poll_with<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

#[test]
fn a_waker_that_panics_keeps_no_other_of_its_turn_from_being_called() {
    let runtime = LocalRuntime::new().unwrap();
    let tasks = [Counting::new(0), Counting::new(1), Counting::new(1), Counting::new(0)];
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            pause(); // All are due at one time, and before that only waited for.
            let mut timers: Vec<_> =
                tasks.iter().map(|_| Box::pin(sleep(Duration::from_millis(5)))).collect();
            for (timer, task) in timers.iter_mut().zip(&tasks) {
                assert!(poll_with(timer, &Waker::from(task.clone())).is_pending());
            }
            std::future::pending::<()>().await;
        });
    }));
    let panic = outcome.expect_err("with the first panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a waker"));
    assert_eq!(tasks.each_ref().map(|task| task.wakes()), [1; 4]);
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1; 4], "no waker is left");
    // The runtime goes on.
    runtime.block_on(async { sleep(Duration::from_millis(1)).await });
}

thread_local! {
    static IN_CLONE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// Clones of it run what is in [`IN_CLONE`], once.
fn busy_clone() -> Waker {
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |_| {
            if let Some(foreign) = IN_CLONE.take() {
                foreign();
            }
            RawWaker::new(std::ptr::null(), &VTABLE)
        },
        |_| {},
        |_| {},
        |_| {},
    );
    // SAFETY: the functions use no data, and what they do may be done on any thread.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) }
}

#[test]
fn a_result_that_comes_while_the_handles_waker_is_cloned_is_not_lost() {
    let runtime = std::rc::Rc::new(LocalRuntime::new().unwrap());
    let mut handle = Box::pin(runtime.spawn_local(async { 42 }));
    IN_CLONE.set(Some(Box::new({
        let runtime = runtime.clone();
        move || runtime.block_on(async { sleep(Duration::from_millis(1)).await })
    })));
    let waker = busy_clone();
    match poll_with(&mut handle, &waker) {
        Poll::Ready(result) => assert_eq!(result.unwrap(), 42),
        Poll::Pending => panic!("the task has ended"),
    }
}

#[test]
fn a_waker_that_panics_keeps_no_other_of_its_socket_or_turn_from_being_called() {
    use reactor::net::UdpSocket;
    let runtime = LocalRuntime::new().unwrap();
    let tasks =
        [Counting::new(0), Counting::new(1), Counting::new(1), Counting::new(0), Counting::new(0)];
    let local = ([127, 0, 0, 1], 0);
    let sockets = runtime.block_on(async { [0; 2].map(|_| UdpSocket::bind(local).unwrap()) });
    let mut buffers = [[0; 1]; 4];
    // Several that wait for one socket, one that waits for another, and a timer.
    let mut receives: Vec<_> = (buffers.iter_mut().zip([0, 0, 0, 1]))
        .map(|(buffer, socket)| Box::pin(sockets[socket].recv(buffer)))
        .collect();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            for (receive, task) in receives.iter_mut().zip(&tasks) {
                assert!(poll_with(receive, &Waker::from(task.clone())).is_pending());
            }
            let mut timer = Box::pin(sleep(Duration::from_secs(3600)));
            assert!(poll_with(&mut timer, &Waker::from(tasks[4].clone())).is_pending());
            let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            for socket in &sockets {
                sender.send_to(b"x", socket.local_addr().unwrap()).unwrap();
                wait_for_datagram(socket);
            }
            // All of it is due in the turn that comes.
            timer.reset(Instant::now());
            std::future::pending::<()>().await;
        });
    }));
    let panic = outcome.expect_err("with the first panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a waker"));
    assert_eq!(tasks.each_ref().map(|task| task.wakes()), [1; 5]);
    drop(receives);
    drop(sockets);
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1; 5], "no waker is left");
}

/// Until it is there. The event that says so is left to the runtime.
fn wait_for_datagram(socket: &reactor::net::UdpSocket) {
    while socket2::SockRef::from(socket).peek(&mut [std::mem::MaybeUninit::uninit()]).is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_clone_that_brings_the_event_loses_no_wake() {
    use reactor::net::UdpSocket;
    let runtime = std::rc::Rc::new(LocalRuntime::new().unwrap());
    let local = ([127, 0, 0, 1], 0);
    let to = std::rc::Rc::new(runtime.block_on(async { UdpSocket::bind(local).unwrap() }));
    let mut buffer = [0];
    let mut receive = Box::pin(to.recv(&mut buffer));
    // The event comes, and is noticed by a turn, between the look at the socket and the wait.
    IN_CLONE.set(Some(Box::new({
        let (runtime, to) = (runtime.clone(), to.clone());
        move || {
            let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            sender.send_to(b"x", to.local_addr().unwrap()).unwrap();
            wait_for_datagram(&to);
            runtime.block_on(async {
                pause(); // Then a sleep is over when all events have been noticed.
                sleep(Duration::from_millis(5)).await;
            })
        }
    })));
    match poll_with(&mut receive, &busy_clone()) {
        Poll::Ready(received) => assert_eq!(received.unwrap(), 1),
        Poll::Pending => panic!("the event has come"),
    }
}

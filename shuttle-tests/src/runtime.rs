//! The face of the executor, as far as scenarios need it: `reactor/src/runtime` without what finds a runtime.

use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::budget;
use crate::hand_off::HandOff;
use crate::multi::{Shared, Threads};
use crate::sync::atomic::{AtomicBool, Ordering::SeqCst};
use crate::sync::thread::{self, Thread};
use crate::task::handle::JoinHandle;
use crate::task::member::Member;
use crate::task::origin::Origin;

/// For `task/mod.rs`, which names it.
pub mod task_builder {
    pub struct Builder;
}

/// A runtime, which waits for its threads when it is dropped.
pub struct Runtime {
    shared: Arc<Shared>,
    threads: Option<Threads>,
}

impl Runtime {
    pub fn new(workers: usize) -> Self {
        let (shared, threads) = Shared::start(workers, "shuttle").expect("it starts");
        Runtime { shared, threads: Some(threads) }
    }

    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Shared::spawn(Member::of(&self.shared), future, Origin::at(Location::caller()))
    }

    /// What spawns, from any thread.
    pub fn spawner(&self) -> Spawner {
        Spawner(self.shared.clone())
    }

    /// As `reactor::Runtime::shutdown_timeout`, whose time may be over at once.
    pub fn shutdown(mut self) -> bool {
        drop(self.threads.take());
        self.shared.stop();
        self.shared.wait_for_end(Duration::ZERO)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            self.shared.stop();
            threads.join();
        }
    }
}

/// Spawns on a runtime that may be gone.
#[derive(Clone)]
pub struct Spawner(Arc<Shared>);

impl Spawner {
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Shared::spawn(Member::of(&self.0), future, Origin::at(Location::caller()))
    }
}

/// As `pool::Run` of `reactor`.
pub struct Run<F, T>(Arc<HandOff<F, T>>);

/// As `pool::run`, on a thread of its own.
pub fn on_thread<F, T>(function: F) -> (Run<F, T>, thread::JoinHandle<()>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let hand_off = Arc::new(HandOff::new(function));
    let of_thread = hand_off.clone();
    let thread = thread::spawn(move || {
        if let Some(function) = of_thread.begin() {
            of_thread.finish(function());
        }
    });
    (Run(hand_off), thread)
}

impl<F, T> Future for Run<F, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.0.poll(cx.waker())
    }
}

impl<F, T> Drop for Run<F, T> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Parker {
    thread: Thread,
    is_notified: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        if !self.is_notified.swap(true, SeqCst) {
            self.thread.unpark();
        }
    }
}

/// Runs a future on this thread, which is no worker.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let parker =
        Arc::new(Parker { thread: thread::current(), is_notified: AtomicBool::new(false) });
    let waker = Waker::from(parker.clone());
    let mut future = pin!(future);
    loop {
        budget::reset();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !parker.is_notified.swap(false, SeqCst) {
            thread::park();
        }
    }
}

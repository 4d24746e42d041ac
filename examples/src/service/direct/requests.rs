//! The requests of this process that are under way, and what each of them waits for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use cps_core::{Body, Coroutine, Root, backtrace::Backtrace};

/// By number, in the order in which they started.
static REQUESTS: Mutex<BTreeMap<u64, Request>> = Mutex::new(BTreeMap::new());

/// How many there have been.
static STARTED: AtomicU64 = AtomicU64::new(0);

#[derive(Clone)]
struct Request {
    since: Instant,
    chain: Arc<dyn Chain>,
}

/// A root that is polled under a lock, so that others may look at it in between. `None` once it is
/// dropped.
type Locked<B> = Mutex<Option<Pin<Box<Root<B>>>>>;

trait Chain: Send + Sync {
    /// `None` while it runs, and when it has ended.
    fn backtrace(&self) -> Option<Backtrace>;
}

impl<B: Body + Send> Chain for Locked<B> {
    fn backtrace(&self) -> Option<Backtrace> {
        Some(self.try_lock().ok()?.as_ref()?.backtrace())
    }
}

/// A coroutine as a future that is in the list as long as it lives.
pub(super) struct Listed<B: Body> {
    number: u64,
    root: Arc<Locked<B>>,
}

/// Puts the coroutine of a request into the list.
pub(super) fn listed<B: Body + Send + 'static>(request: Coroutine<B>) -> Listed<B> {
    let root = Arc::new(Mutex::new(Some(Box::pin(request.into_root()))));
    let number = STARTED.fetch_add(1, Ordering::Relaxed) + 1;
    let request = Request { since: Instant::now(), chain: root.clone() };
    lock(&REQUESTS).insert(number, request);
    Listed { number, root }
}

impl<B: Body> Future for Listed<B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<B::Output> {
        lock(&self.root).as_mut().expect("it is there until `drop`").as_mut().poll(context)
    }
}

impl<B: Body> Drop for Listed<B> {
    fn drop(&mut self) {
        lock(&REQUESTS).remove(&self.number);
        let root = lock(&self.root).take();
        drop(root);
    }
}

/// `GET /debug/stuck`: the calls of each request that waits.
pub(super) async fn stuck() -> String {
    let requests = lock(&REQUESTS).clone();
    let mut text = String::new();
    for (number, Request { since, chain }) in requests {
        let age = since.elapsed().as_secs_f32();
        let calls = chain.backtrace().map_or("      runs\n".into(), |c| c.to_string());
        let _ = writeln!(text, "request {number}, {age:.1} s\n{calls}");
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

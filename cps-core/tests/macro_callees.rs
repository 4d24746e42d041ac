//! What may be awaited in a coroutine, and which coroutines are `Send`: as in `async fn`.
#![deny(warnings)]
#![allow(missing_docs)]
#![allow(
    clippy::type_complexity,
    clippy::await_holding_lock,
    reason = "the bodies are what is tested"
)]

mod support;

use std::future::{Future, IntoFuture, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Mutex;

use support::YieldOnce;

fn run<F: IntoFuture>(future: F) -> F::Output {
    support::drive(future.into_future()).0
}

fn send<F: IntoFuture<IntoFuture: Send>>(future: F) -> F::Output {
    run(future)
}

/// Cannot be sent, but makes a future that can.
struct Builder(Rc<u32>);

impl IntoFuture for Builder {
    type Output = u32;
    type IntoFuture = Ready<u32>;
    fn into_future(self) -> Ready<u32> {
        ready(*self.0)
    }
}

#[cps_core::coroutine]
async fn pause() {
    YieldOnce::default().await;
}

#[cps_core::coroutine]
async fn local_not_held() -> u32 {
    let n = {
        let rc = Rc::new(1);
        *rc
    };
    pause().await;
    n + Builder(Rc::new(1)).await
}

#[cps_core::coroutine]
async fn local_moved() -> u32 {
    let rc = Rc::new(1);
    drop(rc);
    pause().await;
    1
}

#[cps_core::coroutine]
async fn result_not_send() -> Rc<u32> {
    pause().await;
    Rc::new(1)
}

#[cps_core::coroutine]
async fn calls_result_not_send() -> u32 {
    let n = *result_not_send().await;
    pause().await;
    n
}

#[cps_core::coroutine]
async fn sent_generic<F: Future + Send>(f: F, g: &Mutex<u32>) -> F::Output {
    let n = *g.lock().unwrap();
    pause().await;
    assert_eq!(n, 1);
    f.await
}

#[cps_core::coroutine]
async fn sent_recursion(n: u32) -> u32 {
    pause().await;
    if n == 0 { 0 } else { sent_recursion(n - 1).on_heap().await + 1 }
}

#[test]
fn coroutines_are_send_where_async_fns_are() {
    assert_eq!(send(local_not_held()), 2);
    assert_eq!(send(local_moved()), 1);
    assert_eq!(send(calls_result_not_send()), 1);
    assert_eq!(send(sent_generic(async { 3 }, &Mutex::new(1))), 3);
    assert_eq!(send(sent_recursion(3)), 3);
    let captured = 1;
    assert_eq!(send(cps_core::coroutine_block! { pause().await; captured }), 1);
}

#[cps_core::coroutine]
async fn temporaries(m: &Mutex<Vec<Pin<Box<dyn Future<Output = u32>>>>>) -> u32 {
    let first = m.lock().unwrap().pop().unwrap().await;
    let second = m.lock().unwrap()[0].as_mut().await;
    first + second
}

#[cps_core::coroutine]
async fn borrows_temporary(s: &str) -> usize {
    pause().await;
    s.len()
}

#[cps_core::coroutine]
async fn passes_temporaries() -> usize {
    borrows_temporary(&String::from("ab")).await
        + borrows_temporary(&format!("{}", borrows_temporary(&"x".repeat(3)).await)).await
        + borrows_temporary(Mutex::new(String::from("c")).lock().unwrap().as_str()).await
}

#[test]
fn temporaries_live_to_the_end_of_the_statement() {
    let futures: Vec<Pin<Box<dyn Future<Output = u32>>>> =
        vec![Box::pin(async { 1 }), Box::pin(async { 2 })];
    assert_eq!(run(temporaries(&Mutex::new(futures))), 3);
    assert_eq!(run(passes_temporaries()), 4);
}

#[cps_core::coroutine]
async fn unstarted_values() -> Vec<u32> {
    let early = sent_recursion(2);
    let boxed: Vec<_> = (0..3).map(|n| sent_recursion(n).boxed()).collect();
    let mut results = vec![early.await];
    for coroutine in boxed {
        results.push(coroutine.await);
    }
    results.push(sent_recursion(4).into_future().await);
    results
}

#[test]
fn coroutines_are_values_until_awaited() {
    assert_eq!(run(unstarted_values()), [2, 0, 1, 2, 4]);
}

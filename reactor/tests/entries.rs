//! The attributes of entries and tests.

#![cfg(not(loom))]

mod common;

use cps_core::cps;
use reactor::{Handle, JoinError, spawn, spawn_local, yield_now};

fn flavor() -> String {
    format!("{:?}", Handle::current())
}

#[reactor::test]
async fn a_test_is_of_its_thread() {
    assert_eq!(flavor(), "Handle(current-thread)");
    let here = std::thread::current().id();
    assert_eq!(spawn_local(async { std::thread::current().id() }).await.unwrap(), here);
}

#[reactor::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_may_have_workers() {
    assert_eq!(flavor(), "Handle(multi-thread)");
    let here = std::thread::current().id();
    assert_ne!(spawn(async { std::thread::current().id() }).await.unwrap(), here);
}

#[reactor::test(flavor = "current_thread")]
async fn a_test_may_give_an_error() -> Result<(), JoinError> {
    spawn(async {}).await
}

#[reactor::test]
#[should_panic(expected = "as it should")]
async fn a_test_may_be_to_panic() {
    yield_now().await;
    panic!("as it should");
}

#[reactor::test]
#[ignore = "it would fail"]
async fn a_test_may_be_ignored() {
    unreachable!();
}

#[cps]
async fn depth(levels: u32) -> u32 {
    if levels == 0 {
        yield_now().await;
        return 0;
    }
    depth(levels - 1).on_heap().await + 1
}

#[reactor::test]
#[cps]
async fn a_coroutine_below_the_attribute() {
    assert_eq!(depth(10).await, 10);
}

#[cps]
#[reactor::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_coroutine_above_the_attribute() {
    assert_eq!(depth(10).await, 10);
}

#[reactor::test]
#[cps_core::coroutine(elision = "heap")]
async fn a_coroutine_with_options() -> Result<(), JoinError> {
    assert_eq!(depth(10).await, 10);
    spawn_local(async {}).await
}

/// A crate that re-exports the runtime.
mod other {
    pub(crate) mod runtime {
        pub(crate) use reactor::*;
    }
}

#[reactor::test(crate = crate::other::runtime)]
async fn the_runtime_by_another_path() {
    assert_eq!(flavor(), "Handle(current-thread)");
}

#[reactor::main]
async fn many_workers() -> String {
    flavor()
}

#[reactor::main(worker_threads = 3)]
pub(crate) async fn so_many_workers() -> String {
    flavor()
}

#[reactor::main(flavor = "current_thread")]
#[cps]
async fn one_thread() -> (u32, String) {
    (depth(3).await, flavor())
}

#[test]
fn an_entry_is_a_function_that_waits() {
    assert_eq!(many_workers(), "Handle(multi-thread)");
    assert_eq!(so_many_workers(), "Handle(multi-thread)");
    assert_eq!(one_thread(), (3, "Handle(current-thread)".to_owned()));
}

#[test]
fn it_is_none_inside_a_runtime() {
    let text = common::panics(|| reactor::block_on(async { drop(many_workers()) }));
    assert!(text.contains("inside a runtime would stop it"), "{text}");
}

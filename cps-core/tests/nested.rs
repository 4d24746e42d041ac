//! Calls without a frame.

mod support;
use cps_core::cps;
use std::future::IntoFuture;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use support::YieldOnce;

#[cps]
async fn leaf(n: u64) -> u64 {
    YieldOnce::default().await;
    n + 1
}

#[cps]
async fn inner(n: u64) -> u64 {
    let a = leaf(n).await;
    YieldOnce::default().await;
    let b = leaf(a).nested().await;
    a * 100 + b
}

#[cps]
async fn outer(n: u64) -> u64 {
    let mut sum = 0;
    for i in 0..n {
        sum += inner(i).nested().await;
        sum += inner(i).await;
    }
    sum
}

#[test]
fn first() {
    let mut root = pin!(outer(3).into_future());
    let mut cx = Context::from_waker(Waker::noop());
    let mut polls = 0;
    let v = loop {
        polls += 1;
        match root.as_mut().poll(&mut cx) {
            Poll::Ready(v) => break v,
            Poll::Pending => {}
        }
    };
    assert_eq!((v, polls), ((102 + 203 + 304) * 2, 19));
}

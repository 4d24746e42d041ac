use std::future::{pending, poll_fn, ready};
use std::task::{Context, Poll, Waker};

use cps_core::{scope, yield_};

#[cps_core::cps]
async fn length(text: &str) -> usize {
    ready(()).await;
    text.len()
}

#[cps_core::cps]
async fn child_borrows_the_bodys_local() {
    scope(|s| async move {
        let local = String::from("local");
        s.spawn(length(&local));
    })
    .await;
}

#[cps_core::cps]
async fn child_leaves_its_scope() -> usize {
    let text = String::from("text");
    let child = scope(|s| {
        let text = &text;
        async move { (s.spawn(length(text)), text) }
    })
    .await;
    drop(text);
    child.0.await + child.1.len()
}

#[cps_core::cps(yields = &'static str)]
fn item_borrows_a_local() {
    let local = String::from("local");
    yield_(local.as_str()).await;
}

#[cps_core::cps]
async fn keeps_a_context() {
    let mut kept: Option<&mut Context<'_>> = None;
    poll_fn(|cx| {
        kept = Some(cx);
        Poll::Ready(())
    })
    .await;
}

#[cps_core::cps]
async fn keeps_a_waker() {
    let mut kept: Option<&Waker> = None;
    futures::join!(poll_fn(|cx| {
        kept = Some(cx.waker());
        Poll::Ready(())
    }));
    pending::<()>().await;
}

#[cps_core::cps]
async fn puts_its_own_waker_into_a_context() {
    let own = Waker::noop().clone();
    futures::join!(poll_fn(|cx| {
        *cx = Context::from_waker(&own);
        Poll::Ready(())
    }));
}

fn main() {}

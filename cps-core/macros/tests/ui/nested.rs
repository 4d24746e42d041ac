//! A nested body is a part of its caller: of its `Send`, and of what it borrows. A generator is not nested.

use std::rc::Rc;

use cps_core::placement::Nested;
use cps_core::{cps, yield_, yield_from};

#[cps(nested)]
async fn not_send() {
    let local = Rc::new(1);
    std::future::ready(()).await;
    drop(local);
}

#[cps]
async fn hosts() {
    not_send().await;
}

#[cps]
async fn holds() {
    takes(Rc::new(1)).nested().await;
}

#[cps]
async fn takes(_: Rc<u32>) {}

#[cps]
async fn fill(to: &mut Vec<u32>) {
    std::future::ready(()).await;
    to.push(1);
}

#[cps]
async fn lends_twice(to: &mut Vec<u32>) {
    let first = fill(to).nested();
    fill(to).nested().await;
    first.await;
}

#[cps(yields = u32)]
fn items() {
    yield_(1).await;
}

#[cps(yields = u32)]
fn delegates() {
    yield_from(items().placed(Nested)).await;
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    assert_send(hosts());
    assert_send(holds());
}

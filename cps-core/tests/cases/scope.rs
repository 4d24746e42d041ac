//! A coroutine that awaits a scope can be spawned.

use std::future::IntoFuture;

use cps_core::{coroutine_block, scope};

use super::run;

#[cps_core::coroutine]
async fn one() -> u32 {
    1
}

#[cps_core::coroutine]
async fn parent() -> u32 {
    scope(|s| coroutine_block! { s.spawn(one()).await }).await
}

fn is_send<T: Send>(t: T) -> T {
    t
}

#[test]
fn a_scope_is_send() {
    assert_eq!(run(is_send(parent().into_future())), 1);
}

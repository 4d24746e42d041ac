//! Text and place of panics are those of the text of the body.

use std::cell::RefCell;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::{panic_of, run};

#[cps_core::coroutine]
async fn asserts_an_awaited_value() {
    assert!(ready(false).await);
}

struct S {
    ok: bool,
}

impl S {
    #[cps_core::coroutine]
    async fn asserts_a_field(&self) {
        assert!(self.ok);
    }
}

#[test]
fn texts() {
    assert_eq!(panic_of(asserts_an_awaited_value()), "assertion failed: ready(false).await");
    assert_eq!(panic_of(S { ok: false }.asserts_a_field()), "assertion failed: self.ok");
}

/// The line of the operator in `add`; those of the others follow at known distances.
#[allow(dead_code, reason = "where overflow is not checked")]
const ADD: u32 = line!() + 4;

#[cps_core::coroutine]
async fn add() -> u8 {
    ready(200_u8).await + ready(100).await
}

#[cps_core::coroutine]
async fn add_one() -> u8 {
    ready(255_u8).await + 1
}

#[cps_core::coroutine]
async fn one_add() -> u8 {
    1 + ready(255_u8).await
}

#[cps_core::coroutine]
async fn index() -> u32 {
    ready([1_u32, 2]).await[ready(7_usize).await]
}

#[cps_core::coroutine]
async fn negate() -> i8 {
    -ready(i8::MIN).await
}

#[cps_core::coroutine]
async fn divide() -> u32 {
    ready(1_u32).await / ready(0).await
}

#[cps_core::coroutine]
async fn assign() -> u8 {
    let mut x = 200;
    x += ready(100).await;
    x
}

thread_local! {
    static PLACE: RefCell<Option<(u32, u32)>> = const { RefCell::new(None) };
}

/// Line and column of the panic that the future ends in.
#[allow(dead_code, reason = "where overflow is not checked")]
fn place<F: std::future::IntoFuture>(future: F) -> (u32, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().expect("a place");
            PLACE.set(Some((place.line(), place.column())));
        }));
    });
    catch_unwind(AssertUnwindSafe(|| drop(run(future)))).expect_err("a panic");
    PLACE.take().expect("a place")
}

#[test]
#[cfg(debug_assertions)]
fn operators_are_where_they_are_written() {
    assert_eq!(place(add()), (ADD, 5));
    assert_eq!(place(add_one()), (ADD + 5, 5));
    assert_eq!(place(one_add()), (ADD + 10, 5));
    assert_eq!(place(index()), (ADD + 15, 5));
    assert_eq!(place(negate()), (ADD + 20, 5));
    assert_eq!(place(divide()), (ADD + 25, 5));
    assert_eq!(place(assign()), (ADD + 31, 5));
}

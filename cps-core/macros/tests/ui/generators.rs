// What generators do not allow.
use cps_core::{yield_, yield_from};

#[cps_core::coroutine(yields = &'static str)]
fn yields_local() {
    let local = String::from("x");
    yield_(&*local).await;
}

#[cps_core::coroutine(yields = &'static u32)]
fn yields_argument(x: &u32) {
    yield_(x).await;
}

#[cps_core::coroutine(yields = &'a u32)]
fn short<'a>(x: &'a u32) {
    yield_(x).await;
}

#[cps_core::coroutine(yields = &'static u32)]
fn delegates_to_shorter(x: &u32) {
    yield_from(short(x)).await;
}

fn outlives() {
    let mut items = {
        let local = 1;
        short(&local).into_iter()
    };
    items.next();
}

#[cps_core::coroutine(yields = u32)]
fn counts() -> u32 {
    yield_(1).await;
    1
}

#[cps_core::coroutine(yields = u32)]
fn holds_rc() {
    let local = std::rc::Rc::new(1);
    yield_(*local).await;
}

#[cps_core::coroutine(yields = u32)]
fn recursion_without_memory(depth: u32) {
    yield_(depth).await;
    if depth > 0 {
        yield_from(recursion_without_memory(depth - 1)).await;
    }
}

fn returns_a_value() {
    for _ in counts() {}
    let mut root = std::pin::pin!(counts().into_root());
    root.next();
}

fn sends_rc() {
    let items = holds_rc().into_iter();
    std::thread::spawn(move || items.count());
}

#[cps_core::coroutine(yields)]
fn without_type() {}

#[cps_core::coroutine(yields = u32)]
const fn constant() {}

fn main() {
    let _ = cps_core::coroutine_block! { #![coroutine(yields = u32)] yield_(1).await };
}

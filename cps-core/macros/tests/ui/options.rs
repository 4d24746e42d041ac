#[cps_core::coroutine(heap)]
async fn unknown() {}

#[cps_core::coroutine(crate)]
async fn without_path() {}

#[cps_core::coroutine(crate = "cps_core")]
async fn string() {}

#[cps_core::coroutine(crate = no_such::path)]
async fn no_such_path() {}

#[cps_core::coroutine(elision = "somewhere")]
async fn unknown_elision() {}

#[cps_core::coroutine(elision = "may(lots)")]
async fn no_number() {}

#[cps_core::coroutine(elision = inline)]
async fn not_a_string() {}

#[cps_core::coroutine(nested, elision = "heap")]
async fn nested_on_the_heap() {}

#[cps_core::coroutine(nested, yields = u32)]
fn nested_generator() {}

#[cps_core::coroutine(nested = true)]
async fn nested_with_a_value() {}

fn main() {
    let _ = cps_core::coroutine_block! { #![allow(unused)] 1 };
    let _ = cps_core::coroutine_block! { #![coroutine] 1 };
    let _ = cps_core::coroutine_block! { #![coroutine(inline)] 1 };
}

//! Types, coercions and patterns in bodies and parameters.

use std::future::Future;
use std::pin::Pin;

use super::run;

#[cps_core::coroutine]
async fn pause() {}

fn length(s: &str) -> usize {
    s.len()
}

#[cps_core::coroutine]
async fn coerces_an_argument(name: &String) -> usize {
    pause().await;
    length(name)
}

fn even(n: u32) -> bool {
    n % 2 == 0
}

#[cps_core::coroutine]
async fn guard_of_an_or_pattern(kind: u32, n: u32) -> u32 {
    pause().await;
    match kind {
        1 | 2 if even(n) => 1,
        _ => 2,
    }
}

#[cps_core::coroutine]
async fn cfg_attr(#[cfg_attr(all(), cfg(any()))] _gone: NoSuchType, y: u32) -> u32 {
    y
}

#[cps_core::coroutine]
async fn adder(x: u32) -> impl Fn(u32) -> Box<dyn Fn(u32) -> u32> {
    move |y| Box::new(move |z| x + y + z)
}

#[cps_core::coroutine]
async fn by_ref_mut(n: u32, ref mut v: Vec<u32>, (ref mut a, _): (u32, u32)) -> usize {
    v.push(n);
    *a += 1;
    v.len()
}

#[cps_core::coroutine]
async fn inner_attribute() {
    #![allow(unused)]
    let i = 1;
}

#[cps_core::coroutine]
async fn never() -> ! {
    loop {
        std::future::pending::<()>().await
    }
}

#[test]
#[allow(clippy::ptr_arg)]
fn values() {
    assert_eq!(run(coerces_an_argument(&"abc".to_owned())), 3);
    assert_eq!([(1, 2), (2, 3), (3, 2)].map(|(k, n)| run(guard_of_an_or_pattern(k, n))), [1, 2, 2]);
    assert_eq!(run(cfg_attr(1)), 1);
    assert_eq!(run(adder(1))(2)(3), 6);
    assert_eq!(run(by_ref_mut(1, vec![], (1, 2))), 1);
    run(inner_attribute());
    let never: Pin<Box<dyn Future<Output = _>>> = Box::pin(never());
    drop(never);
}

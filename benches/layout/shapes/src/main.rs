//! Coroutines whose sizes are known: the shapes of `lab memory`, plain and as `cps-core` lays them out, and shapes
//! whose sizes were published.
//!
//! It prints, for each but the last, the size of its future, that of its coroutine, and the future's type.

#![recursion_limit = "256"]

#[path = "../../../programs/src/bodies.rs"]
#[allow(unused_imports, unused_macros)]
mod bodies;
mod direct;
mod kinds;
mod nested;
mod packed;
mod published;
mod work;

fn main() {
    let plain = nested::sizes().into_iter().chain(kinds::plain::sizes());
    let direct = direct::sizes().into_iter().chain(kinds::direct::sizes());
    for ((function, plain), (_, direct)) in plain.zip(direct) {
        println!("{plain} {direct} {function}");
    }
    println!("packed {}", work::size(packed::blocks2::<1024>()).1);
    published::run();
}

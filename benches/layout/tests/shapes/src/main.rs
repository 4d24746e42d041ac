//! Coroutines whose sizes are known: the shapes of `lab memory`, plain and as `cps-core` lays them out, and shapes
//! whose sizes were published.
//!
//! It prints, for each shape of `lab memory`, the function, the size of its future, and that of its coroutine.

#![recursion_limit = "256"]

#[path = "../../../../programs/src/bodies.rs"]
#[allow(unused_macros, unused_imports, dead_code)]
mod bodies;
mod direct;
mod kinds;
mod nested;
mod published;
mod work;

fn main() {
    for ((function, plain), (_, direct)) in nested::sizes().into_iter().zip(direct::sizes()) {
        println!("{plain} {direct} {function}");
    }
    for ((function, plain), (_, direct)) in kinds::plain::sizes().into_iter().zip(kinds::direct::sizes()) {
        println!("{plain} {direct} {function}");
    }
    published::run();
}

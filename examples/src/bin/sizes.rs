//! How large futures are: plain `async fn` against coroutines, on the program of the Rust project
//! goal "Async Future Memory Optimisation" and on an argument that is handed down a chain of calls.
//!
//! Nothing is run and no future is made: the sizes are those of the types.

use std::future::{Future, IntoFuture};

use cps_core::{Body, Coroutine, cps};

const BYTES: usize = 65_536;

type Blob = [u8; BYTES];

/// The goal's function: awaits something, then the future that it was given.
async fn combining_future(compute: impl Future<Output = ()>) {
    async {}.await;
    compute.await;
}

#[cps]
async fn combining_coroutine(compute: Coroutine<impl Body<Output = ()>>) {
    async {}.await;
    compute.await;
}

/// A chain of functions, each of which awaits something and then hands its argument on.
macro_rules! chain {
    ($(#[$attribute:meta])? $last:ident) => {
        $(#[$attribute])?
        pub(crate) async fn $last(blob: crate::Blob) {
            async {}.await;
            println!("{blob:?}");
        }
    };
    ($(#[$attribute:meta])? $name:ident $callee:ident $($more:ident)*) => {
        $(#[$attribute])?
        pub(crate) async fn $name(blob: crate::Blob) {
            async {}.await;
            $callee(blob).await;
        }
        chain!($(#[$attribute])? $callee $($more)*);
    };
}

mod future {
    chain!(f8 f7 f6 f5 f4 f3 f2 f1 f0);
}

mod coroutine {
    chain!(#[cps_core::cps] f8 f7 f6 f5 f4 f3 f2 f1 f0);
}

/// The size of the future that `call` would return.
fn size<T, F: IntoFuture>(_call: impl FnOnce(T) -> F) -> usize {
    size_of::<F::IntoFuture>()
}

/// The sizes of the functions of a module.
macro_rules! chain_sizes {
    ($module:ident) => {
        chain_sizes!($module: f0 f1 f2 f3 f4 f5 f6 f7 f8)
    };
    ($module:ident: $($name:ident)*) => { [$(size($module::$name)),*] };
}

/// The sizes of a future that is wrapped in 0 to 8 calls of a function.
macro_rules! nest_sizes {
    ($function:path, $future:expr) => { nest_sizes!($function, $future, [] 0 1 2 3 4 5 6 7 8) };
    ($function:path, $future:expr, [$($sizes:expr)*]) => { [$($sizes),*] };
    ($function:path, $future:expr, [$($sizes:expr)*] $_level:tt $($more:tt)*) => {
        nest_sizes!($function, $function($future), [$($sizes)* { size(|()| $future) }] $($more)*)
    };
}

fn print(title: &str, future: [usize; 9], coroutine: [usize; 9]) {
    println!("{title}, {BYTES} bytes");
    println!("{:>8} {:>12} {:>12}", "levels", "async fn", "coroutine");
    for (levels, (future, coroutine)) in future.iter().zip(coroutine).enumerate() {
        println!("{levels:>8} {future:>12} {coroutine:>12}");
    }
    println!();
}

#[expect(clippy::manual_async_fn, reason = "an `async fn` would store its argument twice")]
fn leaf_future(blob: Blob) -> impl Future<Output = ()> {
    async move {
        async {}.await;
        println!("{blob:?}");
    }
}

#[cps]
async fn leaf_coroutine(blob: Blob) {
    async {}.await;
    println!("{blob:?}");
}

fn main() {
    print(
        "combining_future",
        nest_sizes!(combining_future, leaf_future([0; BYTES])),
        nest_sizes!(combining_coroutine, leaf_coroutine([0; BYTES])),
    );
    print("an argument", chain_sizes!(future), chain_sizes!(coroutine));
}

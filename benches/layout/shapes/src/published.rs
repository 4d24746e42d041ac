//! Shapes of two tests of rustc, whose sizes with relocated captures rust-lang/rust#135527 publishes.

use std::future::Future;

use crate::work::{self, opaque};

const SIZE: usize = 1024;

/// An argument that is handed down three levels, and returned.
async fn handed_down() {
    first([0_u8; SIZE]).await;
}

async fn first<T>(value: T) -> T {
    second(value).await
}

async fn second<T>(value: T) -> T {
    third(value).await
}

async fn third<T>(value: T) -> T {
    value
}

/// A future that is an argument, and is awaited in one branch of a loop.
async fn in_a_loop() {
    let argument = unused([0_u8; SIZE]);
    awaits(argument).await;
}

async fn nothing() {}

async fn unused(_argument: [u8; SIZE]) {}

async fn awaits(argument: impl Future<Output = ()>) {
    loop {
        nothing().await;
        if opaque(true) {
            return argument.await;
        } else {
            nothing().await;
        }
    }
}

pub(crate) fn run() {
    work::run(handed_down());
    work::run(in_a_loop());
}

//! Inputs on which the attribute once failed, each small and standing for a kind of fault.
#![cfg(not(miri))]
#![deny(warnings)]
#![allow(missing_docs)]

use std::any::Any;
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(target_arch = "x86_64")]
#[path = "cases/target_feature.rs"]
mod target_feature;

#[path = "cases/bodies.rs"]
mod bodies;
#[path = "cases/boxed.rs"]
mod boxed;
#[path = "cases/deep_join.rs"]
mod deep_join;
#[path = "cases/depth.rs"]
mod depth;
#[path = "cases/futures.rs"]
mod futures;
// What differs today is not compiled yet.
#[cfg(any())]
#[path = "cases/host_stack.rs"]
mod host_stack;
#[path = "cases/panics.rs"]
mod panics;
#[path = "cases/scope.rs"]
mod scope;
#[path = "cases/text.rs"]
mod text;

#[allow(dead_code, reason = "not all modules are compiled everywhere")]
fn run<F: IntoFuture>(future: F) -> F::Output {
    ::futures::executor::block_on(future.into_future())
}

/// The text of the panic that the future ends in.
#[allow(dead_code, reason = "not all modules are compiled everywhere")]
fn panic_of<F: IntoFuture>(future: F) -> String {
    let result: Result<F::Output, Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(|| run(future)));
    let payload = result.err().expect("a panic");
    match payload.downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => payload.downcast_ref::<String>().expect("a text").clone(),
    }
}

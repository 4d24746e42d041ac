//! The shapes as coroutines of `cps-core`.

// The bodies define more than what is used here.
#![allow(dead_code)]

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;

use cps_core::{Body, Coroutine, coroutine_block};

use crate::bodies::{blocks, combinators, leaves, passing, programs, sequence, tasks, times};
use crate::work::unused::{Case, Program, Shape, boxed, chain};
use crate::work::{all_sizes, look, opaque, payload, read, size, suspend, words};

/// The bodies name the macro by this path.
mod futures {
    pub(crate) use crate::work::join;
}

fn captured<const N: usize>() -> Coroutine<impl Body<Output = u64>> {
    let payload = payload::<N>();
    coroutine_block! {
        suspend().await;
        look(&payload)
    }
}

leaves! { #[cps_core::coroutine] }
programs! {
    #[cps_core::coroutine]
    callee = [Coroutine<impl Body<Output = u64> + 'static>], placed = [], recursive = [.on_heap()]
}
combinators! { #[cps_core::coroutine] callee = [Coroutine<impl Body<Output = u64>>] }
tasks! { #[cps_core::coroutine] placed = [] }
all_sizes! {}

//! The shapes as `async fn`.

// The bodies define more than what is used here.
#![allow(dead_code)]

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::bodies::{blocks, combinators, leaves, passing, programs, sequence, tasks, times};
use crate::work::unused::{Case, Program, Shape, boxed, chain};
use crate::work::{all_sizes, look, opaque, payload, read, size, suspend, words};

/// The bodies name the macro by this path.
mod futures {
    pub(crate) use crate::work::join;
}

trait InBox: Sized {
    fn in_box(self) -> Pin<Box<Self>> {
        Box::pin(self)
    }
}

impl<F: Future> InBox for F {}

fn captured<const N: usize>() -> impl Future<Output = u64> {
    let payload = payload::<N>();
    async move {
        suspend().await;
        look(&payload)
    }
}

leaves! {}
programs! { callee = [impl Future<Output = u64>], placed = [], recursive = [.in_box()] }
combinators! { callee = [impl Future<Output = u64>] }
tasks! { placed = [] }
all_sizes! {}

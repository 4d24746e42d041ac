//! The stack of the task: a leaf that waits for events, and calls around it. Each level adds one to the result.

use std::future::poll_fn;
use std::pin::Pin;

use lab_work::clock::{Stopwatch, Whose};

use super::{Done, Event};

/// Defines a leaf with the attributes given: one text, so that it is the same work.
macro_rules! leaf {
    ($(#[$attribute:meta])* $name:ident) => {
        /// The first event is not timed: then all have been polled once.
        $(#[$attribute])*
        pub(super) async fn $name<E: Event>(event: E, events: u64, whose: Whose) -> Done {
            let mut event = event;
            poll_fn(|cx| event.poll_next(cx)).await;
            let watch = Stopwatch::start(whose);
            let mut left = events;
            while left != 0 {
                poll_fn(|cx| event.poll_next(cx)).await;
                left -= 1;
            }
            Done { cost: watch.stop(), levels: 0 }
        }
    };
}

leaf! { leaf }
leaf! { #[cps_core::coroutine] direct_leaf }

/// `depth` calls of coroutines around a leaf.
#[cps_core::coroutine]
pub(super) async fn direct<E: Event>(depth: u32, event: E, events: u64, whose: Whose) -> Done {
    let done = if depth == 1 {
        direct_leaf(event, events, whose).await
    } else {
        direct(depth - 1, event, events, whose).on_heap().await
    };
    Done { levels: done.levels + 1, ..done }
}

/// `depth` calls of boxed futures around a leaf.
pub(super) fn boxed<E: Event>(
    depth: u32,
    event: E,
    events: u64,
    whose: Whose,
) -> Pin<Box<dyn Future<Output = Done> + Send>> {
    if depth == 0 {
        return Box::pin(leaf(event, events, whose));
    }
    Box::pin(async move {
        let done = boxed(depth - 1, event, events, whose).await;
        Done { levels: done.levels + 1, ..done }
    })
}

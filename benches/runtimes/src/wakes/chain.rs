//! The stack of the task: a leaf that waits for events, and calls around it. Each level adds one to the result.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use lab_work::clock::{Stopwatch, Whose};

use super::{Done, Event};

/// Defines the body of all levels, the leaf's included: one text and one type for all depths, with the attributes
/// given. `$next` is what evaluates to the level below.
macro_rules! body {
    ($(#[$attribute:meta])* $name:ident, |$depth:ident, $event:ident, $events:ident, $whose:ident| $next:expr) => {
        $(#[$attribute])*
        pub(super) async fn $name<E: Event>(
            $depth: u32,
            $event: E,
            $events: u64,
            $whose: Whose,
        ) -> Done {
            if $depth != 0 {
                let $depth = $depth - 1;
                let done: Done = $next;
                return Done { levels: done.levels + 1, ..done };
            }
            let mut event = $event;
            // The first event is not timed: then all have been polled once.
            poll_fn(|cx| event.poll_next(cx)).await;
            let watch = Stopwatch::start($whose);
            let mut left = $events;
            // One await for all of them: what is measured is a wake, not what an await costs.
            poll_fn(|cx| {
                while left != 0 {
                    ready!(event.poll_next(cx));
                    left -= 1;
                }
                Poll::Ready(())
            })
            .await;
            Done { cost: watch.stop(), levels: 0 }
        }
    };
}

body! {
    #[cps_core::coroutine]
    direct, |depth, event, events, whose| direct(depth, event, events, whose).on_heap().await
}
body! { plain, |depth, event, events, whose| boxed(depth, event, events, whose).await }

fn boxed<E: Event>(
    depth: u32,
    event: E,
    events: u64,
    whose: Whose,
) -> Pin<Box<dyn Future<Output = Done> + Send>> {
    Box::pin(plain(depth, event, events, whose))
}

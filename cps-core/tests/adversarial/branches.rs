//! Branches that have references to themselves: a branching point makes no other reference to them while they are
//! suspended. (Miri tells.)
#![forbid(unsafe_code)]

use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{join, race, timeout, try_join};

/// Pending twice, and has an exclusive reference to a part of itself meanwhile.
async fn refers_to_itself() -> u32 {
    let mut polls = 0;
    poll_fn(|_| {
        polls += 1;
        if polls == 3 { Poll::Ready(1) } else { Poll::Pending }
    })
    .await
}

/// `Group::poll` asks a tuple of branches for its `count(&self)`: a shared reference to futures that have references to
/// themselves, which is a read of all of them.
fn branches_are_not_read_while_they_are_suspended(branches: impl Future) {
    struct Woken;
    impl std::task::Wake for Woken {
        fn wake(self: std::sync::Arc<Self>) {}
    }
    let waker = Waker::from(std::sync::Arc::new(Woken));
    let mut branches = pin!(branches);
    for _ in 0..4 {
        if branches.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            break;
        }
    }
}

async fn wakes_itself(future: impl Future<Output = u32>) -> u32 {
    let mut future = pin!(future);
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        future.as_mut().poll(cx)
    })
    .await
}

#[test]
fn a_joins_branches_may_refer_to_themselves() {
    branches_are_not_read_while_they_are_suspended(join((
        wakes_itself(refers_to_itself()),
        ready(2),
    )));
}

#[test]
fn a_try_joins_branches_may_refer_to_themselves() {
    let branch = async { Ok::<_, ()>(wakes_itself(refers_to_itself()).await) };
    branches_are_not_read_while_they_are_suspended(try_join((branch, ready(Ok::<_, ()>(1)))));
}

#[test]
fn a_races_branches_may_refer_to_themselves() {
    let branches = (wakes_itself(refers_to_itself()), wakes_itself(refers_to_itself()));
    branches_are_not_read_while_they_are_suspended(race(branches));
}

#[test]
fn a_joins_row_of_branches_may_refer_to_themselves() {
    let branches: Vec<_> = (0..2).map(|_| wakes_itself(refers_to_itself())).collect();
    branches_are_not_read_while_they_are_suspended(join(branches));
}

#[test]
fn a_joins_array_of_branches_may_refer_to_themselves() {
    branches_are_not_read_while_they_are_suspended(join(
        [0; 2].map(|_| wakes_itself(refers_to_itself())),
    ));
}

#[test]
fn the_futures_of_a_timeout_may_refer_to_themselves() {
    let never = async {
        loop {
            wakes_itself(refers_to_itself()).await;
        }
    };
    branches_are_not_read_while_they_are_suspended(timeout(
        never,
        wakes_itself(refers_to_itself()),
    ));
}

#[test]
fn the_future_that_a_select_is_polled_during_may_refer_to_itself() {
    branches_are_not_read_while_they_are_suspended(async {
        let mut select = pin!(cps_core::select([Box::pin(std::future::pending::<()>())]));
        select.as_mut().during(wakes_itself(refers_to_itself())).await
    });
}

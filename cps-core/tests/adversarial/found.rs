//! Not compiled in: what is wrong still. The tests are safe code (`forbid(unsafe_code)`) that is undefined
//! behaviour under Miri.

use std::fmt::Debug;
use std::future::{Future, Ready, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{Body, Coroutine, join, race, timeout, try_join};

/// Crashes plain, too.
///
/// The expansion's `unsafe { crate::__private::wide(parts) }` calls by a path, which a module that stands for the
/// crate may lead to any unsafe function of one argument: to name it in a `use` is safe.
mod fake {
    use super::*;

    pub(crate) use cps_core::*;

    #[cps_core::cps]
    async fn nothing() {}

    /// Has the methods of what a body is entered with.
    pub(crate) struct Entered;

    impl Entered {
        pub(crate) fn local(&self) {}
        pub(crate) fn handle(&self, (): &()) {}
        pub(crate) fn args(&self) {}
    }

    pub(crate) mod __private {
        use super::*;

        pub(crate) use cps_core::__private::*;
        pub(crate) use std::ptr::read as wide;

        pub(crate) fn parts<K, A, F, Fut>(_: A, _: F) -> *const u64
        where
            F: FnOnce(Ready<Entered>) -> Fut,
        {
            std::ptr::without_provenance(4096)
        }

        pub(crate) fn coroutine<P, B: Debug>(value: B) -> Coroutine<impl Body<Output = ()>> {
            println!("{value:?}");
            nothing()
        }
    }
}

#[cps_core::cps(crate = fake)]
async fn victim() {}

#[test]
fn no_function_of_the_users_choice_is_called_as_unsafe() {
    drop(victim());
}

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

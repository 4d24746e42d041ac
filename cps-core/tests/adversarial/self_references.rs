//! Futures that have references to themselves, as an `async fn` has across an await, in whatever holds them: it makes
//! no other reference to them while they are suspended. (Miri tells.)
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use cps_core::{local_scope, scope, yield_};

use crate::support::drive;

/// Pending twice; it writes to itself by a reference to itself in each poll.
async fn refers_to_itself() -> u32 {
    let mut polls = 0;
    let polls_of_it = &mut polls;
    let mut inner = pin!(poll_fn(|cx| {
        *polls_of_it += 1;
        cx.waker().wake_by_ref();
        if *polls_of_it == 3 { Poll::Ready(()) } else { Poll::Pending }
    }));
    inner.as_mut().await;
    polls
}

#[cps_core::cps]
async fn coroutine() -> u32 {
    let mut local = 0;
    let reference = &mut local;
    refers_to_itself().await;
    *reference += 1;
    cps_core::prefetch::prefetch_read(&0_u8).await;
    *reference += refers_to_itself().await;
    local
}

#[cps_core::cps]
async fn calls() -> u32 {
    let mut sum = 0;
    let reference = &mut sum;
    *reference += coroutine().await;
    *reference += coroutine().on_stack().await;
    *reference += coroutine().boxed().await;
    *reference += futures::join!(coroutine(), refers_to_itself()).0;
    *reference += crate::vandal::unseen!(refers_to_itself());
    sum
}

#[test]
fn frames_may_refer_to_themselves() {
    assert_eq!(drive(calls()).0, 4 * 4 + 3);
    assert_eq!(drive(calls().boxed()).0, 4 * 4 + 3);
    assert_eq!(drive(calls().into_root()).0, 4 * 4 + 3);
}

#[test]
fn a_scopes_body_and_children_may_refer_to_themselves() {
    let sum = drive(scope(|s| async move {
        let mut sum = 0;
        let reference = &mut sum;
        let children = [s.spawn(refers_to_itself()), s.spawn(refers_to_itself())];
        *reference += refers_to_itself().await;
        for child in children {
            *reference += child.await;
        }
        *reference += s.spawn(coroutine()).await;
        sum
    }));
    assert_eq!(sum.0, 9 + 4);
    let sum = drive(local_scope(|s| async move {
        let child = s.spawn(calls());
        refers_to_itself().await + child.await
    }));
    assert_eq!(sum.0, 3 + 19);
}

#[test]
fn a_streams_body_may_refer_to_itself() {
    #[cps_core::cps(yields = u32)]
    async fn stream() {
        let mut local = 0;
        let reference = &mut local;
        for _ in 0..2 {
            *reference += refers_to_itself().await;
            yield_(*reference).await;
        }
        yield_(local).await;
    }
    let mut stream = pin!(stream().into_root());
    for expected in [Some(3), Some(6), Some(6), None] {
        assert_eq!(drive(stream.next()).0, expected);
    }
}

#[test]
fn chains_of_a_batch_may_refer_to_themselves() {
    let mut sum = 0;
    let batch = cps_core::interleave::Interleave::<3>::batch(0..5, |_| calls(), |_, n| sum += n);
    drive(batch);
    assert_eq!(sum, 5 * 19);
}

//! Sleeps: armed, polled again, dropped, and fired.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use lab_work::clock::{Cost, Stopwatch, Whose};

use super::Countdown;
use crate::runtime::Runtime;

/// Between one hour and two, in no order.
fn far(index: usize) -> Duration {
    let scattered = (index as u64).wrapping_mul(2_654_435_761) % 3_600_000;
    Duration::from_secs(3600) + Duration::from_millis(scattered)
}

/// A runtime may limit what a task does in one turn, and sleeps then say `Pending` without being armed. tokio's limit
/// is 128, that of `reactor` is the same.
const A_TURN: usize = 100;

/// Calls `f` for so many sleeps, in polls of the calling task, which wakes itself for a new turn before each batch.
async fn in_turns(timers: usize, mut f: impl FnMut(usize, &mut Context<'_>)) {
    for from in (0..timers).step_by(A_TURN) {
        let mut is_new = false;
        poll_fn(|cx| {
            is_new = !is_new;
            if is_new {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            for index in from..timers.min(from + A_TURN) {
                f(index, cx);
            }
            Poll::Ready(())
        })
        .await;
    }
}

async fn poll_all<F: Future<Output = ()>>(sleeps: &mut [Pin<Box<F>>]) {
    in_turns(sleeps.len(), |index, cx| {
        assert!(sleeps[index].as_mut().poll(cx).is_pending(), "an hour has passed");
    })
    .await;
}

/// Makes sleeps and polls them once.
async fn armed<R: Runtime>(timers: usize) -> Vec<Pin<Box<impl Future<Output = ()> + Send>>> {
    let mut sleeps = Vec::with_capacity(timers);
    in_turns(timers, |index, cx| {
        let mut sleep = Box::pin(R::sleep(far(index)));
        assert!(sleep.as_mut().poll(cx).is_pending(), "an hour has passed");
        sleeps.push(sleep);
    })
    .await;
    sleeps
}

pub(super) async fn arm<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..iterations {
        let watch = Stopwatch::start(whose);
        let sleeps = armed::<R>(timers).await;
        cost += watch.stop();
        drop(sleeps);
    }
    cost
}

pub(super) async fn repoll<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut sleeps = armed::<R>(timers).await;
    let watch = Stopwatch::start(whose);
    for _ in 0..iterations {
        poll_all(&mut sleeps).await;
    }
    watch.stop()
}

pub(super) async fn cancel<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..iterations {
        let sleeps = armed::<R>(timers).await;
        let watch = Stopwatch::start(whose);
        drop(sleeps);
        cost += watch.stop();
    }
    cost
}

pub(super) async fn fire<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Result<Cost> {
    let mut soon = Duration::from_millis(20) + Duration::from_micros(10) * timers as u32;
    let mut cost = Cost::default();
    let mut left = iterations;
    while left != 0 {
        let (armed, all_armed) = Countdown::new(timers);
        let (countdown, ended) = Countdown::new(timers);
        for _ in 0..timers {
            let (armed, countdown) = (armed.clone(), countdown.clone());
            R::detach(async move {
                let sleep = R::sleep(soon);
                armed.count();
                sleep.await;
                countdown.count();
            });
        }
        all_armed.await.expect("the last task sends");
        // The last one is armed when it has been polled.
        R::yield_now().await;
        let is_early = countdown.left() != timers;
        let watch = Stopwatch::start(whose);
        ended.await.expect("the last task sends");
        if is_early {
            // Some fired while others were armed: on a busy machine that takes longer.
            soon *= 2;
        } else {
            cost += watch.stop();
            left -= 1;
        }
    }
    Ok(cost)
}

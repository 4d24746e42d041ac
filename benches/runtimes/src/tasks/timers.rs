//! Sleeps: armed, polled again, dropped, and fired.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Result, ensure};
use lab_work::clock::{Cost, Stopwatch, Whose};

use super::Countdown;
use crate::runtime::Runtime;

/// Between one hour and two, in no order.
fn far(index: usize) -> Duration {
    let scattered = (index as u64).wrapping_mul(2_654_435_761) % 3_600_000;
    Duration::from_secs(3600) + Duration::from_millis(scattered)
}

/// Runs `f` in a poll of the calling task, so that timers are armed for it.
async fn in_a_poll<T>(mut f: impl FnMut(&mut Context<'_>) -> T) -> T {
    poll_fn(|cx| Poll::Ready(f(cx))).await
}

fn poll_all<F: Future<Output = ()>>(sleeps: &mut [Pin<Box<F>>], cx: &mut Context<'_>) {
    for sleep in sleeps {
        assert!(sleep.as_mut().poll(cx).is_pending(), "an hour has passed");
    }
}

pub(super) async fn arm<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..iterations {
        let mut sleeps = Vec::with_capacity(timers);
        cost += in_a_poll(|cx| {
            let watch = Stopwatch::start(whose);
            for index in 0..timers {
                let mut sleep = Box::pin(R::sleep(far(index)));
                assert!(sleep.as_mut().poll(cx).is_pending(), "an hour has passed");
                sleeps.push(sleep);
            }
            watch.stop()
        })
        .await;
    }
    cost
}

pub(super) async fn repoll<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut sleeps: Vec<_> = (0..timers).map(|index| Box::pin(R::sleep(far(index)))).collect();
    in_a_poll(|cx| poll_all(&mut sleeps, cx)).await;
    let mut cost = Cost::default();
    for _ in 0..iterations {
        // In its own turn: a runtime may limit what a task does in one.
        R::yield_now().await;
        cost += in_a_poll(|cx| {
            let watch = Stopwatch::start(whose);
            poll_all(&mut sleeps, cx);
            watch.stop()
        })
        .await;
    }
    cost
}

pub(super) async fn cancel<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..iterations {
        let mut sleeps: Vec<_> = (0..timers).map(|index| Box::pin(R::sleep(far(index)))).collect();
        in_a_poll(|cx| poll_all(&mut sleeps, cx)).await;
        let watch = Stopwatch::start(whose);
        drop(sleeps);
        cost += watch.stop();
    }
    cost
}

pub(super) async fn fire<R: Runtime>(timers: usize, whose: Whose, iterations: u64) -> Result<Cost> {
    // Long enough for all to be armed before the first one fires, on a busy machine, too.
    let soon = Duration::from_millis(20) + Duration::from_micros(10) * timers as u32;
    let mut cost = Cost::default();
    for _ in 0..iterations {
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
        ensure!(countdown.left() == timers, "this machine is too busy: timers fire while others are armed");
        let watch = Stopwatch::start(whose);
        ended.await.expect("the last task sends");
        cost += watch.stop();
    }
    Ok(cost)
}

//! Timers: order, cancellation, limits.

#![cfg(not(loom))] // Sockets and time are no model's matter.

use std::cell::RefCell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::task::noop_waker_ref;
use reactor::time::{now, pause};
use reactor::{LocalRuntime, block_on, sleep, sleep_until, spawn_local, timeout, yield_now};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_sleep_is_never_shorter() {
    for micros in [0, 1, 300, 999, 1_000, 1_700, 5_000] {
        let duration = Duration::from_micros(micros);
        let start = Instant::now();
        block_on(async { sleep(duration).await });
        assert!(start.elapsed() >= duration);
    }
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines() {
    block_on(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        pause(); // Until all are registered.
        let first = now() + SHORT;
        let tasks: Vec<_> = [3_u32, 1, 2, 0, 2, 1]
            .into_iter()
            .enumerate()
            .map(|(index, place)| {
                let log = log.clone();
                spawn_local(async move {
                    sleep_until(first + place * Duration::from_millis(1)).await;
                    log.borrow_mut().push((place, index));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // Those with one deadline in the order of registration.
        assert_eq!(*log.borrow(), [(0, 3), (1, 1), (1, 5), (2, 2), (2, 4), (3, 0)]);
    });
}

#[test]
fn a_deadline_in_the_past_is_ready_at_once() {
    block_on(async {
        let deadline = Instant::now();
        assert_eq!(sleep_until(deadline).now_or_never(), Some(()));
        assert_eq!(sleep(Duration::ZERO).now_or_never(), Some(()));
    });
}

#[test]
fn a_duration_beyond_the_clock_waits() {
    block_on(async {
        assert_eq!(sleep(Duration::MAX).now_or_never(), None);
        assert!(timeout(SHORT, sleep(Duration::MAX)).await.is_err());
    });
}

#[test]
fn a_dropped_sleep_wakes_nobody() {
    block_on(async {
        pause(); // Or the time could be over before the first poll.
        let polls = Rc::new(RefCell::new(0));
        let count = polls.clone();
        drop(spawn_local(async move {
            let mut short = Some(sleep(SHORT));
            poll_fn(|cx| {
                *count.borrow_mut() += 1;
                if let Some(mut short) = short.take() {
                    assert!(short.poll_unpin(cx).is_pending());
                }
                Poll::<()>::Pending
            })
            .await;
        }));
        sleep(3 * SHORT).await;
        assert_eq!(*polls.borrow(), 1);
    });
}

#[test]
fn a_sleep_wakes_the_last_who_polled_it() {
    block_on(async {
        pause();
        let mut timer = sleep(SHORT);
        assert!(timer.poll_unpin(&mut Context::from_waker(noop_waker_ref())).is_pending());
        spawn_local(timer).await.unwrap();
    });
}

#[test]
fn timeout_passes_the_value() {
    block_on(async {
        assert_eq!(timeout(LONG, async { 5 }).await, Ok(5));
        // Ready when time is up counts as ready.
        assert_eq!(timeout(Duration::ZERO, async { 6 }).await, Ok(6));
    });
}

#[test]
fn timeout_drops_the_future_when_time_is_up() {
    block_on(async {
        let alive = Rc::new(());
        let held = alive.clone();
        let outcome = timeout(SHORT, async move {
            let _held = held;
            pending::<()>().await;
        })
        .await;
        assert_eq!(outcome.unwrap_err().to_string(), "time is up");
        assert_eq!(Rc::strong_count(&alive), 1);
    });
}

#[test]
fn a_timeout_that_is_not_up_leaves_no_timer() {
    // The executor would park for an hour otherwise: its only way to notice is a timer.
    let start = Instant::now();
    block_on(async {
        timeout(LONG, yield_now()).await.unwrap();
        sleep(SHORT).await;
    });
    assert!(start.elapsed() < LONG);
}

#[test]
#[should_panic(expected = "a timer was awaited outside the runtime it was created in")]
fn a_timer_of_another_runtime_panics_instead_of_sleeping_for_ever() {
    let first = LocalRuntime::new().unwrap();
    let timer = first.block_on(ready(()).map(|()| sleep(LONG)));
    block_on(timer);
}

#[test]
fn ten_thousand_timers() {
    block_on(async {
        let start = Instant::now();
        let tasks: Vec<_> = (0..10_000_u64)
            .map(|n| spawn_local(sleep_until(start + Duration::from_micros(n * 7919 % 20_000))))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_sleep_that_is_moved_to_the_past_wakes_its_task_at_once() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    struct Counts(AtomicUsize);
    impl std::task::Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    block_on(async {
        let start = Instant::now();
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        let waker = Waker::from(counts.clone());
        let mut cx = Context::from_waker(&waker);
        let mut sleep = pin!(sleep(Duration::from_secs(1000)));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        sleep.as_mut().reset(start + Duration::from_secs(2000));
        assert_eq!(counts.0.load(SeqCst), 0);
        // Until after a turn of the driver, by which time has been seen that is later than that.
        reactor::sleep(Duration::from_millis(1)).await;
        sleep.as_mut().reset(start);
        assert_eq!(counts.0.load(SeqCst), 1);
        assert!(sleep.is_elapsed());
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
        // Nothing of it is left: the task's waker is the test's alone.
        assert_eq!(Arc::strong_count(&counts), 2);
    });
}

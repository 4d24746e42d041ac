//! Intervals, resets, limits, and the clock that stands still. Timers themselves: `timer.rs`.

#![cfg(all(unix, not(loom)))] // Sockets and time are no model's matter.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::{Duration, Instant};

use futures::{FutureExt, poll};
use reactor::net::UnixStream;
use reactor::time::{
    Interval, MissedTickBehavior, advance, interval, interval_at, now, pause, resume, sleep,
    sleep_until, timeout, timeout_at,
};
use reactor::{LocalRuntime, block_on, spawn_local, yield_now};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Milliseconds of the runtime's clock since `start`; it must be exact.
fn since(start: Instant) -> u64 {
    let elapsed = now() - start;
    assert_eq!(elapsed.subsec_nanos() % 1_000_000, 0, "{elapsed:?}");
    elapsed.as_millis() as u64
}

#[test]
fn a_paused_clock_jumps_from_deadline_to_deadline() {
    let began = Instant::now();
    block_on(async {
        pause();
        let start = now();
        let log = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = [30 * DAY, DAY, 7 * MS, 365 * DAY, DAY + MS]
            .map(|duration| {
                let log = log.clone();
                spawn_local(async move {
                    sleep(duration).await;
                    assert_eq!(now() - start, duration, "exactly");
                    log.borrow_mut().push(duration);
                })
            })
            .into();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*log.borrow(), [7 * MS, DAY, DAY + MS, 30 * DAY, 365 * DAY]);
        assert!(timeout(DAY, pending::<()>()).await.is_err());
        assert_eq!(timeout(DAY, sleep(DAY - MS)).await, Ok(()));
    });
    assert!(began.elapsed() < DAY);
}

#[test]
fn a_paused_clock_is_advanced_by_hand() {
    block_on(async {
        pause();
        let start = now();
        let mut timer = pin!(sleep(10 * MS));
        assert!(poll!(&mut timer).is_pending());
        advance(9 * MS).await;
        assert!(poll!(&mut timer).is_pending());
        assert!(!timer.is_elapsed());
        advance(MS).await;
        assert!(timer.is_elapsed());
        assert!(poll!(&mut timer).is_ready());
        assert_eq!(since(start), 10);
        // Tasks that wait are run before `advance` is over.
        let done = Rc::new(Cell::new(false));
        let flag = done.clone();
        drop(spawn_local(async move {
            sleep(5 * MS).await;
            flag.set(true);
        }));
        yield_now().await;
        advance(5 * MS).await;
        assert!(done.get());
        // It runs on from where it stands.
        resume();
        let resumed = now();
        assert!(resumed >= start + 15 * MS);
        sleep(MS).await;
        assert!(now() >= resumed + MS);
        pause();
    });
}

#[test]
fn a_clock_that_is_used_wrongly_says_so() {
    let message = |f: &mut dyn FnMut()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        *panic.downcast_ref::<&str>().unwrap()
    };
    block_on(async {
        assert_eq!(message(&mut resume), "the clock is not paused");
        let text = message(&mut || assert_eq!(advance(MS).now_or_never(), None));
        assert_eq!(text, "`advance` needs a paused clock: call `pause` before");
        pause();
        assert_eq!(message(&mut pause), "the clock is paused already");
    });
}

#[test]
fn a_sleep_is_reset_while_it_waits_and_after() {
    block_on(async {
        pause();
        let start = now();
        let mut timer = Box::pin(sleep(10 * MS));
        assert!(poll!(&mut timer).is_pending());
        timer.reset(start + 20 * MS);
        assert_eq!(timer.deadline(), start + 20 * MS);
        timer.as_mut().await;
        assert_eq!(since(start), 20);
        // Sooner, and the task that waits is woken then.
        timer.reset(start + DAY);
        let timer = Rc::new(RefCell::new(timer));
        let waiting = timer.clone();
        let task = spawn_local(poll_fn(move |cx| waiting.borrow_mut().poll_unpin(cx)));
        yield_now().await;
        timer.borrow_mut().reset(start + 30 * MS);
        task.await.unwrap();
        assert_eq!(since(start), 30);
        // Into the past.
        timer.borrow_mut().reset(start);
        assert!(timer.borrow().is_elapsed());
        assert_eq!(
            timer.borrow_mut().poll_unpin(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        );
    });
}

#[test]
fn a_limit_may_be_a_time() {
    block_on(async {
        pause();
        let deadline = now() + 10 * MS;
        assert_eq!(timeout_at(deadline, sleep(9 * MS)).await, Ok(()));
        assert!(timeout_at(deadline, sleep(9 * MS)).await.is_err());
        assert_eq!(now(), deadline);
        assert_eq!(timeout_at(deadline, ready(1)).await, Ok(1));
        let error =
            std::io::Error::from(timeout(Duration::ZERO, pending::<()>()).await.unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let unused = timeout(Duration::MAX, ready(2));
        assert_eq!(unused.get_ref().clone().await, 2);
        assert_eq!(unused.into_inner().await, 2);
    });
}

/// The times, in milliseconds since the start, at which ticks of 10 ms are given when the one of 10 is taken at 35.
async fn ticks(behavior: MissedTickBehavior) -> Vec<u64> {
    let start = now();
    let mut ticks = interval(10 * MS);
    ticks.set_missed_tick_behavior(behavior);
    assert_eq!(ticks.tick().await, start);
    advance(35 * MS).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let due = ticks.tick().await;
        assert!(due <= now());
        times.push(since(start));
    }
    times
}

#[test]
fn missed_ticks_are_caught_up_delayed_or_left_out() {
    block_on(async {
        pause();
        assert_eq!(ticks(MissedTickBehavior::Burst).await, [35, 35, 35, 40, 50]);
        assert_eq!(ticks(MissedTickBehavior::Delay).await, [35, 45, 55, 65, 75]);
        assert_eq!(ticks(MissedTickBehavior::Skip).await, [35, 40, 50, 60, 70]);
    });
}

#[test]
fn an_interval_starts_when_told_and_is_reset() {
    block_on(async {
        pause();
        let start = now();
        let mut ticks: Interval = interval_at(start + 3 * MS, 10 * MS);
        assert_eq!(ticks.period(), 10 * MS);
        assert_eq!(ticks.tick().await, start + 3 * MS);
        assert!(ticks.tick().now_or_never().is_none());
        assert_eq!(ticks.tick().await, start + 13 * MS, "a tick that was cancelled is not lost");
        advance(MS).await;
        ticks.reset();
        assert_eq!(ticks.tick().await, start + 24 * MS);
        ticks.reset_immediately();
        assert_eq!(ticks.tick().now_or_never(), Some(start + 24 * MS));
        ticks.reset_at(start + 99 * MS);
        assert_eq!(ticks.tick().await, start + 99 * MS);
        assert!(std::panic::catch_unwind(|| interval(Duration::ZERO)).is_err());
    });
}

/// Counts the clones and wakes of its wakers.
#[derive(Default)]
struct Counts {
    clones: AtomicUsize,
    alive: AtomicUsize,
    wakes: AtomicUsize,
}

impl Counts {
    fn waker(self: &Arc<Self>) -> Waker {
        const fn counts<'a>(data: *const ()) -> &'a Counts {
            // SAFETY: the data of these wakers is an `Arc<Counts>`, of which each waker holds a reference.
            unsafe { &*data.cast() }
        }
        fn clone(data: *const ()) -> RawWaker {
            counts(data).clones.fetch_add(1, SeqCst);
            counts(data).alive.fetch_add(1, SeqCst);
            // SAFETY: the data is an `Arc<Counts>`; the new waker holds the reference that is made here.
            unsafe { Arc::increment_strong_count(data.cast::<Counts>()) };
            RawWaker::new(data, &VTABLE)
        }
        fn wake(data: *const ()) {
            wake_by_ref(data);
            drop_waker(data);
        }
        fn wake_by_ref(data: *const ()) {
            counts(data).wakes.fetch_add(1, SeqCst);
        }
        fn drop_waker(data: *const ()) {
            counts(data).alive.fetch_sub(1, SeqCst);
            // SAFETY: the data is an `Arc<Counts>`; the reference is the one that this waker holds.
            unsafe { Arc::decrement_strong_count(data.cast::<Counts>()) };
        }
        static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);
        self.alive.fetch_add(1, SeqCst);
        // SAFETY: the functions do what a waker's must; the data may be shared by threads.
        unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(self.clone()).cast(), &VTABLE)) }
    }

    fn get(&self) -> (usize, usize) {
        (self.clones.load(SeqCst), self.wakes.load(SeqCst))
    }
}

#[test]
fn a_sleep_that_is_polled_again_clones_nothing() {
    let runtime = LocalRuntime::new().unwrap();
    let (one, two) = (Arc::<Counts>::default(), Arc::<Counts>::default());
    runtime.block_on(async {
        pause();
        let mut timer = Box::pin(sleep(10 * MS));
        let mut poll = |counts: &Arc<Counts>| {
            timer.as_mut().poll(&mut Context::from_waker(&counts.waker())).is_ready()
        };
        for _ in 0..100 {
            assert!(!poll(&one));
        }
        assert_eq!(one.get(), (1, 0));
        assert!(!poll(&two));
        advance(10 * MS).await;
        assert_eq!((one.get(), two.get()), ((1, 0), (1, 1)), "the last one is woken");
        assert!(poll(&two));
    });
    for counts in [one, two] {
        assert_eq!(counts.alive.load(SeqCst), 0);
    }
}

#[test]
fn a_socket_that_is_waited_for_again_clones_nothing() {
    let runtime = LocalRuntime::new().unwrap();
    let (of_traits, of_methods) = (Arc::<Counts>::default(), Arc::<Counts>::default());
    runtime.block_on(async {
        let (left, right) = UnixStream::pair().unwrap();
        // The traits' way.
        let waker = of_traits.waker();
        let poll = || {
            let cx = &mut Context::from_waker(&waker);
            futures::AsyncRead::poll_read(Pin::new(&mut &left), cx, &mut [0])
        };
        for round in 1..=10 {
            assert!(poll().is_pending());
            assert!(poll().is_pending());
            right.write_all(b"x").await.unwrap();
            while of_traits.get().1 < round {
                reactor::sleep(MS).await;
            }
            assert!(poll().is_ready());
        }
        assert_eq!(of_traits.get(), (1, 10));

        // The methods' way: each time another future.
        let waker = of_methods.waker();
        for round in 1..=10 {
            let mut buffer = [0];
            let mut read = pin!(left.read(&mut buffer));
            let cx = &mut Context::from_waker(&waker);
            assert!(read.as_mut().poll(cx).is_pending());
            right.write_all(b"x").await.unwrap();
            while of_methods.get().1 < round {
                reactor::sleep(MS).await;
            }
            assert!(read.as_mut().poll(cx).is_ready());
        }
        assert_eq!(of_methods.get(), (1, 10));
        assert_eq!(of_traits.get(), (1, 10), "who does not wait is not woken");
    });
    for counts in [of_traits, of_methods] {
        assert_eq!(counts.alive.load(SeqCst), 0);
    }
}

#[test]
fn a_timer_armed_on_another_thread_ends_a_longer_wait() {
    block_on(async {
        let mut early = sleep(20 * MS);
        let mut late = pin!(sleep(DAY));
        assert!(poll!(&mut late).is_pending());
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let thread = std::thread::spawn(move || {
            // The runtime's thread waits for a day by then, mostly.
            std::thread::sleep(5 * MS);
            early.reset(Instant::now() + 20 * MS);
            if early.poll_unpin(&mut Context::from_waker(&waker)).is_ready() {
                waker.wake(); // The machine is busy.
            }
            early
        });
        let mut polls = 0;
        poll_fn(|_| {
            polls += 1;
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        assert!(thread.join().unwrap().is_elapsed());
        assert!(sleep_until(now()).now_or_never().is_some());
    });
}

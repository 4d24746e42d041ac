//! A boxed coroutine is `Unpin` and a future: polled by hand, moved, and then awaited by value, where it goes on.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cps_core::prefetch::prefetch_read;
use cps_core::{BoxCoroutine, LocalBoxCoroutine, join};

use crate::support::{Fate, Log, Planned, Yield, panic_of, run, text_of};
use crate::vandal::{By, Vandal, sampled, unseen};

fn is_unpin_and_a_future<T: Future + Unpin>(_: &T) {}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[cps_core::cps]
async fn leaf(log: Log, n: u32) -> u32 {
    let _note = log.note("leaf");
    Yield::new(&log, 1).await;
    prefetch_read(&raw const n).await;
    Yield::new(&log, 1).await;
    n
}

#[cps_core::cps]
async fn tree(log: Log, panics: bool) -> u32 {
    let _note = log.note("tree");
    let a = leaf(log.clone(), 1).await;
    let b = leaf(log.clone(), 2).on_stack().await;
    unseen!(Vandal { by: By::Noop, on: 0, pends: 0 }.future());
    let c = leaf(log.clone(), 3).boxed().await;
    if panics {
        Planned::panic("tree", 0);
    }
    a + b + c
}

/// Polls of `tree`.
const POLLS: u32 = 10;

#[cps_core::cps]
async fn awaits(half_run: BoxCoroutine<'static, u32>, log: Log, how: u32) -> u32 {
    let _note = log.note("awaits");
    Yield::new(&log, 1).await;
    match how {
        0 => half_run.await,
        1 => unseen!(half_run),
        2 => join((half_run, std::future::ready(()))).await.0,
        _ => {
            let mut half_run = half_run;
            (&mut half_run).await
        }
    }
}

#[test]
fn a_boxed_coroutine_that_was_polled_by_hand_goes_on_where_it_is_awaited() {
    for how in 0..4 {
        for polls in sampled(0..POLLS, 7) {
            for panics in [false, true] {
                let log = Log::default();
                let mut boxed = tree(log.clone(), panics).boxed();
                is_unpin_and_a_future(&boxed);
                for _ in 0..polls {
                    assert!(poll(&mut boxed).is_pending());
                }
                let leaf_polls = |log: &Log| {
                    let polls = log.events().into_iter();
                    polls
                        .filter(|e| matches!(e, crate::support::Event::Did("leaf poll", _)))
                        .count()
                };
                let before = leaf_polls(&log);
                let fate = run(&log, awaits(boxed, log.clone(), how), 30);
                let expected =
                    if panics { Fate::Panicked("tree 0".into()) } else { Fate::Returned(6) };
                assert_eq!(fate, expected, "{how} {polls}");
                log.assert_each_dropped_once();
                // Of six leaves, each polled twice, and the caller's own.
                assert_eq!(leaf_polls(&log), 12 + 2, "{how} {polls}: nothing is run again");
                assert!(before <= 12);
            }
        }
    }
}

#[test]
fn a_half_run_box_is_dropped_with_all_its_frames_wherever_it_is() {
    for polls in sampled(0..POLLS, 5) {
        for further in sampled(0..6, 4) {
            for how in 0..4 {
                let log = Log::default();
                let mut boxed = tree(log.clone(), false).boxed();
                for _ in 0..polls {
                    assert!(poll(&mut boxed).is_pending());
                }
                run(&log, awaits(boxed, log.clone(), how), further);
                log.assert_each_dropped_once();
            }
        }
    }
}

#[test]
fn boxes_may_be_moved_and_swapped_between_polls() {
    let logs: Vec<Log> = (0..4).map(|_| Log::default()).collect();
    let mut boxes: Vec<_> = logs.iter().map(|log| tree(log.clone(), false).boxed()).collect();
    let mut results = Vec::new();
    for round in 0.. {
        if boxes.is_empty() {
            break;
        }
        boxes.rotate_left(1);
        let mut moved: BoxCoroutine<'static, u32> = boxes.remove(0);
        match poll(&mut moved) {
            Poll::Ready(value) => results.push(value),
            Poll::Pending => boxes.push(moved),
        }
        if let [first, .., last] = &mut boxes[..] {
            std::mem::swap(first, last);
        }
        boxes.reserve_exact(round);
    }
    assert_eq!(results, [6; 4]);
    logs.iter().for_each(Log::assert_each_dropped_once);
}

#[test]
fn a_half_run_box_may_go_on_on_another_thread() {
    let log = Log::default();
    let mut boxed = tree(log.clone(), false).boxed();
    let value = loop {
        let (poll, back) = std::thread::spawn(move || {
            let poll = poll(&mut boxed);
            (poll, boxed)
        })
        .join()
        .unwrap();
        boxed = back;
        if let Poll::Ready(value) = poll {
            break value;
        }
    };
    assert_eq!(value, 6);
    drop(boxed);
    log.assert_each_dropped_once();
}

#[test]
fn a_box_that_has_ended_panics_where_it_is_polled_or_awaited_again() {
    const TEXT: &str = "a coroutine was polled after it had returned or panicked";
    for panics in [false, true] {
        for awaited in [false, true] {
            let log = Log::default();
            let mut boxed = tree(log.clone(), panics).boxed();
            for _ in 0..POLLS {
                let poll =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut boxed)));
                match poll.map_err(text_of) {
                    Ok(Poll::Ready(value)) => assert_eq!((value, panics), (6, false)),
                    Err(text) => assert_eq!((&*text, panics), ("tree 0", true)),
                    Ok(Poll::Pending) => continue,
                }
                break;
            }
            let text = if awaited {
                panic_of(|| crate::support::drive(awaits(boxed, log.clone(), 0)))
            } else {
                panic_of(|| poll(&mut boxed))
            };
            assert_eq!(text, TEXT);
            log.assert_each_dropped_once();
        }
    }
}

/// Through many boxes, each of which was polled once before it was awaited.
#[test]
fn half_run_boxes_nest() {
    fn nest(depth: u32, log: Log) -> LocalBoxCoroutine<'static, u32> {
        let mut boxed = cps_core::coroutine_block! {
            let _note = log.note("level");
            // Pending where it is made, and once where it is awaited.
            Yield::new(&log, 2).await;
            if depth == 0 { 0 } else { nest(depth - 1, log.clone()).await + 1 }
        }
        .boxed_local();
        assert!(poll(&mut boxed).is_pending());
        boxed
    }
    let log = Log::default();
    assert_eq!(run(&log, nest(20, log.clone()), 100), Fate::Returned(20));
    log.assert_each_dropped_once();
    let log = Log::default();
    assert_eq!(run(&log, nest(20, log.clone()), 9), Fate::Cancelled);
    log.assert_each_dropped_once();
}

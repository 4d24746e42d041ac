//! Wakers that are taken from bodies' contexts and kept: for longer than the chain, on other threads, in other chains.
#![forbid(unsafe_code)]

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use cps_core::{join, scope};

use crate::support::{Planned, panic_of, poll};
use crate::vandal::{leaked, unseen};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

type Kept = Arc<Mutex<Vec<Waker>>>;

/// Keeps a clone of the waker that it is polled with, in its first poll, and is pending then.
fn keep(kept: &Kept) -> impl Future<Output = ()> + Send + use<> {
    let (kept, mut polled) = (kept.clone(), false);
    poll_fn(move |cx| {
        kept.lock().unwrap().push(cx.waker().clone());
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

#[cps_core::cps]
async fn callee(kept: Kept) {
    unseen!(keep(&kept));
    keep(&kept).await;
    futures::join!(keep(&kept));
}

#[cps_core::cps]
async fn body(kept: Kept) {
    unseen!(keep(&kept));
    callee(kept.clone()).await;
    callee(kept.clone()).on_stack().await;
    callee(kept.clone()).boxed().await;
    unseen!(callee(kept.clone()));
    pending().await
}

/// How many clones `body` keeps: two of each future.
const CLONES: usize = 2 * (1 + 4 * 3);

/// Polled until it is pending for ever, with a waker that counts, and what was kept.
fn kept_of_dropped(
    future: impl FnOnce(Kept) -> std::pin::Pin<Box<dyn Future<Output = ()>>>,
) -> (Arc<Count>, Vec<Waker>) {
    let (kept, count) = (Kept::default(), Arc::new(Count::default()));
    let waker = Waker::from(count.clone());
    let mut future = future(kept.clone());
    for _ in 0..CLONES {
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(future);
    drop(waker);
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!(kept.len(), CLONES);
    (count, kept)
}

#[test]
fn wakers_kept_from_a_dead_chain_are_the_executors() {
    let (count, kept) = kept_of_dropped(|kept| Box::pin(body(kept)));
    assert_eq!(Arc::strong_count(&count), 1 + CLONES);
    kept.iter().for_each(Waker::wake_by_ref);
    assert_eq!(count.0.load(SeqCst), CLONES);
    let clones = kept.clone();
    drop(kept);
    clones.into_iter().for_each(Waker::wake);
    assert_eq!(count.0.load(SeqCst), 2 * CLONES);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn wakers_kept_from_a_dead_chain_may_be_used_on_other_threads() {
    let (count, kept) = kept_of_dropped(|kept| Box::pin(body(kept).boxed()));
    let (some, others) = kept.split_at(CLONES / 2);
    thread::scope(|scope| {
        scope.spawn(|| some.iter().cloned().for_each(Waker::wake));
        scope.spawn(|| others.iter().for_each(Waker::wake_by_ref));
    });
    thread::spawn(move || drop(kept)).join().unwrap();
    assert_eq!(count.0.load(SeqCst), CLONES);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn kept_wakers_of_one_body_wake_the_same() {
    let (_, kept) = kept_of_dropped(|kept| Box::pin(body(kept).into_root()));
    for pair in kept.windows(2) {
        assert!(pair[0].will_wake(&pair[1]), "they are clones of one waker");
    }
    let mut one = Waker::noop().clone();
    one.clone_from(&kept[0]);
    assert!(one.will_wake(&kept[1]));
}

#[test]
fn wakers_kept_in_branches_and_children_outlive_them() {
    for by_scope in [false, true] {
        let (kept, count) = (Kept::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let (one, other) = (kept.clone(), kept.clone());
        let mut future: std::pin::Pin<Box<dyn Future<Output = ()>>> = if by_scope {
            Box::pin(scope(|s| async move {
                s.spawn(callee(one));
                s.spawn(callee(other));
            }))
        } else {
            Box::pin(async {
                join((callee(one), callee(other))).await;
            })
        };
        let mut polls = 0;
        while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            polls += 1;
            let woken = kept.lock().unwrap().clone();
            woken.iter().for_each(Waker::wake_by_ref);
        }
        assert!(polls <= 4);
        drop((future, waker));
        let kept = std::mem::take(&mut *kept.lock().unwrap());
        assert_eq!(kept.len(), 12);
        thread::spawn(move || kept.into_iter().for_each(Waker::wake)).join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1, "nobody keeps the executor's waker");
    }
}

#[test]
fn a_bodys_waker_may_be_used_on_other_threads_during_the_poll() {
    #[cps_core::cps]
    async fn body() {
        for _ in 0..2 {
            unseen!(poll_fn(|cx| {
                let waker = cx.waker();
                thread::scope(|scope| {
                    scope.spawn(|| waker.wake_by_ref());
                    scope.spawn(|| {
                        let clone = waker.clone();
                        clone.wake();
                    });
                    waker.wake_by_ref();
                });
                Poll::Ready(())
            }));
            crate::vandal::tick().await;
        }
    }
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut body = pin!(body());
    while body.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {}
    // Of each round three, and two of `tick`.
    assert_eq!(count.0.load(SeqCst), 10);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn a_waker_of_one_chain_in_the_context_of_another_is_not_taken_for_its_own() {
    let (count, mut kept) = kept_of_dropped(|kept| Box::pin(body(kept)));
    let other = leaked(kept.remove(0));
    #[cps_core::cps]
    async fn victim(other: &'static Waker) -> u32 {
        unseen!(poll_fn(|cx| {
            *cx = Context::from_waker(other);
            Poll::Ready(())
        }));
        crate::vandal::tick().await;
        unseen!(poll_fn(|cx| {
            *cx = Context::from_waker(other);
            cx.waker().wake_by_ref();
            Poll::Ready(1)
        }))
    }
    let mut victim = Box::pin(victim(other));
    assert!(poll(&mut victim).is_pending());
    assert_eq!(poll(&mut victim), Poll::Ready(1));
    assert_eq!(count.0.load(SeqCst), 1);
}

#[test]
fn wakers_kept_from_a_chain_that_has_panicked_are_the_executors() {
    #[cps_core::cps]
    async fn inner(kept: Kept) {
        unseen!(keep(&kept));
        Planned::panic("inner", 1)
    }
    #[cps_core::cps]
    async fn outer(kept: Kept) {
        unseen!(keep(&kept));
        inner(kept).on_stack().await;
    }
    let (kept, count) = (Kept::default(), Arc::new(Count::default()));
    let waker = Waker::from(count.clone());
    let mut root = Box::pin(outer(kept.clone()));
    for _ in 0..2 {
        assert!(root.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let text = panic_of(|| root.as_mut().poll(&mut Context::from_waker(&waker)));
    assert_eq!(text, "inner 1");
    drop((root, waker));
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!(Arc::strong_count(&count), 1 + 4);
    kept.into_iter().for_each(Waker::wake);
    assert_eq!((count.0.load(SeqCst), Arc::strong_count(&count)), (4, 1));
}

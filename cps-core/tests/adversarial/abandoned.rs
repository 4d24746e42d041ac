//! Roots that are never polled again, and such as are dropped by their own wakers.
#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::support::gate::Gate;
use crate::support::{Log, Yield};

#[cps_core::cps]
async fn leaf(log: Log, n: u32) -> u32 {
    let _note = log.note("leaf");
    Yield::new(&log, n).await;
    n
}

/// Nothing of a chain is used once its root is forgotten. (It stays reachable, so that it is no leak.)
#[test]
fn a_half_run_root_that_is_never_polled_again_does_no_harm() {
    static KEPT: Mutex<Vec<Pin<&'static mut (dyn Future<Output = u32> + Send)>>> =
        Mutex::new(Vec::new());
    let (log, gate) = (Log::default(), Gate::default());
    #[cps_core::cps]
    async fn waits(log: Log, gate: Gate) -> u32 {
        let _note = log.note("waits");
        leaf(log.clone(), 0).await;
        gate.await
    }
    #[cps_core::cps]
    async fn outer(log: Log, gate: Gate) -> u32 {
        waits(log, gate).on_stack().await
    }
    let roots: [&'static mut (dyn Future<Output = u32> + Send); 2] = [
        Box::leak(Box::new(outer(log.clone(), gate.clone()))),
        Box::leak(Box::new(outer(log.clone(), gate.clone()).boxed())),
    ];
    for root in roots {
        let mut root = Pin::static_mut(root);
        assert!(root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        KEPT.lock().unwrap().push(root);
    }
    gate.open(1);
    gate.nudge_if_waiting();
    assert_eq!(log.drops(), ["yield", "leaf", "yield", "leaf"]);
}

/// A task that drops its future when it is woken.
struct Suicidal(Mutex<Option<Pin<Box<dyn Future<Output = u32> + Send>>>>);

impl Wake for Suicidal {
    fn wake(self: Arc<Self>) {
        let future = self.0.lock().unwrap().take();
        drop(future);
    }
}

#[test]
fn a_root_may_be_dropped_by_the_waker_that_its_own_leaf_keeps() {
    #[cps_core::cps]
    async fn inner(log: Log, gate: Gate) -> u32 {
        let _note = log.note("inner");
        gate.await
    }
    #[cps_core::cps]
    async fn outer(log: Log, gate: Gate) -> u32 {
        let _note = log.note("outer");
        cps_core::join((inner(log.clone(), gate).on_stack(), std::future::ready(1))).await.0
    }
    for boxed in [false, true] {
        let (log, gate) = (Log::default(), Gate::default());
        let future: Pin<Box<dyn Future<Output = u32> + Send>> = if boxed {
            Box::pin(outer(log.clone(), gate.clone()).boxed())
        } else {
            Box::pin(outer(log.clone(), gate.clone()))
        };
        let task = Arc::new(Suicidal(Mutex::new(Some(future))));
        let waker = Waker::from(task.clone());
        let polled = task
            .0
            .lock()
            .unwrap()
            .as_mut()
            .map(|future| future.as_mut().poll(&mut Context::from_waker(&waker)));
        assert_eq!(polled, Some(Poll::Pending));
        drop(waker);
        gate.open(1);
        assert_eq!(log.drops(), ["inner", "outer"]);
        assert_eq!(Arc::strong_count(&task), 1);
    }
}

/// The future that holds its own waker, in a task that holds the future: dropped by hand.
#[test]
fn a_cycle_of_task_and_leaf_ends_with_the_root() {
    #[cps_core::cps]
    async fn keeps() -> u32 {
        let mut own = None;
        poll_fn(|cx| {
            own = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
        .await;
        drop(own);
        1
    }
    let task = Arc::new(Suicidal(Mutex::new(Some(Box::pin(keeps().boxed())))));
    let waker = Waker::from(task.clone());
    let poll = |future: &mut Pin<Box<dyn Future<Output = u32> + Send>>| {
        future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
    };
    assert_eq!(task.0.lock().unwrap().as_mut().map(poll), Some(true));
    assert_eq!(Arc::strong_count(&task), 3);
    let future = task.0.lock().unwrap().take();
    drop(future);
    assert_eq!(Arc::strong_count(&task), 2, "this one and `waker`");
}

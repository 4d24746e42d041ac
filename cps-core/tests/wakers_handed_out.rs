//! Wakers that panic or re-enter, under what is resumed from outside: continuations, and the handles of a scope.
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "shared")]
#[path = "support/gate.rs"]
mod gate;
#[allow(dead_code, reason = "shared")]
#[path = "support/hostile.rs"]
mod hostile;

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use cps_core::{
    scope,
    scope::Scope,
    suspend::{Continuation, Dropped},
    try_suspend,
};
use gate::Gate;
use hostile::{Task, fail, fails};

type Suspended = Pin<Box<dyn Future<Output = Result<u32, Dropped>> + Send>>;

/// A suspension that waits in `task`, and its continuation.
fn suspended(task: &Arc<Task>) -> (Suspended, Continuation<u32>) {
    let place = Arc::new(Mutex::new(None));
    let mut future: Suspended = Box::pin({
        let place = place.clone();
        try_suspend(move |k| *place.lock().unwrap() = Some(k))
    });
    assert!(task.poll(&mut future).is_pending());
    let k = place.lock().unwrap().take().expect("it was handed out");
    (future, k)
}

#[test]
fn a_value_is_there_though_the_waker_has_panicked() {
    let task = Task::failing([0]);
    let (mut future, k) = suspended(&task);
    assert!(fails(|| k.resume(7)));
    assert_eq!(task.poll(&mut future), Poll::Ready(Ok(7)));
    drop(future);
    assert_eq!(task.wakers(), 0);
}

#[test]
fn a_value_whose_waker_has_panicked_is_dropped_with_the_future() {
    let task = Task::failing([0]);
    let (future, k) = suspended(&task);
    assert!(fails(|| k.resume(7)));
    drop(future);
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
}

#[test]
fn a_dropped_continuation_is_noticed_though_the_waker_has_panicked() {
    let task = Task::failing([0]);
    let (mut future, k) = suspended(&task);
    assert!(fails(|| drop(k)));
    assert!(matches!(task.poll(&mut future), Poll::Ready(Err(_))));
    drop(future);
    assert_eq!(task.wakers(), 0);
}

#[test]
fn a_waker_may_poll_or_drop_what_it_resumes() {
    for (polls, panics) in [(true, false), (true, true), (false, false), (false, true)] {
        let task = Task::new();
        let (future, k) = suspended(&task);
        let shared = Arc::new(Mutex::new(Some(future)));
        task.on_wake(0, {
            let (shared, again) = (shared.clone(), task.clone());
            move || {
                let mut future = shared.lock().unwrap().take().expect("it waits");
                if polls {
                    assert_eq!(again.poll(&mut future), Poll::Ready(Ok(7)));
                }
                drop(future);
                if panics {
                    fail();
                }
            }
        });
        assert_eq!(fails(|| k.resume(7)), panics);
        assert_eq!((task.wakes(), task.wakers()), (1, 0));
    }
}

#[test]
fn a_waker_that_panics_when_it_is_replaced_leaves_the_new_one() {
    let (task, next) = (Task::new(), Task::new());
    let (mut future, k) = suspended(&task);
    task.on_drop(fail);
    drop(task);
    assert!(fails(|| next.poll(&mut future)));
    k.resume(7).expect("the future waits");
    assert_eq!(next.wakes(), 1);
    assert_eq!(next.poll(&mut future), Poll::Ready(Ok(7)));
    drop(future);
    assert_eq!(next.wakers(), 0);
}

/// A scope whose body waits for ever, and its handle.
fn endless(task: &Arc<Task>) -> (Pin<Box<impl Future<Output = ()>>>, Scope<'static>) {
    let place = Arc::new(Mutex::new(None));
    let mut future = Box::pin(scope({
        let place = place.clone();
        move |s: Scope<'static>| {
            *place.lock().unwrap() = Some(s);
            pending()
        }
    }));
    assert!(task.poll(&mut future).is_pending());
    let handle = place.lock().unwrap().take().expect("the body was made");
    (future, handle)
}

#[test]
fn a_child_is_started_though_the_waker_has_panicked() {
    let task = Task::failing([0]);
    let (mut future, handle) = endless(&task);
    let gates = [Gate::default(), Gate::default()];
    assert!(fails(|| handle.spawn(gates[0].clone())));
    drop(handle.spawn(gates[1].clone()));
    assert_eq!(task.wakes(), 2, "the second one is heard");
    assert!(task.poll(&mut future).is_pending());
    assert_eq!(gates.each_ref().map(Gate::polls), [1, 1]);
    drop((future, handle, gates));
    assert_eq!(task.wakers(), 0);
}

#[test]
fn a_child_is_dropped_though_the_waker_has_panicked() {
    let task = Task::failing([1]);
    let (mut future, handle) = endless(&task);
    let alive = Arc::new(());
    let child = handle.spawn({
        let alive = alive.clone();
        async move {
            pending::<()>().await;
            drop(alive);
        }
    });
    assert!(task.poll(&mut future).is_pending());
    assert!(fails(|| child.abort()));
    assert!(task.poll(&mut future).is_pending());
    assert_eq!(Arc::strong_count(&alive), 1);
    drop((future, handle));
    assert_eq!(task.wakers(), 0);
}

/// The child's output goes to a handle that is awaited in a task of its own, whose waker panics: in the scope's poll.
#[test]
fn an_output_is_there_though_the_waker_of_the_handles_task_has_panicked() {
    let (task, awaiting) = (Task::new(), Task::failing([0]));
    let (mut future, handle) = endless(&task);
    let gate = Gate::default();
    let mut child = Box::pin(handle.spawn(gate.clone()));
    assert!(task.poll(&mut future).is_pending());
    assert!(awaiting.poll(&mut child).is_pending());
    gate.open(7);
    assert!(fails(|| task.poll(&mut future)), "the panic of a child");
    assert_eq!(awaiting.poll(&mut child), Poll::Ready(7));
    drop((future, handle, gate, child));
    assert_eq!((task.wakers(), awaiting.wakers()), (0, 0));
}

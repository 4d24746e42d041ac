//! Wakers whose clones panic, or do something else that they need not: wake a branch, resume a continuation.

#[allow(dead_code, reason = "shared")]
#[path = "support/gate.rs"]
mod gate;
#[allow(dead_code, reason = "shared")]
#[path = "support/hostile.rs"]
mod hostile;

use std::collections::HashMap;
use std::future::{Future, pending, poll_fn};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use cps_core::{join, scope, scope::Scope, select, timeout, try_suspend};
use gate::Gate;
use hostile::{fail, fails};

type Act = Box<dyn FnOnce() + Send>;

/// A task that does something when its waker is cloned.
#[derive(Default)]
struct Task {
    clones: AtomicUsize,
    wakes: AtomicUsize,
    acts: Mutex<HashMap<usize, Act>>,
}

impl Task {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One whose clones of these numbers, from 0 on, panic.
    fn failing(numbers: impl IntoIterator<Item = usize>) -> Arc<Self> {
        let task = Task::new();
        for number in numbers {
            task.on_clone(number, fail);
        }
        task
    }

    /// In the clone of that number, from 0 on, before there is one.
    fn on_clone(&self, number: usize, act: impl FnOnce() + Send + 'static) {
        self.acts.lock().unwrap().insert(number, Box::new(act));
    }

    fn wakes(&self) -> usize {
        self.wakes.load(SeqCst)
    }

    /// How many wakers there are.
    fn wakers(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }

    fn waker(self: &Arc<Self>) -> Waker {
        // SAFETY: the functions below keep the contract of `RawWaker`, for a pointer from `Arc::into_raw`.
        unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(self.clone()).cast(), &VTABLE)) }
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&self.waker()))
    }
}

static VTABLE: RawWakerVTable = {
    /// # Safety
    /// `data` is a waker's.
    unsafe fn task(data: *const ()) -> Arc<Task> {
        // SAFETY: it comes from `Arc::into_raw`, and the waker owns that reference.
        unsafe { Arc::from_raw(data.cast()) }
    }
    RawWakerVTable::new(
        |data| {
            // SAFETY: a waker's data; its reference remains the waker's.
            let task = unsafe { ManuallyDrop::new(task(data)) };
            let number = task.clones.fetch_add(1, SeqCst);
            let act = task.acts.lock().unwrap().remove(&number);
            if let Some(act) = act {
                act();
            }
            RawWaker::new(Arc::into_raw(Arc::clone(&task)).cast(), &VTABLE)
        },
        |data| {
            // SAFETY: as above, but the reference ends here.
            unsafe { task(data) }.wakes.fetch_add(1, SeqCst);
        },
        |data| {
            // SAFETY: as above.
            unsafe { ManuallyDrop::new(task(data)) }.wakes.fetch_add(1, SeqCst);
        },
        |data| {
            // SAFETY: as above; the reference ends here.
            drop(unsafe { task(data) });
        },
    )
};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A future with branches that wait for these gates.
type Maker = fn(Gate, Gate) -> Boxed;

const ALL: [(&str, Maker); 5] = [
    ("join", |one, other| ends(join((one, other)))),
    ("join of many", |one, other| {
        let gate = |n| if n == 3 { one.clone() } else { other.clone() };
        ends(join((0..70).map(gate).collect::<Vec<_>>()))
    }),
    ("select", |one, other| ends(async { std::pin::pin!(select((one, other))).next().await })),
    ("timeout", |one, other| ends(timeout(other, one))),
    ("scope", |one, other| {
        ends(scope(move |s: Scope<'static>| {
            s.spawn(one);
            s.spawn(other);
            pending::<()>()
        }))
    }),
];

fn ends(future: impl Future<Output: Send> + Send + 'static) -> Boxed {
    Box::pin(async {
        let _ = future.await;
    })
}

fn all() -> impl Iterator<Item = (&'static str, [Gate; 2], Boxed)> {
    ALL.into_iter().map(|(name, make)| {
        let gates = [Gate::default(), Gate::default()];
        let [one, other] = gates.clone();
        (name, gates, make(one, other))
    })
}

#[test]
fn a_clone_that_panics_where_it_is_needed_first_leaves_nothing() {
    for (name, _, mut future) in all() {
        let task = Task::failing([0]);
        assert!(fails(|| task.poll(&mut future)), "{name}");
        drop(future);
        assert_eq!((task.wakers(), task.wakes()), (0, 0), "{name}");
    }
}

#[test]
fn a_clone_that_panics_where_a_waker_is_replaced_leaves_nothing() {
    for (name, gates, mut future) in all() {
        let (task, next) = (Task::new(), Task::failing([0]));
        assert!(task.poll(&mut future).is_pending(), "{name}");
        assert!(fails(|| next.poll(&mut future)), "{name}");
        drop(future);
        gates.iter().for_each(Gate::nudge_if_waiting);
        assert_eq!((task.wakers(), task.wakes()), (0, 0), "{name}");
        assert_eq!((next.wakers(), next.wakes()), (0, 0), "{name}");
    }
}

/// A branch that stands it: the other one's clone makes the set.
#[test]
fn a_branch_may_catch_the_panic_of_a_clone() {
    let task = Task::failing([0]);
    let gate = Gate::default();
    let catching = poll_fn(|cx: &mut Context<'_>| {
        assert!(fails(|| cx.waker().clone()));
        Poll::<()>::Pending
    });
    let mut future = Box::pin(join((catching, gate.clone())));
    assert!(task.poll(&mut future).is_pending());
    gate.nudge();
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(&mut future).is_pending());
    assert_eq!(gate.polls(), 2);
    drop((future, gate));
    assert_eq!(task.wakers(), 0);
}

/// At the end of a poll: after what was woken has been resumed, and before the set is armed.
#[test]
fn a_branch_that_is_woken_while_the_waker_is_replaced_is_resumed() {
    for (name, gates, mut future) in all() {
        let (task, next) = (Task::new(), Task::new());
        assert!(task.poll(&mut future).is_pending(), "{name}");
        let before = gates[0].polls();
        next.on_clone(0, {
            let gate = gates[0].clone();
            move || gate.nudge()
        });
        assert!(next.poll(&mut future).is_pending(), "{name}");
        assert_eq!((task.wakes(), next.wakes()), (0, 1), "{name}: asks for a poll");
        assert!(next.poll(&mut future).is_pending(), "{name}");
        assert_eq!(gates[0].polls(), before + 1, "{name}");
        drop(future);
    }
}

#[test]
fn a_suspension_stands_a_clone_that_panics_and_one_that_resumes_it() {
    let place = Arc::new(Mutex::new(None));
    let suspended = || {
        let place = place.clone();
        Box::pin(try_suspend::<u32, _>(move |k| *place.lock().unwrap() = Some(k)))
    };
    let task = Task::failing([0]);
    let mut future = suspended();
    assert!(fails(|| task.poll(&mut future)));
    assert!(task.poll(&mut future).is_pending());
    let k = place.lock().unwrap().take().expect("handed out");
    k.resume(7).expect("it waits");
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(&mut future), Poll::Ready(Ok(7)));
    assert_eq!(task.wakers(), 0);

    let task = Task::new();
    task.on_clone(0, {
        let place = place.clone();
        move || {
            let k = place.lock().unwrap().take().expect("handed out");
            k.resume(8).expect("it is about to wait");
        }
    });
    let mut future = suspended();
    assert_eq!(task.poll(&mut future), Poll::Ready(Ok(8)));
    assert_eq!((task.wakes(), task.wakers()), (0, 0));
}

//! The guards of `enter`, dropped in any order and at any time.

use std::mem::forget;

use reactor::{Handle, LocalRuntime, spawn, spawn_local};

/// If a runtime is current still, it is one that has ended: it cancels what is spawned.
fn spawns_on_no_runtime() {
    if Handle::try_current().is_some() {
        assert!(spawn(async {}).is_finished());
        assert!(spawn_local(async {}).is_finished());
    }
}

#[test]
fn guards_may_be_dropped_in_another_order_than_that_of_their_making() {
    let (one, other) = (LocalRuntime::new().unwrap(), LocalRuntime::new().unwrap());
    let first = one.enter();
    let second = other.enter();
    drop(first);
    drop(second);
    drop((one, other));
    spawns_on_no_runtime();
}

#[test]
fn a_guard_may_be_leaked() {
    let runtime = LocalRuntime::new().unwrap();
    forget(runtime.enter());
    drop(runtime);
    spawns_on_no_runtime();
}

#[test]
fn a_guard_that_was_made_in_a_task_may_be_dropped_after_the_runtime_of_the_task() {
    let (outer, inner) = (LocalRuntime::new().unwrap(), LocalRuntime::new().unwrap());
    let guard = outer.block_on(async { inner.enter() });
    drop(outer);
    drop(guard);
    drop(inner);
    spawns_on_no_runtime();
}

#[test]
fn a_runtime_runs_its_tasks_while_another_one_is_current() {
    let (outer, inner) = (LocalRuntime::new().unwrap(), LocalRuntime::new().unwrap());
    let task = outer.spawn_local(async {
        reactor::yield_now().await; // A wake, with `inner` as the current one.
        1
    });
    let sum = outer.block_on(async {
        forget(inner.enter());
        task.await.unwrap() + 1
    });
    assert_eq!(sum, 2);
}

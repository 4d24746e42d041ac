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
    assert!(Handle::try_current().is_none());
    drop((one, other));
}

/// What is current is the last one that was entered, and is there still.
#[test]
fn the_last_of_the_guards_that_are_left_says_what_is_current() {
    let (one, other) = (LocalRuntime::new().unwrap(), LocalRuntime::new().unwrap());
    let first = one.enter();
    let second = other.enter();
    drop(first);
    let task = spawn_local(async { 1 });
    drop(second);
    assert_eq!(other.block_on(task).unwrap(), 1);
}

#[test]
fn guards_of_several_threads_runtimes_may_be_dropped_in_another_order_too() {
    let make = || reactor::Builder::new().worker_threads(1).build().unwrap();
    let (one, other) = (make(), make());
    let first = one.enter();
    let second = other.enter();
    drop(first);
    let task = spawn(async { 1 });
    drop(second);
    assert!(Handle::try_current().is_none());
    drop(one);
    assert_eq!(other.block_on(task).unwrap(), 1);
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
    assert!(Handle::try_current().is_none());
    drop(inner);
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

/// The runtime is dropped when the thread's locals are, in whichever order.
#[test]
fn a_runtime_may_be_a_local_of_its_thread() {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    struct Counted(Arc<AtomicUsize>, Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.set(self.1.get() + 1);
            self.0.fetch_add(1, SeqCst);
        }
    }
    thread_local! {
        static RUNTIME: RefCell<Option<LocalRuntime>> = const { RefCell::new(None) };
    }
    for is_used_before in [false, true] {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = drops.clone();
        std::thread::spawn(move || {
            if is_used_before {
                reactor::block_on(async {});
            }
            RUNTIME.set(Some(LocalRuntime::new().unwrap()));
            RUNTIME.with_borrow(|runtime| {
                let runtime = runtime.as_ref().unwrap();
                let counted = Counted(counted, Rc::default());
                drop(runtime.spawn_local(async move {
                    let _counted = counted;
                    std::future::pending::<()>().await;
                }));
                runtime.block_on(reactor::yield_now());
            });
        })
        .join()
        .unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    }
}

//! Values that follow a chain: where they are seen, by whom, and for how long.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;

use cps_core::task_local::AccessError;
use cps_core::{cps, join, local_scope, race, select, task_local};
use futures::executor::block_on;

task_local! {
    static NUMBER: u32;
    /// One that is not `Copy`, and not `Send`.
    pub(crate) static TEXT: Rc<str>;
}

fn number() -> Option<u32> {
    NUMBER.try_with(|n| *n).ok()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Suspends once, and looks before and after.
async fn look() -> [Option<u32>; 2] {
    let before = number();
    let mut is_second = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    [before, number()]
}

#[cps]
async fn deep(levels: u32) -> [Option<u32>; 2] {
    if levels == 0 { look().await } else { deep(levels - 1).on_heap().await }
}

#[test]
fn a_value_is_seen_at_any_depth_and_after_a_wake() {
    for levels in [0, 1, 10, 100] {
        assert_eq!(block_on(deep(levels).with_local(&NUMBER, 7)), [Some(7); 2]);
        assert_eq!(block_on(NUMBER.scope(8, deep(levels))), [Some(8); 2]);
    }
    assert_eq!(block_on(NUMBER.scope(9, look())), [Some(9); 2]);
    assert_eq!(block_on(deep(3)), [None; 2]);
}

#[test]
fn it_is_not_seen_between_polls_nor_after() {
    let mut future = pin!(deep(2).with_local(&NUMBER, 1));
    assert_eq!(number(), None);
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(number(), None);
    assert!(poll(future.as_mut()).is_ready());
    assert_eq!(number(), None);
}

#[test]
fn the_innermost_scope_counts() {
    #[cps]
    async fn around() -> Vec<[Option<u32>; 2]> {
        let before = deep(1).await;
        let inside = deep(2).with_local(&NUMBER, 2).await;
        vec![before, inside, deep(3).await]
    }
    let seen = block_on(around().with_local(&NUMBER, 1));
    assert_eq!(seen, [[Some(1); 2], [Some(2); 2], [Some(1); 2]]);
    let seen = NUMBER
        .sync_scope(3, || (number(), NUMBER.sync_scope(4, number), block_on(around()), number()));
    assert_eq!((seen.0, seen.1, seen.3), (Some(3), Some(4), Some(3)));
    assert_eq!(seen.2[0], [Some(3); 2]);
}

#[test]
fn keys_do_not_meet() {
    let both = TEXT.scope("a".into(), NUMBER.scope(1, async { (number(), TEXT.get()) }));
    assert_eq!(block_on(both), (Some(1), "a".into()));
    let missing: AccessError = TEXT.try_with(|_| ()).unwrap_err();
    assert!(missing.to_string().contains("is not set"));
}

/// Branches that are woken in turn see the value of their own scope, and that around all.
#[test]
fn branches_see_what_is_around_them() {
    #[cps]
    async fn all() -> Vec<[Option<u32>; 2]> {
        let (a, b, c) = join((deep(1), deep(2).with_local(&NUMBER, 2), deep(3))).await;
        let mut seen = vec![a, b, c, race((deep(1), std::future::pending())).await];
        let mut branches = pin!(select([deep(1), deep(2)]));
        while let Some((_, of_branch)) = branches.as_mut().next().await {
            seen.push(of_branch);
        }
        seen
    }
    let seen = block_on(all().with_local(&NUMBER, 1));
    assert_eq!(seen, [1, 2, 1, 1, 1, 1].map(|n| [Some(n); 2]));
    let seen = block_on(all());
    assert_eq!(seen.iter().flatten().flatten().collect::<Vec<_>>(), [&2, &2]);
}

/// Branching points that lie so deep in each other that they are deferred see the scope that they are in.
#[test]
fn deferred_branches_see_what_is_around_them() {
    #[cps]
    async fn tree(levels: u32) -> u32 {
        if levels == 0 {
            return look().await[1].unwrap();
        }
        let (left, right) = join((tree(levels - 1).boxed_local(), look())).await;
        assert_eq!(right, [number(); 2]);
        left
    }
    #[cps]
    async fn other(levels: u32) -> u32 {
        let (inner, outer) = join((tree(levels).with_local(&NUMBER, 2), tree(levels))).await;
        inner * 10 + outer
    }
    let levels = if cfg!(miri) { 20 } else { 500 };
    assert_eq!(block_on(other(levels).with_local(&NUMBER, 1)), 21);
}

#[test]
fn children_of_a_scope_see_what_is_around_it() {
    async fn child(seen: &Cell<u32>) {
        let [before, after] = look().await;
        seen.set(seen.get() + before.unwrap() + after.unwrap());
    }
    #[cps]
    async fn parent(seen: &Cell<u32>) {
        local_scope(|s| async move {
            (0..3).for_each(|_| drop(s.spawn(child(seen))));
        })
        .await;
    }
    let seen = Cell::new(0);
    block_on(parent(&seen).with_local(&NUMBER, 5));
    assert_eq!(seen.get(), 30);
}

#[test]
fn destructors_see_it() {
    struct Looks(Rc<Cell<Option<u32>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.set(number());
        }
    }
    #[cps]
    async fn keeps(looks: Looks) {
        look().await;
        drop(looks);
    }
    for polls in 0..3 {
        let seen = Rc::new(Cell::new(None));
        {
            let mut future = pin!(keeps(Looks(seen.clone())).with_local(&NUMBER, 6));
            (0..polls).for_each(|_| assert!(poll(future.as_mut()).is_pending() || polls == 2));
        }
        assert_eq!((seen.get(), number()), (Some(6), None), "{polls} polls");
    }
}

#[test]
fn a_panic_leaves_the_scope() {
    #[cps]
    async fn panics() {
        look().await;
        panic!("loud");
    }
    NUMBER.sync_scope(1, || {
        let mut future = pin!(panics().with_local(&NUMBER, 2));
        assert!(poll(future.as_mut()).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).is_err());
        assert_eq!(number(), Some(1));
        let read = catch_unwind(|| NUMBER.with(|_| panic!("loud")));
        assert!(read.is_err());
        assert!(catch_unwind(|| NUMBER.sync_scope(3, || panic!("loud"))).is_err());
        assert_eq!(number(), Some(1));
    });
    let missing = catch_unwind(|| NUMBER.get()).unwrap_err();
    assert!(missing.downcast::<String>().unwrap().contains("is in no `scope` or `with_local`"));
}

#[test]
fn a_scope_may_be_entered_while_a_value_is_read() {
    let seen = NUMBER.sync_scope(1, || {
        NUMBER.with(|outer| {
            let inner = block_on(deep(1).with_local(&NUMBER, 2));
            (inner, *outer, NUMBER.with(|again| again == outer))
        })
    });
    assert_eq!(seen, ([Some(2); 2], 1, true));
}

#[test]
fn it_goes_with_its_task_and_not_to_other_threads() {
    let mut future = Box::pin(deep(2).with_local(&NUMBER, 1));
    assert!(poll(future.as_mut()).is_pending());
    let seen = thread::spawn(move || (number(), block_on(future), number())).join().unwrap();
    assert_eq!(seen, (None, [Some(1); 2], None));
    NUMBER.sync_scope(1, || assert_eq!(thread::spawn(number).join().unwrap(), None));
}

/// Code that switches host stacks in a poll may end polls in another order than that in which they began: a scope that
/// has ended is not seen, whatever the order.
#[cfg(not(miri))]
#[test]
fn scopes_that_end_in_another_order_are_not_seen() {
    use corosensei::{Coroutine, CoroutineResult};
    let mut stack = Coroutine::new(|yielder, ()| {
        NUMBER.sync_scope(1, || {
            yielder.suspend(());
            assert_eq!(number(), Some(2), "the innermost one of the thread");
        });
    });
    assert!(matches!(stack.resume(()), CoroutineResult::Yield(())));
    NUMBER.sync_scope(2, || {
        assert!(matches!(stack.resume(()), CoroutineResult::Return(())));
        assert_eq!(number(), Some(2));
    });
    assert_eq!(number(), None);
}

/// If a scope ends while its value is read, which takes a switch of stacks in the read, the process ends: safe code
/// does not get at a value that is gone.
#[cfg(all(unix, not(miri)))]
#[test]
fn a_scope_that_ends_while_it_is_read_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    const CASE: &str = "CPS_CORE_TEST_ENDS_WHILE_READ";
    if std::env::var_os(CASE).is_some() {
        let mut stack = corosensei::Coroutine::new(|yielder, ()| {
            NUMBER.sync_scope(1, || yielder.suspend(()));
        });
        stack.resume(());
        NUMBER.with(|_| {
            stack.resume(());
        });
        return;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_scope_that_ends_while_it_is_read_ends_the_process"]).env(CASE, "");
    let status = again.output().unwrap().status;
    assert_eq!(status.signal(), Some(6), "{status}"); // SIGABRT
}

#[cfg(not(miri))]
#[test]
fn tasks_of_tokio_see_their_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    #[cps]
    async fn task(number: u32) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
            assert_eq!(deep(3).await, [Some(number); 2]);
        }
        let spawned = tokio::spawn(async { self::number() });
        assert_eq!(spawned.await.unwrap(), None);
    }
    runtime.block_on(async {
        let tasks: Vec<_> = (0..50).map(|n| tokio::spawn(task(n).with_local(&NUMBER, n))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

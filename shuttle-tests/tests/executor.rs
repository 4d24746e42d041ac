//! The whole executor of several threads: tasks run, wake, end, are aborted and cancelled, whatever the schedule.
//!
//! A task that is not run, or a thread that sleeps for ever, is a deadlock, which shuttle reports.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use shuttle_tests::rt::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle_tests::rt::{Arc, Condvar, Mutex, thread};
use shuttle_tests::{JoinHandle, Runtime, Spawner, block_on, check, on_thread, yield_now};

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Ends when it is told to, by any thread.
#[derive(Default)]
struct Told(Mutex<(bool, Option<Waker>)>);

impl Told {
    fn tell(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

async fn told(told: Arc<Told>) {
    poll_fn(|cx| told.poll(cx)).await;
}

#[test]
fn tasks_that_yield_and_spawn_give_their_results() {
    check(|| {
        let runtime = Runtime::new(2);
        let spawner = runtime.spawner();
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let spawner = spawner.clone();
                runtime.spawn(async move {
                    let inner = spawner.spawn(async move {
                        yield_now().await;
                        n
                    });
                    inner.await.unwrap() + 1
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(block_on(task).unwrap(), n + 1);
        }
    });
}

#[test]
fn threads_wake_tasks_while_workers_fall_asleep() {
    check(|| {
        let runtime = Runtime::new(2);
        let all: Vec<Arc<Told>> = (0..2).map(|_| Arc::default()).collect();
        let tasks: Vec<_> = all.iter().map(|one| runtime.spawn(told(one.clone()))).collect();
        let tells = thread::spawn(move || all.iter().for_each(|one| one.tell()));
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        tells.join().unwrap();
    });
}

#[test]
fn an_abort_meets_a_wake_and_a_run() {
    check(|| {
        let runtime = Runtime::new(2);
        let (drops, one) = (Arc::new(AtomicUsize::new(0)), Arc::<Told>::default());
        let counted = Counted(drops.clone());
        let task = runtime.spawn({
            let one = one.clone();
            async move {
                told(one).await;
                drop(counted);
                7
            }
        });
        let abort = task.abort_handle();
        let aborts = thread::spawn(move || abort.abort());
        one.tell();
        match block_on(task) {
            Ok(value) => assert_eq!(value, 7),
            Err(error) => assert!(error.is_cancelled()),
        }
        assert_eq!(drops.load(SeqCst), 1);
        aborts.join().unwrap();
    });
}

#[test]
fn the_end_meets_spawns_and_wakes() {
    check(|| {
        let runtime = Runtime::new(2);
        let spawner = runtime.spawner();
        let (drops, one) = (Arc::new(AtomicUsize::new(0)), Arc::<Told>::default());
        let task = |one: &Arc<Told>| {
            let (counted, one) = (Counted(drops.clone()), one.clone());
            async move {
                let _counted = counted;
                told(one).await;
            }
        };
        let first = runtime.spawn(task(&one));
        let (second, of_thread) = (task(&one), one.clone());
        let other = thread::spawn(move || {
            let handle = spawner.spawn(second);
            of_thread.tell();
            handle
        });
        drop(runtime);
        let second = other.join().unwrap();
        for handle in [first, second] {
            assert!(block_on(handle).err().is_none_or(|error| error.is_cancelled()));
        }
        assert_eq!(drops.load(SeqCst), 2);
    });
}

#[test]
fn a_shutdown_that_does_not_wait_leaves_the_rest_to_the_last_worker() {
    check(|| {
        let runtime = Runtime::new(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let counted = Counted(drops.clone());
                runtime.spawn(async move {
                    let _counted = counted;
                    std::future::pending::<()>().await;
                })
            })
            .collect();
        let is_over = runtime.shutdown();
        assert!(!is_over || drops.load(SeqCst) == 2);
        for task in tasks {
            assert!(block_on(task).unwrap_err().is_cancelled());
        }
        assert_eq!(drops.load(SeqCst), 2);
    });
}

/// What a thread spawns and wakes while the runtime is shut down ends, whether that is waited for or not.
#[test]
fn a_shutdown_meets_spawns_and_wakes() {
    check(|| {
        let runtime = Runtime::new(2);
        let spawner = runtime.spawner();
        let (drops, told_ones) =
            (Arc::new(AtomicUsize::new(0)), [(); 2].map(|()| Arc::<Told>::default()));
        let tasks = told_ones.clone().map(|one| {
            let counted = Counted(drops.clone());
            async move {
                let _counted = counted;
                told(one).await;
            }
        });
        let [first, second] = tasks;
        let first = runtime.spawn(first);
        let other = thread::spawn(move || {
            told_ones[0].tell();
            let second = spawner.spawn(second);
            told_ones[1].tell();
            second
        });
        runtime.shutdown();
        let second = other.join().unwrap();
        for handle in [first, second] {
            assert!(block_on(handle).err().is_none_or(|error| error.is_cancelled()));
        }
        assert_eq!(drops.load(SeqCst), 2);
    });
}

/// Spawns a task and wakes another when it is dropped.
struct SpawnsAtTheEnd {
    spawner: Spawner,
    handle: Arc<Mutex<Option<JoinHandle<()>>>>,
    wakes: Arc<Told>,
    counted: Option<Counted>,
}

impl Drop for SpawnsAtTheEnd {
    fn drop(&mut self) {
        let counted = self.counted.take();
        let handle = self.spawner.spawn(async move {
            let _counted = counted;
            std::future::pending::<()>().await;
        });
        *self.handle.lock().unwrap() = Some(handle);
        self.wakes.tell();
    }
}

#[test]
fn destructors_spawn_and_wake_as_the_runtime_ends() {
    check(|| {
        let runtime = Runtime::new(2);
        let (drops, one) = (Arc::new(AtomicUsize::new(0)), Arc::<Told>::default());
        let handle = Arc::new(Mutex::new(None));
        let woken = runtime.spawn(told(one.clone()));
        let spawns = SpawnsAtTheEnd {
            spawner: runtime.spawner(),
            handle: handle.clone(),
            wakes: one,
            counted: Some(Counted(drops.clone())),
        };
        let first = runtime.spawn(async move {
            let _spawns = spawns;
            std::future::pending::<()>().await;
        });
        drop(runtime);
        assert!(block_on(first).unwrap_err().is_cancelled());
        assert!(block_on(woken).err().is_none_or(|error| error.is_cancelled()));
        let spawned = handle.lock().unwrap().take().expect("it was spawned");
        assert!(block_on(spawned).unwrap_err().is_cancelled());
        assert_eq!(drops.load(SeqCst), 1);
    });
}

/// A task waits for a function on another thread while it is aborted, or the runtime ends. What the function has, and what
/// it gives, is dropped once.
#[test]
fn a_function_on_a_thread_meets_an_abort_and_the_end() {
    check(|| {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let (run, thread) = on_thread({
            let counted = Counted(drops.clone());
            move || counted
        });
        let task = runtime.spawn(run);
        let abort = task.abort_handle();
        let aborts = thread::spawn(move || abort.abort());
        drop(runtime);
        match block_on(task) {
            Ok(counted) => drop(counted),
            Err(error) => assert!(error.is_cancelled()),
        }
        thread.join().unwrap();
        aborts.join().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    });
}

/// The result of a function on another thread comes, however that meets the poll.
#[test]
fn a_function_on_a_thread_gives_its_result() {
    check(|| {
        let runtime = Runtime::new(1);
        let (run, thread) = on_thread(|| 7);
        assert_eq!(block_on(runtime.spawn(run)).unwrap(), 7);
        thread.join().unwrap();
    });
}

/// A task wakes another into the slot of its worker, and blocks that until the other has run: which needs the other
/// worker, whether it sleeps or not.
#[test]
fn what_a_blocked_worker_has_woken_is_run() {
    check(|| {
        let runtime = Runtime::new(2);
        let one = Arc::<Told>::default();
        let has_run = Arc::new((Mutex::new(false), Condvar::new()));
        let woken = runtime.spawn({
            let (one, has_run) = (one.clone(), has_run.clone());
            async move {
                told(one).await;
                *has_run.0.lock().unwrap() = true;
                has_run.1.notify_one();
            }
        });
        let blocks = runtime.spawn(async move {
            yield_now().await;
            one.tell();
            let mut lock = has_run.0.lock().unwrap();
            while !*lock {
                lock = has_run.1.wait(lock).unwrap();
            }
        });
        block_on(blocks).unwrap();
        block_on(woken).unwrap();
    });
}

#[test]
fn a_handle_that_is_dropped_meets_the_end_of_its_task() {
    check(|| {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = Counted(drops.clone());
        let mut task = runtime.spawn(async move { counted });
        let _ = Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop()));
        drop(task);
        drop(runtime);
        assert_eq!(drops.load(SeqCst), 1);
    });
}

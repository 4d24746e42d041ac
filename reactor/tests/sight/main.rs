//! What a runtime shows of its tasks and of itself.

#![cfg(not(loom))] // Threads and time are no model's matter.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use cps_core::cps;
use reactor::sight::{Dump, RuntimeMetrics, TaskDump, TaskState, WorkerMetrics};
use reactor::task::Builder as TaskBuilder;
use reactor::{
    Builder, Handle, JoinHandle, LocalRuntime, Runtime, block_on, spawn, spawn_local, yield_now,
};

#[cfg(feature = "tracing")]
mod traced;

fn runtime(workers: usize) -> Runtime {
    Builder::new().worker_threads(workers).build().unwrap()
}

/// Waits until it is told, below two functions.
#[cps]
async fn outer(told: Told) -> u32 {
    middle(told).await + 1
}

#[cps]
async fn middle(told: Told) -> u32 {
    told.await;
    1
}

/// A flag with the waker of who waits for it, and a count of polls.
#[derive(Clone, Default)]
struct Told(Arc<Flag>);

#[derive(Default)]
struct Flag {
    is_set: AtomicBool,
    polls: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Told {
    fn polls(&self) -> usize {
        self.0.polls.load(SeqCst)
    }

    fn wait_for_poll(&self) {
        while self.polls() == 0 {
            thread::yield_now();
        }
    }

    fn tell(&self) {
        self.0.is_set.store(true, SeqCst);
        if let Some(waker) = self.0.waker.lock().unwrap().take() {
            waker.wake();
        }
    }
}

impl Future for Told {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        *self.0.waker.lock().unwrap() = Some(cx.waker().clone());
        self.0.polls.fetch_add(1, SeqCst);
        if self.0.is_set.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn functions(task: &TaskDump) -> Vec<&str> {
    let frames = task.backtrace().map_or(&[][..], |backtrace| backtrace.frames());
    frames.iter().map(|frame| frame.function().rsplit("::").next().unwrap()).collect()
}

fn of<'a, T>(dump: &'a Dump, task: &JoinHandle<T>) -> &'a TaskDump {
    dump.tasks().iter().find(|dumped| dumped.id() == task.id()).expect("it is in the dump")
}

/// Until the executor has looked up in time: the machine may be slow.
fn complete(handle: &Handle) -> Dump {
    loop {
        let dump = handle.dump();
        if dump.is_complete() {
            return dump;
        }
    }
}

#[test]
fn a_dump_on_the_runtimes_own_thread_shows_each_task_as_it_is() {
    let runtime = LocalRuntime::new().unwrap();
    assert_eq!(runtime.dump().tasks().len(), 0);
    let [told, told_later] = [(); 2].map(|()| Told::default());
    let waits = runtime.spawn_local(outer(told.clone()));
    let dump = Rc::new(RefCell::new(None));
    runtime.block_on(yield_now());
    let queued = runtime.spawn_local(outer(told_later.clone()));
    let slot = dump.clone();
    let dumps = runtime.spawn_local(async move {
        *slot.borrow_mut() = Some(Handle::current().dump());
    });
    // Outside of `block_on`, too.
    let outside = runtime.dump();
    assert_eq!(of(&outside, &waits).state(), TaskState::Waiting);
    assert_eq!(of(&outside, &queued).state(), TaskState::Queued);
    assert_eq!(functions(of(&outside, &waits)), ["middle", "outer"]);
    assert_eq!(outside.tasks().len(), 3, "without that of `block_on`");
    runtime.block_on(async {
        dumps.await.unwrap();
        let dump = dump.take().unwrap();
        assert!(dump.is_complete());
        let states: Vec<_> = dump.tasks().iter().map(TaskDump::state).collect();
        assert_eq!(states, [TaskState::Waiting, TaskState::Waiting, TaskState::Running]);
        assert_eq!((told.polls(), told_later.polls()), (1, 1), "a look polls nothing");
        // What was polled last does not run any more.
        let dump = Handle::current().dump();
        assert_eq!(of(&dump, &queued).state(), TaskState::Waiting);
        told.tell();
        told_later.tell();
        assert_eq!(waits.await.unwrap(), 2);
        assert_eq!(queued.await.unwrap(), 2);
        assert_eq!(Handle::current().dump().tasks().len(), 0);
    });
}

#[test]
fn a_dump_is_displayed_as_a_tree() {
    let runtime = LocalRuntime::new().unwrap();
    let entered = runtime.enter();
    let (line, told) = (line!() + 1, Told::default());
    let task = TaskBuilder::new().name("the named one").spawn_local(outer(told));
    drop(entered);
    runtime.block_on(yield_now());
    assert_eq!(format!("{task:?}").matches("the named one").count(), 1);
    let (id, text) = (task.id(), runtime.dump().to_string());
    let start = format!(
        "task {id} \"the named one\", spawned at {}:{line}:57, waits\n     0: sight::middle\n",
        file!()
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("\n     1: sight::outer\n"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("     ")), "{text}");
}

#[test]
fn names_are_given_by_every_way_to_spawn() {
    let named = |name: &str| TaskBuilder::new().name(name);
    let multi = runtime(1);
    let names = |dump: Dump| {
        let names: Vec<_> =
            dump.tasks().iter().map(|task| task.name().unwrap().to_owned()).collect();
        names
    };
    block_on(async {
        let (send, receive) = mpsc::channel::<()>();
        let _tasks = (
            named("spawn").spawn(pending::<()>()),
            named("local").spawn_local(pending::<()>()),
            named("on").spawn_on(pending::<()>(), &Handle::current()),
            named("blocking").spawn_blocking(move || receive.recv()),
            named("far").spawn_on(pending::<()>(), &multi.handle()),
        );
        assert_eq!(names(Handle::current().dump()), ["spawn", "local", "on", "blocking"]);
        drop(send);
    });
    assert_eq!(names(multi.dump()), ["far"]);
    let ended = multi.block_on(async { named("short").spawn(async { 1 }).await.unwrap() });
    assert_eq!(ended, 1);
}

#[test]
fn another_thread_dumps_a_current_thread_runtime_that_rests_or_is_busy() {
    for is_busy in [false, true] {
        let (send, receive) = mpsc::channel();
        let told = Told::default();
        let of_thread = told.clone();
        let thread = thread::spawn(move || {
            block_on(async {
                let waits = spawn_local(outer(of_thread.clone()));
                let busy = spawn_local(yields(Arc::new(AtomicBool::new(!is_busy))));
                send.send((Handle::current(), waits.id())).unwrap();
                assert_eq!(waits.await.unwrap(), 2);
                busy.abort();
            });
        });
        let (handle, id) = receive.recv().unwrap();
        told.wait_for_poll();
        for _ in 0..3 {
            let dump = complete(&handle);
            let waits = dump.tasks().iter().find(|task| task.id() == id).unwrap();
            assert_eq!((waits.state(), functions(waits).len()), (TaskState::Waiting, 2));
        }
        assert_eq!(told.polls(), 1);
        told.tell();
        thread.join().unwrap();
        let gone = handle.dump();
        assert_eq!((gone.tasks().len(), gone.is_complete()), (0, true));
    }
}

#[test]
fn a_current_thread_runtime_that_nobody_runs_gives_an_incomplete_dump() {
    let runtime = LocalRuntime::new().unwrap();
    let _task = runtime.spawn_local(pending::<()>());
    let handle = runtime.handle();
    let dump = thread::spawn(move || handle.dump()).join().unwrap();
    assert!(!dump.is_complete() && dump.to_string().contains("did not look up"));
}

#[test]
fn tasks_of_workers_that_rest_wait_and_are_not_polled() {
    let runtime = runtime(2);
    let told = [(); 10].map(|()| Told::default());
    let tasks = told.clone().map(|told| runtime.spawn(outer(told)));
    told.iter().for_each(Told::wait_for_poll);
    let dump = loop {
        let dump = complete(&runtime.handle());
        if dump.tasks().iter().all(|task| task.state() == TaskState::Waiting) {
            break dump;
        }
    };
    assert!(dump.tasks().iter().all(|task| functions(task) == ["middle", "outer"]), "{dump}");
    let polls = || told.iter().map(Told::polls).sum::<usize>();
    let before = polls();
    for _ in 0..100 {
        assert_eq!(runtime.dump().tasks().len(), 10);
    }
    assert_eq!(polls(), before);
    told.iter().for_each(Told::tell);
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap(), 2);
    }
    assert_eq!(runtime.dump().tasks().len(), 0);
}

#[cps]
async fn yields(until: Arc<AtomicBool>) {
    while !until.load(SeqCst) {
        yield_now().await;
    }
}

/// One worker is blocked in a poll; the other has more tasks than it can run at once.
#[test]
fn tasks_that_run_say_so_and_queued_ones_show_their_functions() {
    let runtime = runtime(2);
    let (go_on, is_told) = mpsc::channel::<()>();
    let is_running = Arc::new(AtomicBool::new(false));
    let blocked = runtime.spawn({
        let is_running = is_running.clone();
        async move {
            is_running.store(true, SeqCst);
            is_told.recv().unwrap();
        }
    });
    while !is_running.load(SeqCst) {
        thread::yield_now();
    }
    let end = Arc::new(AtomicBool::new(false));
    let busy = [(); 5].map(|()| runtime.spawn(yields(end.clone())));
    // New ones have not started, and so have no functions, at first.
    let dump = loop {
        let dump = complete(&runtime.handle());
        let of_busy = || busy.iter().map(|task| of(&dump, task));
        assert_eq!(of(&dump, &blocked).state(), TaskState::Running);
        if of_busy().filter(|task| functions(task) == ["yields"]).count() >= 4 {
            break dump;
        }
    };
    assert!(busy.iter().any(|task| of(&dump, task).state() == TaskState::Queued), "{dump}");
    end.store(true, SeqCst);
    go_on.send(()).unwrap();
    runtime.block_on(async {
        blocked.await.unwrap();
        for task in busy {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_task_dumps_its_own_runtime_and_sees_itself_run() {
    let runtime = runtime(1);
    let told = Told::default();
    let waits = runtime.spawn(outer(told.clone()));
    told.wait_for_poll();
    runtime.block_on(async {
        let task = spawn(async {
            let queued = spawn(async {});
            (Handle::current().dump(), queued.id())
        });
        let id = task.id();
        let (dump, queued) = task.await.unwrap();
        let state = |id| dump.tasks().iter().find(|task| task.id() == id).unwrap().state();
        assert_eq!(state(id), TaskState::Running);
        assert_eq!(state(waits.id()), TaskState::Waiting);
        assert_eq!(state(queued), TaskState::Queued);
        assert!(!dump.is_complete(), "nobody runs what is queued here");
    });
    told.tell();
    assert_eq!(runtime.block_on(waits).unwrap(), 2);
}

/// Threads dump, spawn, wake and abort at once; then the runtime goes, while they dump.
#[test]
fn dumps_meet_spawns_wakes_ends_and_the_end_of_the_runtime() {
    const ROUNDS: usize = if cfg!(miri) { 2 } else { 30 };
    for flavour in 0..2 {
        let ended = Arc::new(AtomicBool::new(false));
        let work = async |handle: &Handle| {
            for round in 0..ROUNDS {
                let told = Told::default();
                let task = handle.spawn(outer(told.clone()));
                let yielding = handle.spawn(yields(Arc::new(AtomicBool::new(true))));
                let aborted = handle.spawn(yields(Arc::new(AtomicBool::new(false))));
                if round % 2 == 0 {
                    while told.polls() == 0 {
                        yield_now().await;
                    }
                }
                told.tell();
                assert_eq!(task.await.unwrap(), 2);
                aborted.abort();
                assert!(aborted.await.unwrap_err().is_cancelled());
                yielding.await.unwrap();
            }
        };
        let dumping = |handle: Handle| {
            let ended = ended.clone();
            thread::spawn(move || {
                while !ended.load(SeqCst) {
                    let dump = handle.dump();
                    assert!(dump.tasks().len() <= 6, "{dump}");
                    assert!(dump.to_string().lines().count() >= dump.tasks().len());
                }
            })
        };
        let threads: Vec<_>;
        if flavour == 0 {
            let runtime = LocalRuntime::new().unwrap();
            threads = (0..2).map(|_| dumping(runtime.handle())).collect();
            runtime.block_on(work(&runtime.handle()));
            drop(runtime.spawn_local(pending::<()>()));
        } else {
            let runtime = runtime(2);
            threads = (0..2).map(|_| dumping(runtime.handle())).collect();
            runtime.block_on(work(&runtime.handle()));
            (0..3).for_each(|_| drop(runtime.spawn(pending::<()>())));
        }
        thread::yield_now();
        ended.store(true, SeqCst);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// A future whose drop dumps: its task is about to end.
#[test]
fn what_is_dropped_with_its_task_may_dump() {
    struct Dumps(mpsc::Sender<Dump>);
    impl Drop for Dumps {
        fn drop(&mut self) {
            self.0.send(Handle::current().dump()).unwrap();
        }
    }
    let (send, receive) = mpsc::channel();
    let future = |send: &mpsc::Sender<Dump>| {
        let dumps = Dumps(send.clone());
        async move {
            let _dumps = dumps;
            poll_fn(|_| Poll::<()>::Pending).await;
        }
    };
    block_on(async {
        for is_aborted in [true, false] {
            let task = spawn_local(future(&send));
            yield_now().await;
            if is_aborted {
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            }
        }
    });
    let multi = runtime(1);
    multi.block_on(async {
        let task = spawn(future(&send));
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    drop(send);
    assert_eq!(receive.iter().count(), 3);
}

#[test]
fn a_current_thread_runtime_counts() {
    let runtime = LocalRuntime::new().unwrap();
    let told = Told::default();
    runtime.block_on(async {
        let waits = spawn_local(outer(told.clone()));
        (0..10).for_each(|_| drop(spawn_local(async {})));
        while told.polls() == 0 {
            yield_now().await;
        }
        let handle = Handle::current();
        let far = thread::spawn({
            let handle = handle.clone();
            move || handle.spawn(pending::<()>())
        });
        far.join().unwrap().abort();
        let mut timer = Box::pin(reactor::sleep(std::time::Duration::from_secs(3600)));
        assert!(futures::poll!(&mut timer).is_pending());
        let socket = reactor::net::UdpSocket::bind(([127, 0, 0, 1], 0)).unwrap();
        let metrics = handle.metrics();
        assert_eq!((metrics.timers, metrics.sources), (1, 1));
        assert!(metrics.live_tasks >= 1 && metrics.spawned_tasks >= 11);
        drop((timer, socket));
        thread::spawn({
            let told = told.clone();
            move || told.tell()
        });
        waits.await.unwrap();
    });
    let metrics = runtime.metrics();
    assert_eq!((metrics.timers, metrics.sources, metrics.live_tasks), (0, 0, 0));
    assert_eq!(metrics.spawned_tasks, 12);
    assert_eq!(metrics.workers.len(), 1);
    // Each task, the aborted one without a poll; the one that waited twice; and this one.
    assert!(metrics.polls() >= 13, "{metrics:?}");
    #[cfg(feature = "metrics")]
    assert!(metrics.wake_to_poll().count() >= 12 && metrics.wake_to_poll().quantile(1.0).is_some());
}

#[test]
fn workers_count() {
    const TASKS: u64 = 100;
    let runtime = runtime(2);
    let told = Told::default();
    let waits = runtime.spawn(outer(told.clone()));
    told.wait_for_poll();
    runtime.block_on(async {
        for _ in 0..TASKS {
            // The inner one runs from the slot, or is stolen.
            spawn(async { spawn(yield_now()).await.unwrap() }).await.unwrap();
        }
    });
    let sum = |metrics: &RuntimeMetrics, of: fn(&WorkerMetrics) -> u64| {
        metrics.workers.iter().map(of).sum::<u64>()
    };
    // The counts of a poll come after its results; then workers go to sleep.
    let polls = 4 * TASKS;
    let metrics = loop {
        let metrics = runtime.metrics();
        let has_parked = sum(&metrics, |worker| worker.parks) > 0;
        if metrics.live_tasks == 1 && metrics.polls() >= polls && has_parked {
            break metrics;
        }
        thread::yield_now();
    };
    assert_eq!(metrics.spawned_tasks, 1 + 2 * TASKS);
    assert_eq!(metrics.workers.len(), 2);
    assert!(sum(&metrics, |worker| worker.slot_polls) > 0, "{metrics:?}");
    assert!(metrics.polls() <= 100 * polls, "{metrics:?}");
    #[cfg(feature = "metrics")]
    assert!(metrics.wake_to_poll().count() >= polls);
    told.tell();
    runtime.block_on(waits).unwrap();
    let handle = runtime.handle();
    drop(runtime);
    let ended = handle.metrics();
    assert!(ended.polls() >= polls && ended.live_tasks == 0, "{ended:?}");
    assert!(sum(&ended, |worker| worker.unparks) >= 2, "each was told to end: {ended:?}");
}

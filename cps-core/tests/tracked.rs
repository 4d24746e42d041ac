//! Tracked roots: what a dump shows of them, and that they are the futures that they were.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use cps_core::tracked::{Dump, RootDump, RootState, dump, track};
use cps_core::{cps, join};

const MANY: usize = if cfg!(miri) { 20 } else { 2_000 };

/// The roots of a name, which each test has for itself: the list is that of the process.
fn roots(name: &str) -> Vec<RootDump> {
    dump().roots().iter().filter(|root| root.name() == name).cloned().collect()
}

fn root(name: &str) -> RootDump {
    let mut roots = roots(name);
    assert_eq!(roots.len(), 1, "{roots:?}");
    roots.pop().unwrap()
}

fn functions(root: &RootDump) -> Vec<String> {
    let frames = root.backtrace().map_or(&[][..], |backtrace| backtrace.frames());
    frames.iter().map(|frame| frame.function().rsplit("::").next().unwrap().to_owned()).collect()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Suspends so many times.
async fn suspend(mut times: usize) {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cps]
async fn leaf(times: usize) -> usize {
    suspend(times).await;
    1
}

#[cps]
async fn middle(times: usize) -> usize {
    leaf(times).await + 1
}

#[cps]
async fn outer(times: usize) -> usize {
    middle(times).await + 1
}

#[test]
fn a_root_is_shown_from_its_name_to_its_end() {
    let line = line!() + 1;
    let mut future = pin!(outer(2).tracked("life"));
    let unstarted = root("life");
    assert_eq!((unstarted.state(), unstarted.backtrace()), (RootState::Unstarted, None));
    assert_eq!((unstarted.made_at().file(), unstarted.made_at().line()), (file!(), line));
    for _ in 0..2 {
        assert!(poll(future.as_mut()).is_pending());
        let waiting = root("life");
        assert_eq!(waiting.state(), RootState::Waiting);
        assert_eq!(functions(&waiting), ["leaf", "middle", "outer"]);
        assert_eq!(waiting.number(), unstarted.number());
    }
    assert_eq!(poll(future.as_mut()), Poll::Ready(3));
    assert!(roots("life").is_empty());
    let again = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut())));
    assert!(again.is_err(), "it is polled after its end as any coroutine is");
}

#[test]
fn a_dump_is_read_by_people() {
    let mut future = pin!(outer(1).tracked("text"));
    assert!(poll(future.as_mut()).is_pending());
    let text = root("text").to_string();
    let number = root("text").number();
    assert!(text.starts_with(&format!("root {number} \"text\", made at ")), "{text}");
    assert!(text.contains(", waits\n"), "{text}");
    // With the feature `backtrace` there is a place below the leaf, too.
    let lines = text.lines().skip(1).map(str::trim);
    let (places, names): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("at "));
    assert_eq!(names, ["0: tracked::leaf", "1: tracked::middle", "2: tracked::outer"], "{text}");
    assert_eq!(places.len(), if cfg!(feature = "backtrace") { 3 } else { 2 }, "{text}");
    assert!(places.iter().all(|place| place.contains("tracked.rs:")), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("  ")), "{text}");
    assert!(dump().to_string().contains(&text));
}

#[test]
fn one_that_asks_is_running() {
    #[cps]
    async fn ask() -> Dump {
        dump()
    }
    let dump = futures::executor::block_on(ask().tracked("asks"));
    let root = dump.roots().iter().find(|root| root.name() == "asks").unwrap();
    assert_eq!((root.state(), root.backtrace()), (RootState::Running, None));
    assert!(root.to_string().ends_with(": <running>\n"));
}

/// A dump does not wait for a poll that does not return.
#[test]
fn one_that_is_polled_elsewhere_is_running() {
    let (says, is_there) = mpsc::channel();
    let (go_on, is_told) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        #[cps]
        async fn blocks(says: mpsc::Sender<()>, is_told: mpsc::Receiver<()>) {
            says.send(()).unwrap();
            is_told.recv().unwrap();
        }
        futures::executor::block_on(blocks(says, is_told).tracked("elsewhere"));
    });
    is_there.recv().unwrap();
    assert_eq!(root("elsewhere").state(), RootState::Running);
    go_on.send(()).unwrap();
    thread.join().unwrap();
    assert!(roots("elsewhere").is_empty());
}

#[test]
fn one_that_is_dropped_is_gone_before_its_frames() {
    struct Asks(Rc<Cell<usize>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            assert!(roots("dropped").is_empty());
            self.0.set(self.0.get() + 1);
        }
    }
    #[cps]
    async fn waits(asks: Asks) {
        leaf(1).await;
        drop(asks);
    }
    let drops = Rc::new(Cell::new(0));
    drop(waits(Asks(drops.clone())).tracked("dropped"));
    assert_eq!(drops.get(), 1);
    let mut future = Box::pin(waits(Asks(drops.clone())).tracked("dropped"));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(functions(&root("dropped")), ["leaf", "waits"]);
    drop(future);
    assert_eq!(drops.get(), 2);
}

#[test]
fn one_that_panics_is_gone() {
    #[cps]
    async fn panics() {
        leaf(1).await;
        panic!("loud");
    }
    let mut future = pin!(panics().tracked("panics"));
    assert!(poll(future.as_mut()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).is_err());
    assert!(roots("panics").is_empty());
    let mut future = pin!(track("panics", async { panic!("loud") }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll::<_>(future.as_mut()))).is_err());
    assert!(roots("panics").is_empty());
}

#[test]
fn one_that_is_leaked_is_shown_for_ever() {
    let mut future = Box::pin(outer(1).tracked("leaked"));
    assert!(poll(future.as_mut()).is_pending());
    std::mem::forget(future);
    std::mem::forget(outer(1).tracked("leaked unstarted"));
    for _ in 0..2 {
        assert_eq!(functions(&root("leaked")), ["leaf", "middle", "outer"]);
        assert_eq!(root("leaked unstarted").state(), RootState::Unstarted);
    }
}

#[test]
fn one_that_was_moved_before_its_first_poll_is_found() {
    let futures: Vec<_> = (0..3).map(|n| outer(n).tracked("moved")).collect();
    assert_eq!(roots("moved").len(), 3);
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let ready = futures.iter_mut().filter_map(|f| match poll(f.as_mut()) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    });
    assert_eq!(ready.collect::<Vec<_>>(), [3]);
    assert!(roots("moved").iter().all(|root| functions(root) == ["leaf", "middle", "outer"]));
    assert_eq!(roots("moved").len(), 2);
}

#[test]
fn branches_are_shown() {
    #[cps]
    async fn both() -> (usize, usize) {
        join((leaf(1), middle(1))).await
    }
    let mut future = pin!(both().tracked("both"));
    assert!(poll(future.as_mut()).is_pending());
    let root = root("both");
    let branches = root.backtrace().unwrap().branches();
    let lengths: Vec<_> = branches.iter().map(|branch| branch.backtrace().frames().len()).collect();
    assert_eq!(lengths, [1, 2]);
    assert_eq!(futures::executor::block_on(future), (1, 2));
}

#[test]
fn other_futures_are_shown_too() {
    let mut boxed = pin!(track("other", outer(1).boxed()));
    let mut root_ = pin!(track("other", outer(1).into_root()));
    let mut plain = pin!(track("other", async { outer(1).await }));
    assert!(poll(boxed.as_mut()).is_pending());
    assert!(poll(root_.as_mut()).is_pending());
    assert!(poll(plain.as_mut()).is_pending());
    let mut seen: Vec<_> = roots("other").iter().map(functions).collect();
    seen.sort();
    let all = ["leaf", "middle", "outer"].map(String::from).to_vec();
    assert_eq!(seen, [vec![], all.clone(), all]);
    assert!(roots("other").iter().all(|root| root.state() == RootState::Waiting));
    let values = (poll(boxed), poll(root_), poll(plain));
    assert_eq!(values, (Poll::Ready(3), Poll::Ready(3), Poll::Ready(3)));
}

#[test]
fn one_that_a_coroutine_awaits_is_a_root() {
    #[cps]
    async fn awaits() -> usize {
        outer(1).tracked("inner").await + 1
    }
    let mut future = pin!(awaits().tracked("outside"));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(functions(&root("outside")), ["awaits"]);
    assert_eq!(functions(&root("inner")), ["leaf", "middle", "outer"]);
    assert_eq!(poll(future), Poll::Ready(4));
}

#[test]
fn one_that_can_be_sent_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    let future = outer(1).tracked("sent");
    is_send(&future);
    let value = thread::spawn(|| futures::executor::block_on(future)).join().unwrap();
    assert_eq!(value, 3);
}

/// Roots are made, polled, and dropped on threads while another one looks.
#[test]
fn dumps_meet_polls_and_drops() {
    let is_over = Arc::new(AtomicBool::new(false));
    let start = Arc::new(Barrier::new(3));
    let threads: Vec<_> = (0..2)
        .map(|number| {
            let start = start.clone();
            thread::spawn(move || {
                start.wait();
                for n in 0..MANY {
                    let mut future = Box::pin(outer(3).tracked("meets"));
                    for _ in 0..(n + number) % 5 {
                        if poll(future.as_mut()).is_ready() {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    let looks = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (is_over, looks, start) = (&is_over, &looks, &start);
        scope.spawn(move || {
            start.wait();
            while !is_over.load(SeqCst) {
                for root in roots("meets") {
                    match root.state() {
                        RootState::Waiting => {
                            assert_eq!(functions(&root), ["leaf", "middle", "outer"]);
                        }
                        _ => assert_eq!(root.backtrace(), None),
                    }
                }
                looks.fetch_add(1, SeqCst);
            }
        });
        for thread in threads {
            thread.join().unwrap();
        }
        while looks.load(SeqCst) == 0 {
            thread::yield_now();
        }
        is_over.store(true, SeqCst);
    });
    assert!(roots("meets").is_empty());
}

/// On tokio's threads, of which none is kept.
#[cfg(not(miri))]
#[test]
fn roots_in_tokio_are_shown() {
    #[cps]
    async fn waits(mut told: tokio::sync::watch::Receiver<bool>, says: mpsc::Sender<()>) {
        says.send(()).unwrap();
        told.wait_for(|told| *told).await.unwrap();
    }
    #[cps]
    async fn serves(told: tokio::sync::watch::Receiver<bool>, says: mpsc::Sender<()>) {
        waits(told, says).await;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (tell, told) = tokio::sync::watch::channel(false);
    let (says, is_there) = mpsc::channel();
    let tasks: Vec<_> = (0..100)
        .map(|_| runtime.spawn(serves(told.clone(), says.clone()).tracked("tokio")))
        .collect();
    (0..100).for_each(|_| is_there.recv().unwrap());
    // The last ones may be in the polls that have said so.
    while roots("tokio").iter().any(|root| root.state() == RootState::Running) {
        thread::yield_now();
    }
    let seen = roots("tokio");
    assert_eq!(seen.len(), 100);
    for root in &seen {
        assert_eq!(functions(root), ["waits", "serves"]);
    }
    tell.send(true).unwrap();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(roots("tokio").is_empty());
    // A runtime that is dropped drops its roots.
    runtime.spawn(track("tokio", std::future::pending::<()>()));
    assert_eq!(roots("tokio").len(), 1);
    drop(runtime);
    assert!(roots("tokio").is_empty());
}

//! The executor, counted: polls and wakes after every step.

#![cfg(not(loom))] // Sockets and time are no model's matter.

mod common;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::{counting, panics};
use reactor::{LocalRuntime, block_on, sleep, spawn_local, yield_now};

#[test]
fn block_on_gives_the_value_and_borrows() {
    let text = String::from("borrowed");
    assert_eq!(block_on(async { text.len() }), 8);
}

#[test]
fn tasks_start_after_spawn_in_order() {
    block_on(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let handles: Vec<_> = (0..5)
            .map(|n| {
                let log = log.clone();
                spawn_local(async move { log.borrow_mut().push(n) })
            })
            .collect();
        assert!(log.borrow().is_empty());
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(*log.borrow(), [0, 1, 2, 3, 4]);
    });
}

/// Of tests in which threads meet.
const ROUNDS: u32 = if cfg!(miri) { 5 } else { 200 };

/// Long enough for the executor to look at what comes from other threads.
async fn some_turns() {
    for _ in 0..500 {
        yield_now().await;
    }
}

#[test]
fn a_task_woken_many_times_before_it_runs_is_polled_once() {
    block_on(async {
        let (polls, waker) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
        let task = spawn_local(counting(&polls, &waker));
        yield_now().await;
        assert_eq!(polls.get(), 1);
        let waker = waker.borrow().clone().unwrap();
        for _ in 0..7 {
            waker.wake_by_ref();
        }
        let by_value = waker.clone();
        by_value.wake();
        yield_now().await;
        yield_now().await;
        assert_eq!(polls.get(), 2);

        // From other threads, too.
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let waker = waker.clone();
                thread::spawn(move || waker.wake_by_ref())
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        some_turns().await;
        assert_eq!(polls.get(), 3);
        drop(task);
    });
}

#[test]
fn a_wake_during_the_poll_polls_once_more() {
    block_on(async {
        let polls = Rc::new(Cell::new(0));
        let counter = polls.clone();
        drop(spawn_local(poll_fn(move |cx| {
            counter.set(counter.get() + 1);
            if counter.get() == 1 {
                cx.waker().wake_by_ref();
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })));
        for _ in 0..5 {
            yield_now().await;
        }
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn the_waker_of_a_task_is_the_same_in_every_poll() {
    async fn compare() {
        let first = RefCell::new(None::<Waker>);
        poll_fn(|cx| {
            let mut first = first.borrow_mut();
            match &*first {
                None => {
                    *first = Some(cx.waker().clone());
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(waker) => {
                    assert!(waker.will_wake(cx.waker()));
                    Poll::Ready(())
                }
            }
        })
        .await;
    }
    block_on(async {
        compare().await;
        spawn_local(compare()).await.unwrap();
    });
}

#[test]
fn threads_wake_a_parked_executor() {
    for _ in 0..ROUNDS {
        let (send, receive) = mpsc::channel::<Waker>();
        let flag = Arc::new(Mutex::new(false));
        let waker_thread = thread::spawn({
            let flag = flag.clone();
            move || {
                let waker = receive.recv().unwrap();
                *flag.lock().unwrap() = true;
                waker.wake();
            }
        });
        block_on(poll_fn(|cx| {
            if *flag.lock().unwrap() {
                return Poll::Ready(());
            }
            let _ = send.send(cx.waker().clone());
            Poll::Pending
        }));
        waker_thread.join().unwrap();
    }
}

#[test]
fn many_threads_wake_many_tasks() {
    const TASKS: usize = 50;
    const ROUNDS: u32 = 100;
    block_on(async {
        let (send, receive) = mpsc::channel::<(Waker, Arc<Mutex<u32>>)>();
        let receive = Arc::new(Mutex::new(receive));
        let wakers: Vec<_> = (0..4)
            .map(|_| {
                let receive = receive.clone();
                thread::spawn(move || {
                    loop {
                        let Ok((waker, count)) = receive.lock().unwrap().recv() else { return };
                        *count.lock().unwrap() += 1;
                        waker.wake();
                    }
                })
            })
            .collect();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let send = send.clone();
                let count = Arc::new(Mutex::new(0));
                let mut asked = 0;
                spawn_local(poll_fn(move |cx| {
                    let seen = *count.lock().unwrap();
                    if seen == ROUNDS {
                        return Poll::Ready(());
                    }
                    if seen == asked {
                        asked += 1;
                        send.send((cx.waker().clone(), count.clone())).unwrap();
                    }
                    Poll::Pending
                }))
            })
            .collect();
        drop(send);
        for task in tasks {
            task.await.unwrap();
        }
        wakers.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_runtime_survives_the_panic_of_block_on() {
    let runtime = LocalRuntime::new().unwrap();
    let task = runtime.spawn_local(async { 3 });
    assert_eq!(panics(|| runtime.block_on(async { panic!("root down") })), "root down");
    assert_eq!(runtime.block_on(task).unwrap(), 3);
}

#[test]
fn a_waker_outlives_its_runtime() {
    let (polls, waker) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
    let root_waker = Rc::new(RefCell::new(None));
    let runtime = LocalRuntime::new().unwrap();
    drop(runtime.spawn_local(counting(&polls, &waker)));
    runtime.block_on(async {
        *root_waker.borrow_mut() = Some(poll_fn(|cx| Poll::Ready(cx.waker().clone())).await);
        yield_now().await;
    });
    let wakers = [waker.take().unwrap(), root_waker.take().unwrap()];
    wakers[1].wake_by_ref(); // The root is done, the runtime is not.
    drop(runtime);
    wakers.iter().for_each(Waker::wake_by_ref);
    thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
    assert_eq!(polls.get(), 1);
}

#[test]
fn threads_may_wake_while_the_runtime_is_dropped() {
    for _ in 0..ROUNDS {
        let waker = Rc::new(RefCell::new(None));
        let runtime = LocalRuntime::new().unwrap();
        drop(runtime.spawn_local(counting(&Rc::default(), &waker)));
        runtime.block_on(yield_now());
        let waker = waker.take().unwrap();
        let thread = thread::spawn(move || (0..20).for_each(|_| waker.wake_by_ref()));
        drop(runtime);
        thread.join().unwrap();
    }
}

#[test]
fn tasks_wait_between_two_block_ons() {
    let runtime = LocalRuntime::new().unwrap();
    let (polls, waker) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
    drop(runtime.spawn_local(counting(&polls, &waker)));
    runtime.block_on(yield_now());
    assert_eq!(polls.get(), 1);
    waker.borrow().as_ref().unwrap().wake_by_ref(); // Outside: by the remote queue.
    assert_eq!(polls.get(), 1);
    runtime.block_on(some_turns());
    assert_eq!(polls.get(), 2);
}

#[test]
fn ready_tasks_do_not_starve_timers() {
    block_on(async {
        let busy = spawn_local(async {
            loop {
                yield_now().await;
            }
        });
        sleep(Duration::from_millis(5)).await; // Otherwise it would never end.
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn ready_tasks_do_not_starve_wakes_from_threads() {
    block_on(async {
        let busy = spawn_local(async {
            loop {
                yield_now().await;
            }
        });
        let (polls, waker) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
        drop(spawn_local(counting(&polls, &waker)));
        yield_now().await;
        let waker = waker.take().unwrap();
        thread::spawn(move || waker.wake()).join().unwrap();
        // Two tasks are always ready, and the queue is looked at every 61 polls.
        for _ in 0..64 {
            yield_now().await;
        }
        assert_eq!(polls.get(), 2);
        busy.abort();
    });
}

#[test]
fn yielding_tasks_take_turns() {
    block_on(async {
        let log = Rc::new(RefCell::new(String::new()));
        let tasks = ["a", "b", "c"].map(|name| {
            let log = log.clone();
            spawn_local(async move {
                for _ in 0..3 {
                    log.borrow_mut().push_str(name);
                    yield_now().await;
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*log.borrow(), "abcabcabc");
    });
}

#[test]
fn nesting_block_on_panics_and_says_what_to_do() {
    let text = block_on(async { panics(|| block_on(async {})) });
    assert!(text.contains("`spawn` it, instead"), "{text}");
    block_on(async {}); // And leaves the thread usable.
}

#[test]
fn outside_a_runtime_the_panic_says_what_to_do() {
    let local = ([127, 0, 0, 1], 0);
    for (name, text) in [
        ("spawn_local", panics(|| drop(spawn_local(async {})))),
        ("sleep", panics(|| drop(sleep(Duration::ZERO)))),
        ("sleep_until", panics(|| drop(reactor::sleep_until(Instant::now())))),
        ("timeout", panics(|| drop(reactor::timeout(Duration::ZERO, async {})))),
        ("TcpListener::bind", panics(|| drop(reactor::net::TcpListener::bind(local)))),
        (
            "TcpStream::connect",
            panics(|| {
                drop(futures::executor::block_on(reactor::net::TcpStream::connect(local)));
            }),
        ),
    ] {
        assert_eq!(
            text,
            format!(
                "`{name}` needs a runtime: call it inside `reactor::block_on` or a task spawned there"
            )
        );
    }
}

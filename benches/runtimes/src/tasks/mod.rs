//! What runtimes do all day.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use futures::channel::oneshot;
use lab_work::clock::{Cost, Stopwatch};
use lab_work::tasks::{Bench, CHAINED, PAIRS, SPAWNED, Spec, YIELDING, YIELDS};

use crate::runtime::Runtime;

mod echo;
mod hyper;
mod timers;

/// Makes a runtime and runs so many iterations on it.
pub(crate) fn run<R: Runtime>(spec: Spec, iterations: u64) -> Result<Cost> {
    let whose = spec.flavour.whose();
    match spec.bench {
        Bench::SpawnMany => repeated::<R, _>(spec, iterations, spawn_many::<R>),
        Bench::SpawnJoin => repeated::<R, _>(spec, iterations, spawn_join::<R>),
        Bench::YieldMany => repeated::<R, _>(spec, iterations, yield_many::<R>),
        Bench::PingPong => repeated::<R, _>(spec, iterations, ping_pong::<R>),
        Bench::ChainedSpawn => repeated::<R, _>(spec, iterations, chained_spawn::<R>),
        Bench::Echo { connections } => echo::run::<R>(spec.flavour, connections, iterations),
        Bench::Hyper { connections } => hyper::run::<R>(spec.flavour, connections, iterations),
        Bench::TimersArm { timers } => as_a_task::<R>(timers::arm::<R>(timers, whose, iterations)),
        Bench::TimersRepoll { timers } => {
            as_a_task::<R>(timers::repoll::<R>(timers, whose, iterations))
        }
        Bench::TimersCancel { timers } => {
            as_a_task::<R>(timers::cancel::<R>(timers, whose, iterations))
        }
        Bench::TimersFire { timers } => {
            R::block_on(Box::pin(timers::fire::<R>(timers, whose, iterations)))
        }
    }
}

/// Once, so that memory and threads are there, and then under the clock.
fn repeated<R: Runtime, F>(spec: Spec, iterations: u64, once: fn() -> F) -> Result<Cost>
where
    F: Future<Output = ()> + Send + 'static,
{
    R::block_on(Box::pin(async move {
        once().await;
        let watch = Stopwatch::start(spec.flavour.whose());
        for _ in 0..iterations {
            once().await;
        }
        Ok(watch.stop())
    }))
}

/// What is about the turns of a task. A runtime may look at the system in each turn of the outermost future.
fn as_a_task<R: Runtime>(work: impl Future<Output = Cost> + Send + 'static) -> Result<Cost> {
    R::block_on(Box::pin(async move { Ok(R::spawn(work).await) }))
}

/// Sends a message when so many have been counted.
pub(super) struct Countdown {
    left: AtomicUsize,
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Countdown {
    pub(super) fn new(from: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (end, ended) = oneshot::channel();
        (Arc::new(Self { left: AtomicUsize::new(from), end: Mutex::new(Some(end)) }), ended)
    }

    pub(super) fn count(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let end = self.end.lock().expect("nobody panics here").take();
            end.expect("the end is reached once").send(()).expect("somebody waits");
        }
    }

    pub(super) fn left(&self) -> usize {
        self.left.load(Ordering::Acquire)
    }
}

async fn spawn_many<R: Runtime>() {
    let (countdown, ended) = Countdown::new(SPAWNED);
    for _ in 0..SPAWNED {
        let countdown = countdown.clone();
        R::detach(async move { countdown.count() });
    }
    ended.await.expect("the last task sends");
}

async fn spawn_join<R: Runtime>() {
    let mut tasks = Vec::with_capacity(SPAWNED);
    for _ in 0..SPAWNED {
        tasks.push(R::spawn(async {}));
    }
    for task in tasks {
        task.await;
    }
}

async fn yield_many<R: Runtime>() {
    let (countdown, ended) = Countdown::new(YIELDING);
    for _ in 0..YIELDING {
        let countdown = countdown.clone();
        R::detach(async move {
            for _ in 0..YIELDS {
                R::yield_now().await;
            }
            countdown.count();
        });
    }
    ended.await.expect("the last task sends");
}

async fn ping_pong<R: Runtime>() {
    let (countdown, ended) = Countdown::new(PAIRS);
    R::detach(async move {
        for _ in 0..PAIRS {
            let countdown = countdown.clone();
            R::detach(async move {
                let (ping, pinged) = oneshot::channel();
                let (pong, ponged) = oneshot::channel();
                R::detach(async move {
                    pinged.await.expect("a ping");
                    pong.send(()).expect("somebody waits");
                });
                ping.send(()).expect("somebody waits");
                ponged.await.expect("a pong");
                countdown.count();
            });
        }
    });
    ended.await.expect("the last task sends");
}

async fn chained_spawn<R: Runtime>() {
    fn link<R: Runtime>(left: usize, countdown: Arc<Countdown>) {
        if left == 0 {
            countdown.count();
        } else {
            R::detach(async move { link::<R>(left - 1, countdown) });
        }
    }
    let (countdown, ended) = Countdown::new(1);
    link::<R>(CHAINED, countdown);
    ended.await.expect("the last task sends");
}

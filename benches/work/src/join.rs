//! Branches of one task: the cost of waking some of many.
//!
//! Each branch listens at a station of a [`Board`], and counts how often it is called. The task's executor is
//! a flag: a waker sets it, the loop polls the task when it is set. A real executor adds its own cost
//! per wake-up to all ways alike.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::clock::ThreadTime;

/// The work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Of `branches` suspended branches one is woken and resumed, each time another. **An iteration is
    /// one wake-up.**
    WakeOne,
    /// `branches` branches are made, start, suspend, are all woken, and finish. **An iteration is
    /// all of it.**
    All,
    /// Two branches that are ready at once are made and joined. **An iteration is one join.**
    Ready2,
    /// The same branches joined by `futures::join!`, where that is another way.
    Ready2Futures,
    /// One leaf at depth 8 is woken and resumed, below a join of `branches` such chains; with one branch, without
    /// any join. **An iteration is one wake-up.**
    Below,
}

impl Case {
    /// All, in the order of the tables.
    pub const ALL: [Case; 5] =
        [Case::WakeOne, Case::All, Case::Ready2, Case::Ready2Futures, Case::Below];

    /// Whether it is defined for so many branches.
    #[must_use]
    pub fn allows(self, branches: usize) -> bool {
        match self {
            Case::WakeOne | Case::All => true,
            Case::Ready2 | Case::Ready2Futures => branches == 2,
            Case::Below => branches == 1 || branches == 8,
        }
    }

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Case::WakeOne => "wake-one",
            Case::All => "all",
            Case::Ready2 => "ready2",
            Case::Ready2Futures => "ready2-futures",
            Case::Below => "below",
        }
    }
}

/// Where branches listen and are called.
#[derive(Debug)]
pub struct Board {
    stations: Vec<Station>,
    closed: Cell<bool>,
}

#[derive(Debug, Default)]
struct Station {
    called: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Board {
    /// A board with so many stations.
    #[must_use]
    pub fn new(stations: usize) -> Self {
        let stations = (0..stations).map(|_| Station::default()).collect();
        Self { stations, closed: Cell::new(false) }
    }

    /// Calls a station, which wakes its listener.
    pub fn call(&self, index: usize) {
        let station = &self.stations[index];
        station.called.set(true);
        if let Some(waker) = &*station.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Calls all stations for the last time.
    pub fn close(&self) {
        self.closed.set(true);
        (0..self.stations.len()).for_each(|index| self.call(index));
    }

    /// Suspends until the station is called. Keeps the waker as long as it is the same task's.
    #[inline]
    pub fn called(&self, index: usize) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            let station = &self.stations[index];
            if station.called.replace(false) {
                return Poll::Ready(());
            }
            let mut waker = station.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Pending
        })
    }

    /// Whether a call was not heard yet.
    #[inline]
    #[must_use]
    pub fn is_calling(&self, index: usize) -> bool {
        self.stations[index].called.get()
    }

    /// Whether anybody has listened at the station.
    #[inline]
    #[must_use]
    pub fn is_listening(&self, index: usize) -> bool {
        self.stations[index].waker.borrow().is_some()
    }

    /// Whether the last call was made.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }
}

/// The executor's side of a task.
struct Flag(AtomicBool);

impl Flag {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Acquire)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.swap(true, Ordering::Release);
    }
}

/// Steps through the stations in an order that no prefetcher follows, the same for all ways.
#[must_use]
pub fn step(index: usize, stations: usize) -> usize {
    // Coprime to the powers of two and ten that occur.
    (index + 618_033_989) % stations
}

/// A sample of [`Case::WakeOne`] and [`Case::Below`]: `root` evaluates to the sum of the calls its branches have
/// heard.
///
/// # Errors
/// If a wake-up is lost, or the branches have not heard every call.
pub fn wake_ups(
    board: &Board,
    stations: usize,
    mut root: Pin<&mut dyn Future<Output = u64>>,
    n: u64,
) -> Result<Duration> {
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let cx = &mut Context::from_waker(&waker);
    ensure!(root.as_mut().poll(cx).is_pending(), "the branches did not suspend");
    let mut index = 0;
    let start = ThreadTime::now();
    for _ in 0..n {
        index = step(index, stations);
        board.call(index);
        while flag.take() {
            ensure!(root.as_mut().poll(cx).is_pending(), "the branches ended early");
        }
    }
    let elapsed = start.elapsed();
    board.close();
    let heard = finish(root, &flag, cx)?;
    ensure!(heard == n, "{n} calls, {heard} heard");
    Ok(elapsed)
}

/// Polls a root to its end.
pub type Drive<'a> = &'a mut dyn FnMut(Pin<&mut dyn Future<Output = u64>>) -> Result<u64>;

/// A sample of [`Case::All`]: `run` makes the branches and hands them to be driven.
///
/// # Errors
/// If a wake-up is lost, or a branch has heard a call.
pub fn lives(
    branches: usize,
    n: u64,
    mut run: impl FnMut(&Board, Drive<'_>) -> Result<u64>,
) -> Result<Duration> {
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let mut elapsed = Duration::ZERO;
    for _ in 0..n {
        let board = Board::new(branches);
        let start = ThreadTime::now();
        let heard = run(&board, &mut |mut root| {
            let cx = &mut Context::from_waker(&waker);
            ensure!(root.as_mut().poll(cx).is_pending(), "the branches did not suspend");
            board.close();
            finish(root, &flag, cx)
        });
        elapsed += start.elapsed();
        ensure!(heard? == 0, "nobody was called");
    }
    Ok(elapsed)
}

fn finish(
    mut root: Pin<&mut dyn Future<Output = u64>>,
    flag: &Flag,
    cx: &mut Context<'_>,
) -> Result<u64> {
    loop {
        ensure!(flag.take(), "lost wake-up");
        if let Poll::Ready(heard) = root.as_mut().poll(cx) {
            return Ok(heard);
        }
    }
}

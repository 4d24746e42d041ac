//! Resident memory of many suspended tasks.
//!
//! The resident set of a process does not shrink when memory is freed, so each measurement needs a
//! process of its own; see [`crate::child`].

use std::future::{Future, IntoFuture};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, Result, ensure};

use super::meter::Counting;
use super::{Footprint, Program, Task};

/// The resident set of this process in bytes.
///
/// From `smaps_rollup`, which walks the page tables: what `status` and `statm` say lags behind by
/// up to some hundred kilobytes.
///
/// # Errors
/// If the system does not tell: only Linux does.
pub fn resident_set() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")
        .context("resident memory is only known on Linux")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).context("no Rss")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// A vector whose memory is resident already, so that it is not measured.
#[must_use]
pub fn resident_vector<T>(capacity: usize) -> Vec<T> {
    let mut vector = Vec::<T>::with_capacity(capacity);
    // SAFETY: so much was reserved; no value is read from it.
    unsafe { vector.as_mut_ptr().write_bytes(0x5A, capacity) };
    black_box(&mut vector);
    vector
}

/// The footprint of `count` tasks, by the growth of the resident set since `before`.
///
/// # Errors
/// If the resident set is not known, or has shrunk.
pub fn footprint(before: u64, count: u32, allocations: u64) -> Result<Footprint> {
    let after = resident_set()?;
    let grown = after.checked_sub(before).context("the resident set has shrunk")?;
    Ok(Footprint {
        bytes: (grown as f64 / f64::from(count)).round(),
        peak_bytes: None,
        allocations: allocations as f64 / f64::from(count),
    })
}

fn suspend(task: Pin<&mut dyn Future<Output = u64>>) -> Result<()> {
    let poll = task.poll(&mut Context::from_waker(Waker::noop()));
    ensure!(poll.is_pending(), "a task did not suspend");
    Ok(())
}

/// Resumes a task until it returns.
fn finish(mut task: Pin<&mut dyn Future<Output = u64>>) -> u64 {
    loop {
        if let Poll::Ready(v) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return v;
        }
    }
}

fn check(sum: u64, expected: u64) -> Result<()> {
    ensure!(sum == expected, "wrong result: expected {expected}, got {sum}");
    Ok(())
}

/// `count` tasks, each in an allocation of its own; the pointers to them are not counted.
pub fn boxed<F>(count: u32, make: impl Fn(u64) -> F + 'static, expected: u64) -> Program
where
    F: IntoFuture<Output = u64>,
    F::IntoFuture: 'static,
{
    let make = move |i| -> Task { Box::pin(make(i).into_future()) };
    Box::new(move || run_boxed(count, &make, expected))
}

/// Compiled once for all types of task.
fn run_boxed(count: u32, make: &dyn Fn(u64) -> Task, expected: u64) -> Result<Footprint> {
    let mut tasks: Vec<Task> = resident_vector(count as usize);
    let before = resident_set()?;
    let counting = Counting::start();
    for i in 0..u64::from(count) {
        let mut task = make(i);
        suspend(task.as_mut())?;
        tasks.push(task);
    }
    let allocations = counting.usage().allocations;
    let footprint = footprint(before, count, allocations)?;
    check(tasks.iter_mut().map(|task| finish(task.as_mut())).sum(), expected)?;
    Ok(footprint)
}

/// `count` tasks in one allocation, side by side.
pub fn contiguous<F>(count: u32, make: impl Fn(u64) -> F + 'static, expected: u64) -> Program
where
    F: IntoFuture<Output = u64>,
    F::IntoFuture: 'static,
{
    Box::new(move || run_contiguous(count, make, expected))
}

fn run_contiguous<F>(count: u32, make: impl Fn(u64) -> F, expected: u64) -> Result<Footprint>
where
    F: IntoFuture<Output = u64>,
    F::IntoFuture: 'static,
{
    let before = resident_set()?;
    let counting = Counting::start();
    let mut tasks: Vec<F::IntoFuture> = Vec::with_capacity(count as usize);
    tasks.extend((0..u64::from(count)).map(|i| make(i).into_future()));
    let mut tasks = Box::into_pin(tasks.into_boxed_slice());
    for task in each(tasks.as_mut()) {
        suspend(task)?;
    }
    let allocations = counting.usage().allocations;
    let footprint = footprint(before, count, allocations)?;
    check(each(tasks.as_mut()).map(|task| finish(task)).sum(), expected)?;
    Ok(footprint)
}

/// The elements of a pinned slice, pinned.
fn each<T>(slice: Pin<&mut [T]>) -> impl Iterator<Item = Pin<&mut T>> {
    // SAFETY: the elements of a pinned slice are not moved: it is only taken apart into them, and
    // each is handed out pinned.
    unsafe { slice.get_unchecked_mut().iter_mut().map(|task| Pin::new_unchecked(task)) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_grows_by_what_is_written() {
        let before = resident_set().unwrap();
        let block = black_box(vec![1u8; 64 << 20]);
        let grown = resident_set().unwrap() - before;
        assert!(grown >= (60 << 20), "{grown}");
        drop(block);
    }
}

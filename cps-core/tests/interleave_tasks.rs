//! The interleaver among other futures: coroutines that wait for something else, prefetches under
//! other executors, batches in tasks.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use cps_core::BoxCoroutine;
use cps_core::interleave::{Interleave, complete};
use cps_core::prefetch::prefetch_read;
use support::{Log, panic_of, poll};

mod waiting {
    use super::*;
    use futures::channel::oneshot;

    #[cps_core::coroutine]
    async fn receive(receiver: oneshot::Receiver<u32>, suspensions: u32) -> u32 {
        for _ in 0..suspensions {
            prefetch_read(&receiver).await;
        }
        receiver.await.unwrap()
    }

    #[test]
    fn a_batch_whose_chains_all_wait_is_pending_until_one_is_woken() {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
        let mut senders = VecDeque::from(senders);
        let got = RefCell::new(Vec::new());
        let batch = Interleave::<2>::batch(
            receivers,
            |receiver| receive(receiver, 2),
            |index, value| {
                got.borrow_mut().push((index, value));
            },
        );
        let mut batch = Box::pin(batch);
        let (waker, counts) = support::wakers::counting();
        let mut poll = || batch.as_mut().poll(&mut Context::from_waker(&waker));

        assert!(poll().is_pending());
        assert_eq!(counts.wakes(), 0, "it waits, and does not poll in a loop");
        assert!(poll().is_pending()); // spurious
        assert_eq!(counts.wakes(), 0);

        let last = senders.pop_back().unwrap();
        last.send(12).unwrap(); // of a chain that was not started yet
        assert_eq!(counts.wakes(), 0);
        senders.pop_back().unwrap().send(11).unwrap();
        assert_eq!(counts.wakes(), 1);
        assert!(poll().is_pending());
        assert_eq!(*got.borrow(), [(1, 11), (2, 12)]);

        senders.pop_back().unwrap().send(10).unwrap();
        assert_eq!(counts.wakes(), 2);
        assert!(poll().is_ready());
        assert_eq!(*got.borrow(), [(1, 11), (2, 12), (0, 10)]);
        drop(batch);
        assert_eq!(counts.live(), 1, "wakers are left");
    }

    #[test]
    fn run_panics_when_all_chains_wait() {
        const TEXT: &str = "all coroutines of the batch wait for something else than a prefetch: \
                            await it as a future instead of running it";
        let (_senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
        let make = |receiver| receive(receiver, 1);
        assert_eq!(panic_of(|| Interleave::<2>::run(receivers, make, |_, _| {})), TEXT);
        let (_sender, receiver) = oneshot::channel();
        assert_eq!(
            panic_of(|| complete(receive(receiver, 1))),
            "the coroutine waits for something else than a prefetch: await it instead"
        );
    }

    #[test]
    fn a_chain_may_wait_for_another_of_the_group() {
        let (sender, receiver) = oneshot::channel();
        #[cps_core::coroutine]
        async fn send(sender: oneshot::Sender<u32>, value: u32) -> u32 {
            prefetch_read(&value).await;
            sender.send(value).unwrap();
            0
        }
        let mut sum = 0;
        let receive: BoxCoroutine<'_, u32> = receive(receiver, 0).boxed();
        let both = [receive, send(sender, 5).boxed()];
        Interleave::<2>::run(both, |coroutine| coroutine, |_, value| sum += value);
        assert_eq!(sum, 5);
    }

    #[test]
    fn a_chain_that_wakes_itself_goes_on() {
        #[cps_core::coroutine]
        async fn yields(log: &Log, times: u32) -> u32 {
            support::Yield::new(log, times).await;
            times
        }
        let log = Log::default();
        let mut sum = 0;
        Interleave::<3>::run([3, 0, 9, 1], |times| yields(&log, times), |_, times| sum += times);
        assert_eq!(sum, 13);
    }
}

mod elsewhere {
    use super::*;
    use futures::stream::{FuturesUnordered, StreamExt};

    #[cps_core::coroutine]
    async fn count(suspensions: usize) -> usize {
        for turn in 0..suspensions {
            prefetch_read(&turn).await;
        }
        suspensions
    }

    #[test]
    fn under_another_executor_a_prefetch_wakes_itself_once() {
        let mut root = pin!(count(5).into_future());
        let (waker, counts) = support::wakers::counting();
        for turn in 1..=5 {
            assert!(root.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!((counts.wakes(), counts.clones()), (turn, 0));
        }
        assert_eq!(root.poll(&mut Context::from_waker(&waker)), Poll::Ready(5));
        assert_eq!(futures::executor::block_on(count(5).into_future()), 5);
    }

    #[test]
    fn foreign_combinators_lose_no_suspension() {
        #[cps_core::coroutine]
        async fn many() -> usize {
            let (a, b) = futures::join!(count(3).into_future(), count(5).into_future());
            let unordered: FuturesUnordered<_> = (0..4).map(|n| count(n).into_future()).collect();
            a + b + unordered.fold(0, |sum, n| async move { sum + n }).await
        }
        assert_eq!(complete(many()), 14);
        assert_eq!(futures::executor::block_on(many().into_future()), 14);
        let mut sum = 0;
        Interleave::<3>::run(0..7, |_| many(), |_, n| sum += n);
        assert_eq!(sum, 7 * 14);
    }

    #[test]
    fn a_batch_may_run_in_a_chain_of_another() {
        #[cps_core::coroutine]
        async fn inner(n: usize) -> usize {
            let mut sum = 0;
            Interleave::<2>::batch(0..n, count, |_, n| sum += n).await;
            sum
        }
        let mut sums = [0; 6];
        Interleave::<4>::run(0..6, inner, |index, sum| sums[index] = sum);
        assert_eq!(sums, [0, 0, 1, 3, 6, 10]);
    }
}

mod fairness {
    use super::*;

    /// Suspends without end.
    #[cps_core::coroutine]
    async fn endless(turns: &Cell<usize>) {
        loop {
            turns.set(turns.get() + 1);
            prefetch_read(turns).await;
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes thousands of rounds")]
    fn a_batch_lets_its_executor_run() {
        let turns = Cell::new(0);
        let mut batch = pin!(Interleave::<8>::batch(0..9, |_| endless(&turns), |_, ()| {}));
        let (waker, counts) = support::wakers::counting();
        for polls in 1..4 {
            assert!(batch.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!((turns.get(), counts.wakes()), (polls * 4096, polls));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes a quarter of a million chains")]
    fn a_batch_of_chains_that_never_suspend_lets_its_executor_run() {
        #[cps_core::coroutine]
        async fn at_once() {}
        let done = Cell::new(0);
        let mut batch =
            pin!(Interleave::<8>::batch(0.., |_: u64| at_once(), |_, ()| done.set(done.get() + 1)));
        let (waker, counts) = support::wakers::counting();
        assert!(batch.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!((done.get(), counts.wakes()), (512 * 8 * 64, 1));
    }
}

#[test]
fn a_batch_may_be_polled_by_one_thread_after_the_other() {
    #[cps_core::coroutine]
    async fn sum(values: std::sync::Arc<[u32]>) -> u32 {
        let mut sum = 0;
        for value in values.iter() {
            support::YieldOnce::default().await;
            sum += add(*value).on_stack().await;
        }
        sum
    }
    #[cps_core::coroutine]
    async fn add(value: u32) -> u32 {
        support::YieldOnce::default().await;
        value
    }
    let values: std::sync::Arc<[u32]> = (0..5).collect();
    let (sender, results) = std::sync::mpsc::channel();
    let inputs = (0..4).map(move |_| values.clone());
    let mut batch: Pin<Box<dyn Future<Output = ()> + Send>> =
        Box::pin(Interleave::<3>::batch(inputs, sum, move |_, sum| sender.send(sum).unwrap()));
    loop {
        let thread = std::thread::spawn(move || {
            let polled = poll(&mut batch);
            (batch, polled)
        });
        let polled;
        (batch, polled) = thread.join().unwrap();
        if polled.is_ready() {
            break;
        }
    }
    drop(batch);
    assert_eq!(results.iter().collect::<Vec<_>>(), [10; 4]);
}

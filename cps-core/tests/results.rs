//! Results that are larger than the futures that return them: where nothing is optimised there is room for them in
//! frames, else they are handed over on the host stack.

mod support;

use std::future::{Future, IntoFuture, poll_fn};
use std::mem::take;
use std::task::Poll;
use std::thread;

use cps_core::cps;
use support::{Log, Note, Planned, drive, panic_of, poll};

const BYTES: usize = 2048;

/// A result.
struct Large {
    _note: Note,
    bytes: [u8; BYTES],
}

impl Large {
    fn new(log: &Log, byte: u8) -> Self {
        Large { _note: log.note("large"), bytes: [byte; BYTES] }
    }

    fn sum(&self) -> usize {
        self.bytes.iter().map(|&byte| usize::from(byte)).sum()
    }
}

/// Pending once, and woken.
async fn yield_once() {
    let mut first = true;
    let once = poll_fn(|cx| {
        if take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    once.await;
}

#[cps]
async fn leaf(log: &Log, yields: bool) -> Large {
    if yields {
        yield_once().await;
    }
    Large::new(log, 1)
}

#[cps]
async fn pass(log: &Log, yields: bool) -> Large {
    leaf(log, yields).await
}

#[cps]
async fn pass_on(log: &Log, yields: bool) -> Large {
    let mut large = pass(log, yields).await;
    large.bytes[0] += 1;
    large
}

#[cps]
async fn total(log: &Log, yields: bool) -> usize {
    pass_on(log, yields).await.sum()
}

/// The size of a root that is not made.
fn root_size<C: IntoFuture>(_: impl FnOnce() -> C) -> usize {
    size_of::<C::IntoFuture>()
}

#[test]
fn a_result_passes_through_frames_in_which_it_has_no_room() {
    for (yields, polls) in [(false, 1), (true, 2)] {
        let log = Log::default();
        assert_eq!(drive(total(&log, yields)), (BYTES + 1, polls));
        log.assert_each_dropped_once();
    }
    // (A root's own result is in it: it may be taken long after the root frame has returned.)
    let log = Log::default();
    let size = root_size(|| total(&log, true));
    if cfg!(not(debug_assertions)) {
        assert!(size < 512, "{size}");
    }
}

#[test]
fn results_of_calls_in_turn_are_all_taken() {
    #[cps]
    async fn in_turn(log: &Log) -> usize {
        let mut sum = 0;
        for n in 0..10 {
            sum += pass_on(log, n % 3 != 0).await.sum();
            let kept = pass(log, n % 2 == 0).await;
            sum += leaf(log, true).await.sum() + kept.sum();
        }
        sum
    }

    let log = Log::default();
    assert_eq!(drive(in_turn(&log)), (10 * (3 * BYTES + 1), 1 + 6 + 5 + 10));
    log.assert_each_dropped_once();
}

#[test]
fn a_result_is_aligned() {
    #[repr(align(64))]
    struct Aligned([u8; 64]);

    #[cps]
    async fn aligned(yields: bool) -> Aligned {
        if yields {
            yield_once().await;
        }
        Aligned([7; 64])
    }

    #[cps]
    async fn aligned_in_place(yields: bool) -> bool {
        let aligned = aligned(yields).await;
        (&raw const aligned).addr() % 64 == 0 && aligned.0 == [7; 64]
    }

    for yields in [false, true] {
        assert!(drive(aligned_in_place(yields)).0);
    }
}

/// Each level's callee is in place, and its own result passes through a frame elsewhere.
#[test]
fn returns_by_turns_in_place_and_elsewhere_do_not_pile_up_on_the_host_stack() {
    #[cps]
    async fn on_heap(log: &Log, left: usize) -> Large {
        if left == 0 {
            yield_once().await;
            return Large::new(log, 1);
        }
        wrapped(log, left - 1).await
    }

    #[cps]
    async fn wrapped(log: &Log, left: usize) -> Large {
        on_heap(log, left).on_heap().await
    }

    #[cps]
    async fn sum(log: &Log, left: usize) -> usize {
        wrapped(log, left).await.sum()
    }

    let depth = if cfg!(miri) { 50 } else { 2_000 };
    let small = thread::Builder::new().stack_size(512 * 1024);
    let test = small.spawn(move || {
        let log = Log::default();
        // (Calls that are deferred return to the driver's loop.)
        assert_eq!(drive(sum(&log, depth)).0, BYTES);
        log.assert_each_dropped_once();
    });
    test.unwrap().join().unwrap();
}

#[test]
fn a_caller_may_panic_when_it_has_taken_a_result() {
    #[cps]
    async fn panics(log: &Log, yields: bool) -> Large {
        let _before = log.note("before");
        let large = pass(log, yields).await;
        if large.sum() == BYTES {
            Planned::panic("taken", 1);
        }
        large
    }

    #[cps]
    async fn outer(log: &Log, yields: bool) -> usize {
        let _outer = log.note("outer");
        panics(log, yields).await.sum()
    }

    for yields in [false, true] {
        let log = Log::default();
        assert_eq!(panic_of(|| drive(outer(&log, yields))), "taken 1");
        assert_eq!(log.drops(), ["large", "before", "outer"]);
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_chain_is_cancelled_after_each_poll() {
    #[cps]
    async fn keeps(log: &Log) -> usize {
        let first = pass_on(log, true).await;
        let second = pass_on(log, true).await;
        yield_once().await;
        first.sum() + second.sum()
    }

    for polls in 0..=3_usize {
        let log = Log::default();
        let mut root = Box::pin(keeps(&log));
        for _ in 0..polls {
            assert!(poll(&mut root).is_pending());
        }
        drop(root);
        log.assert_each_dropped_once();
        let taken = ["large"; 2].iter().take(polls.saturating_sub(1));
        assert_eq!(log.drops(), taken.copied().collect::<Vec<_>>());
    }
}

#[test]
fn callers_of_all_kinds_take_results() {
    #[cps]
    async fn nested(log: &Log, yields: bool) -> usize {
        pass(log, yields).await.sum()
    }

    #[cps]
    async fn by_a_nested_body(log: &Log, yields: bool) -> usize {
        nested(log, yields).nested().await
    }

    #[cps]
    async fn generic<F: Future<Output = Large>>(future: F) -> usize {
        future.await.sum()
    }

    #[cps]
    async fn of_a_future(log: &Log, yields: bool) -> usize {
        generic(pass(log, yields)).await
    }

    #[cps]
    async fn in_a_room(log: &Log, yields: bool) -> usize {
        pass(log, yields).inline_up_to::<96>().await.sum()
    }

    #[cps]
    async fn on_the_stack(log: &Log, yields: bool) -> usize {
        pass(log, yields).on_stack().await.sum()
    }

    #[cps]
    async fn boxed(log: &Log, yields: bool) -> usize {
        pass(log, yields).boxed().await.sum()
    }

    #[cps]
    async fn branches(log: &Log, yields: bool) -> usize {
        let (a, b) = cps_core::join((pass(log, yields), pass_on(log, true))).await;
        a.sum() + b.sum() - BYTES - 1
    }

    for yields in [false, true] {
        let log = Log::default();
        let log = &log;
        assert_eq!(drive(by_a_nested_body(log, yields)).0, BYTES);
        assert_eq!(drive(of_a_future(log, yields)).0, BYTES);
        assert_eq!(drive(in_a_room(log, yields)).0, BYTES);
        assert_eq!(drive(on_the_stack(log, yields)).0, BYTES);
        assert_eq!(drive(boxed(log, yields)).0, BYTES);
        assert_eq!(drive(branches(log, yields)).0, BYTES);
        log.assert_each_dropped_once();
    }
}

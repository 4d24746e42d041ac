//! Polling all branches, as `futures::join!` does, and `join_all` up to 30.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use anyhow::ensure;
use futures::future::{MaybeDone, maybe_done};
use lab_work::drive::{Sample, calls, opaque};
use lab_work::join::{Board, Case, lives, wake_ups};

pub(crate) async fn listen(board: &Board, index: usize) -> u64 {
    let mut heard = 0;
    loop {
        board.called(index).await;
        if board.is_closed() {
            return heard;
        }
        heard += 1;
    }
}

async fn answer(n: u64) -> u64 {
    opaque(n)
}

macro_rules! levels {
    ($($name:ident $next:ident,)*) => {
        $(
            pub(crate) async fn $name(board: &Board, index: usize) -> u64 {
                $next(board, index).await + opaque(0)
            }
        )*
    };
}

levels! { depth8 depth7, depth7 depth6, depth6 depth5, depth5 depth4, depth4 depth3, depth3 depth2, depth2 listen, }

/// `join_all` as it is for up to 30 futures: each poll polls all that are not done.
async fn poll_all<F: Future<Output = u64>>(branches: impl Iterator<Item = F>) -> u64 {
    let mut all: Pin<Box<[MaybeDone<F>]>> = Box::into_pin(branches.map(maybe_done).collect());
    poll_fn(move |cx| {
        let mut done = true;
        // SAFETY: the slice is pinned, and so are its elements.
        for branch in unsafe { all.as_mut().get_unchecked_mut() } {
            // SAFETY: it is an element of the pinned slice, and stays in its place.
            done &= unsafe { Pin::new_unchecked(branch) }.poll(cx).is_ready();
        }
        if !done {
            return Poll::Pending;
        }
        // SAFETY: the slice is pinned, and nothing is moved out of it.
        let outputs = unsafe { all.as_mut().get_unchecked_mut() }.iter_mut().map(|branch| {
            // SAFETY: it is an element of the pinned slice, and stays in its place.
            unsafe { Pin::new_unchecked(branch) }.take_output().unwrap_or_default()
        });
        Poll::Ready(outputs.sum())
    })
    .await
}

/// Polling all of more branches than these takes too long to be sampled.
const MOST_POLLED: usize = 10_000;

/// See [`Strategy::join`](lab_work::strategy::Strategy::join).
pub(super) fn sample(case: Case, branches: usize) -> Option<Sample> {
    Some(match case {
        Case::WakeOne if branches > MOST_POLLED => return None,
        Case::WakeOne => Box::new(move |n| {
            let board = Board::new(branches);
            let all = (0..branches).map(|index| listen(&board, index));
            wake_ups(&board, branches, pin!(poll_all(all)), n)
        }),
        Case::All => Box::new(move |n| {
            lives(branches, n, |board, drive| {
                drive(pin!(poll_all((0..branches).map(|index| listen(board, index)))))
            })
        }),
        Case::Ready2 => Box::new(move |n| {
            let timed = calls(
                || async {
                    let (a, b) = futures::join!(answer(opaque(1)), answer(opaque(2)));
                    a + b
                },
                n,
            );
            ensure!(timed.checksum == 3 * n, "wrong sums");
            Ok(timed.elapsed)
        }),
        Case::Ready2Futures => return None, // As `Ready2`.
        Case::Below => Box::new(move |n| {
            let board = Board::new(branches);
            match branches {
                1 => wake_ups(&board, 1, pin!(depth8(&board, 0)), n),
                _ => {
                    let all = (0..branches).map(|index| depth8(&board, index));
                    wake_ups(&board, 1, pin!(poll_all(all)), n)
                }
            }
        }),
    })
}

//! What `join` is compared with: polling all branches, as `futures::join!` does (and `join_all` up to 30),
//! `FuturesUnordered`, and tokio's `JoinSet`.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use anyhow::ensure;
use futures::StreamExt;
use futures::future::{MaybeDone, maybe_done};
use futures::stream::FuturesUnordered;

use super::{Board, Case, lives, step, wake_ups};
use crate::drive::{calls, opaque};
use crate::measure::Sample;

async fn listen(board: &Board, index: usize) -> u64 {
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
            async fn $name(board: &Board, index: usize) -> u64 {
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
            // SAFETY: as above.
            done &= unsafe { Pin::new_unchecked(branch) }.poll(cx).is_ready();
        }
        if !done {
            return Poll::Pending;
        }
        // SAFETY: as above.
        let outputs = unsafe { all.as_mut().get_unchecked_mut() }.iter_mut().map(|branch| {
            // SAFETY: as above.
            unsafe { Pin::new_unchecked(branch) }.take_output().unwrap_or_default()
        });
        Poll::Ready(outputs.sum())
    })
    .await
}

/// See [`super::Join`].
pub(crate) fn nested(case: Case, branches: usize) -> Option<Sample> {
    Some(match case {
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

/// See [`super::Join`].
pub(crate) fn futures_unordered(case: Case, branches: usize) -> Option<Sample> {
    async fn sum(all: FuturesUnordered<impl Future<Output = u64>>) -> u64 {
        all.fold(0, |sum, heard| std::future::ready(sum + heard)).await
    }
    Some(match case {
        Case::WakeOne => Box::new(move |n| {
            let board = Board::new(branches);
            let all = (0..branches).map(|index| listen(&board, index)).collect();
            wake_ups(&board, branches, pin!(sum(all)), n)
        }),
        Case::All => Box::new(move |n| {
            lives(branches, n, |board, drive| {
                let all = (0..branches).map(|index| listen(board, index)).collect();
                drive(pin!(sum(all)))
            })
        }),
        Case::Below if branches > 1 => Box::new(move |n| {
            let board = Board::new(branches);
            let all = (0..branches).map(|index| depth8(&board, index)).collect();
            wake_ups(&board, 1, pin!(sum(all)), n)
        }),
        Case::Ready2 | Case::Ready2Futures | Case::Below => return None,
    })
}

/// See [`super::Join`]. Each branch is a task: the loop goes through the scheduler, by a yield.
pub(crate) fn join_set(case: Case, branches: usize) -> Option<Sample> {
    if case != Case::WakeOne {
        return None;
    }
    Some(Box::new(move |n| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let board = Rc::new(Board::new(branches));
        let (elapsed, heard) = tokio::task::LocalSet::new().block_on(&runtime, async {
            let mut tasks = tokio::task::JoinSet::new();
            for index in 0..branches {
                let board = Rc::clone(&board);
                tasks.spawn_local(async move { listen(&board, index).await });
            }
            while (0..branches).any(|index| !board.is_listening(index)) {
                tokio::task::yield_now().await;
            }
            let mut index = 0;
            let start = Instant::now();
            for _ in 0..n {
                index = step(index, branches);
                board.call(index);
                while board.is_calling(index) {
                    tokio::task::yield_now().await;
                }
            }
            let elapsed = start.elapsed();
            board.close();
            let mut heard = 0;
            while let Some(task) = tasks.join_next().await {
                heard += task?;
            }
            anyhow::Ok((elapsed, heard))
        })?;
        ensure!(heard == n, "{n} calls, {heard} heard");
        Ok(elapsed)
    }))
}

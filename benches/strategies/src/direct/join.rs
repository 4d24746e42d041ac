//! This project's `join`.

use std::future::IntoFuture;
use std::pin::pin;

use anyhow::ensure;
use cps_core::{concurrent::Concurrent, join};
use lab_work::drive::{Sample, calls, opaque};
use lab_work::join::{Board, Case, lives, wake_ups};

#[cps_core::coroutine]
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

#[cps_core::coroutine]
async fn answer(n: u64) -> u64 {
    opaque(n)
}

macro_rules! levels {
    ($($name:ident $next:ident,)*) => {
        $(
            #[cps_core::coroutine]
            async fn $name(board: &Board, index: usize) -> u64 {
                $next(board, index).await + opaque(0)
            }
        )*
    };
}

levels! { depth8 depth7, depth7 depth6, depth6 depth5, depth5 depth4, depth4 depth3, depth3 depth2, depth2 listen, }

#[cps_core::coroutine]
async fn below(board: &Board) -> u64 {
    let all = std::array::from_fn::<_, 8, _>(|index| depth8(board, index));
    join(all).await.into_iter().sum()
}

/// In a frame of its own, as in a program.
#[cps_core::coroutine]
async fn sum<C>(branches: C) -> u64
where
    C: Concurrent<Branches: cps_core::concurrent::Branches<Outputs = Vec<u64>>>,
{
    join(branches).await.into_iter().sum()
}

/// See [`Strategy::join`](lab_work::strategy::Strategy::join).
pub(super) fn sample(case: Case, branches: usize) -> Option<Sample> {
    Some(match case {
        Case::WakeOne => Box::new(move |n| {
            let board = Board::new(branches);
            let all: Vec<_> = (0..branches).map(|index| listen(&board, index)).collect();
            wake_ups(&board, branches, pin!(sum(all).into_future()), n)
        }),
        Case::All => Box::new(move |n| {
            lives(branches, n, |board, drive| {
                let all: Vec<_> = (0..branches).map(|index| listen(board, index)).collect();
                drive(pin!(sum(all).into_future()))
            })
        }),
        Case::Ready2 => Box::new(move |n| {
            let timed = calls(
                || async {
                    let (a, b) = join((answer(opaque(1)), answer(opaque(2)))).await;
                    a + b
                },
                n,
            );
            ensure!(timed.checksum == 3 * n, "wrong sums");
            Ok(timed.elapsed)
        }),
        Case::Ready2Futures => Box::new(move |n| {
            let timed = calls(
                || async {
                    let (a, b) = (answer(opaque(1)), answer(opaque(2)));
                    let (a, b) = futures::join!(a.into_future(), b.into_future());
                    a + b
                },
                n,
            );
            ensure!(timed.checksum == 3 * n, "wrong sums");
            Ok(timed.elapsed)
        }),
        Case::Below => Box::new(move |n| {
            let board = Board::new(branches);
            match branches {
                1 => wake_ups(&board, 1, pin!(depth8(&board, 0).into_future()), n),
                _ => wake_ups(&board, 1, pin!(below(&board).into_future()), n),
            }
        }),
    })
}

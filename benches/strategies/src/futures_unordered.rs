//! `FuturesUnordered` of the crate futures: a set that polls what was woken. The branches are those
//! of `nested`.

use std::future::Future;
use std::pin::pin;

use futures::StreamExt;
use futures::stream::FuturesUnordered as Set;
use lab_work::drive::Sample;
use lab_work::join::{Board, Case, lives, wake_ups};
use lab_work::strategy::Strategy;

use crate::nested::join::{depth8, listen};

/// The strategy `futures-unordered`.
#[derive(Debug)]
pub struct FuturesUnordered;

impl Strategy for FuturesUnordered {
    fn join(&self, case: Case, branches: usize) -> Option<Sample> {
        async fn sum(all: Set<impl Future<Output = u64>>) -> u64 {
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
}

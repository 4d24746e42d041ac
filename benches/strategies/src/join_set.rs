//! tokio's `JoinSet`: each branch of `nested` is a task, and the loop goes through the scheduler, by
//! a yield.

use std::rc::Rc;

use anyhow::ensure;
use lab_work::clock::ThreadTime;
use lab_work::drive::Sample;
use lab_work::join::{Board, Case, step};
use lab_work::strategy::Strategy;

use crate::nested::join::listen;

/// The strategy `join-set`.
#[derive(Debug)]
pub struct JoinSet;

impl Strategy for JoinSet {
    fn join(&self, case: Case, branches: usize) -> Option<Sample> {
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
                let start = ThreadTime::now();
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
}

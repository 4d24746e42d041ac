//! The work that is done in the background.

use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::error;

use crate::service::shared::{Delivery, Store};

/// Makes up to four deliveries at a time; returns after the last, when no more can be asked for.
pub(super) async fn deliver_all(mut orders: mpsc::Receiver<Delivery>, store: Arc<Store>) {
    let mut under_way = JoinSet::new();
    loop {
        select! {
            order = orders.recv(), if under_way.len() < 4 => {
                let Some(delivery) = order else { break };
                under_way.spawn(deliver(delivery, store.clone()));
            }
            Some(ended) = under_way.join_next() => report(ended),
        }
    }
    while let Some(ended) = under_way.join_next().await {
        report(ended);
    }
}

async fn deliver(delivery: Delivery, store: Arc<Store>) {
    sleep(Duration::from_millis(20)).await;
    store.delivered(&delivery);
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a delivery failed");
    }
}

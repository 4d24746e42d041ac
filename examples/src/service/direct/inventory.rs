//! What the service does, without HTTP.

use cps_core::cps;
use tokio::select;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::repository::Repository;
use super::retry::in_time;
use crate::service::shared::{Delivery, Item, Policy, RepositoryError, ServiceError};

/// The items in stock.
pub(super) struct Inventory {
    pub(super) repository: Box<dyn Repository>,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) policy: Policy,
    pub(super) shutdown: CancellationToken,
}

impl Inventory {
    #[cps]
    pub(super) async fn find(&self, id: &str) -> Result<Item, ServiceError> {
        in_time(&self.policy, || self.repository.get(id)).await
    }

    /// Takes from the stock, and leaves the delivery to the background.
    #[cps]
    pub(super) async fn order(&self, id: &str, count: u32) -> Result<Item, ServiceError> {
        let item = in_time(&self.policy, || self.repository.take(id, count)).await?;
        let delivery = Delivery { id: id.into(), count };
        if self.deliveries.send(delivery).await.is_err() {
            warn!(id, "nobody delivers");
        }
        Ok(item)
    }

    /// Waits until the item has a later version, or the server is stopped.
    #[cps]
    pub(super) async fn change(&self, id: &str, version: u64) -> Result<Item, ServiceError> {
        let mut changes = self.repository.changes();
        loop {
            let item = self.find(id).await?;
            if item.version > version {
                return Ok(item);
            }
            select! {
                () = self.shutdown.cancelled() => return Err(ServiceError::ShuttingDown),
                changed = changes.changed() => {
                    changed.map_err(|_| ServiceError::Query(RepositoryError::Closed))?;
                }
            }
        }
    }

    /// The items that follow `after`, as many as one query gives.
    #[cps]
    pub(super) async fn page(&self, after: Option<&str>) -> Result<Vec<Item>, ServiceError> {
        in_time(&self.policy, || self.repository.page(after)).await
    }
}

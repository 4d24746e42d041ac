//! The repository that is a [`Store`] behind a pool of connections.

use cps_core::cps;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::repository::{Query, Repository};
use crate::service::shared::{Item, RepositoryError, Store};

pub(super) struct Memory {
    store: Arc<Store>,
    connections: Semaphore,
}

impl Memory {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Memory { store, connections: Semaphore::new(8) }
    }

    #[cps]
    async fn read(&self, id: &str) -> Result<Item, RepositoryError> {
        let _connection = self.connect().await?;
        self.unlocked(id).await?;
        self.store.get(id)
    }

    #[cps]
    async fn write(&self, id: &str, count: u32) -> Result<Item, RepositoryError> {
        let _connection = self.connect().await?;
        self.unlocked(id).await?;
        self.store.take(id, count)
    }

    #[cps]
    async fn scan(&self, after: Option<&str>) -> Result<Vec<Item>, RepositoryError> {
        let _connection = self.connect().await?;
        for item in self.store.page(after) {
            self.unlocked(&item.id).await?;
        }
        Ok(self.store.page(after))
    }

    #[cps]
    async fn connect(&self) -> Result<SemaphorePermit<'_>, RepositoryError> {
        self.connections.acquire().await.map_err(|_| RepositoryError::Closed)
    }

    /// Waits while the row is locked.
    #[cps]
    async fn unlocked(&self, id: &str) -> Result<(), RepositoryError> {
        let mut changes = self.store.changes();
        let _waiting = self.store.is_locked(id).then(|| self.store.waiting.enter());
        while self.store.is_locked(id) {
            changes.changed().await.map_err(|_| RepositoryError::Closed)?;
        }
        Ok(())
    }
}

impl Repository for Memory {
    fn get<'a>(&'a self, id: &'a str) -> Query<'a, Item> {
        self.read(id).boxed()
    }

    fn take<'a>(&'a self, id: &'a str, count: u32) -> Query<'a, Item> {
        self.write(id, count).boxed()
    }

    fn page<'a>(&'a self, after: Option<&'a str>) -> Query<'a, Vec<Item>> {
        self.scan(after).boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.store.changes()
    }
}

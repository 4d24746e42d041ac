//! Where items are kept: an interface, and a layer that goes around any implementation.

use cps_core::{BoxCoroutine, cps};
use tokio::sync::watch;
use tracing::info;

use crate::service::shared::{Item, RepositoryError};

/// What a repository answers with.
pub(super) type Query<'a, T> = BoxCoroutine<'a, Result<T, RepositoryError>>;

pub(super) trait Repository: Send + Sync {
    fn get<'a>(&'a self, id: &'a str) -> Query<'a, Item>;

    fn take<'a>(&'a self, id: &'a str, count: u32) -> Query<'a, Item>;

    /// The first items that follow `after`.
    fn page<'a>(&'a self, after: Option<&'a str>) -> Query<'a, Vec<Item>>;

    /// Tells of each change of an item that comes after this call.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// Logs the answers of another repository.
pub(super) struct Logged(pub(super) Box<dyn Repository>);

impl Logged {
    #[cps]
    async fn logged<T>(&self, query: &str, answer: Query<'_, T>) -> Result<T, RepositoryError> {
        let answer = answer.await;
        info!(query, ok = answer.is_ok(), "queried");
        answer
    }
}

impl Repository for Logged {
    fn get<'a>(&'a self, id: &'a str) -> Query<'a, Item> {
        self.logged("get", self.0.get(id)).boxed()
    }

    fn take<'a>(&'a self, id: &'a str, count: u32) -> Query<'a, Item> {
        self.logged("take", self.0.take(id, count)).boxed()
    }

    fn page<'a>(&'a self, after: Option<&'a str>) -> Query<'a, Vec<Item>> {
        self.logged("page", self.0.page(after)).boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }
}

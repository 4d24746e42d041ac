//! What both versions have in common: everything that does not wait.

mod errors;
mod gauge;
mod store;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use errors::{RepositoryError, ServiceError};
pub use gauge::{Entered, Gauge};
pub use store::Store;

/// A thing in stock.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its key.
    pub id: String,
    /// How many there are.
    pub stock: u32,
    /// Counts the changes of `stock`.
    pub version: u64,
}

/// The body of an order.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// How many.
    pub count: u32,
}

/// Something that is left to do after an order was answered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Of which item.
    pub id: String,
    /// How many.
    pub count: u32,
}

/// How long, and how often, a query may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// For all attempts together.
    pub limit: Duration,
    /// At most so many, at least one.
    pub attempts: u32,
    /// Between two of them.
    pub pause: Duration,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub store: Arc<Store>,
    /// Counts the requests that are not answered yet.
    pub in_flight: Arc<Gauge>,
    /// For queries.
    pub policy: Policy,
    /// Cancelled to stop the server.
    pub shutdown: CancellationToken,
}

impl Settings {
    /// A server on `store`, whose queries may be tried three times within `limit`.
    #[must_use]
    pub fn new(store: Store, limit: Duration) -> Self {
        Settings {
            store: Arc::new(store),
            in_flight: Arc::default(),
            policy: Policy { limit, attempts: 3, pause: Duration::from_millis(2) },
            shutdown: CancellationToken::new(),
        }
    }
}

/// A line of NDJSON.
///
/// # Panics
/// Never: an item can be written as JSON.
#[must_use]
pub fn line(item: &Item) -> String {
    serde_json::to_string(item).expect("an item is JSON") + "\n"
}

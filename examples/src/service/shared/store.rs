//! Stands for a database: rows in memory, which can be locked, and can refuse queries.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Delivery, Gauge, Item, RepositoryError};

/// The rows, by key.
#[derive(Debug)]
pub struct Store {
    rows: Mutex<BTreeMap<String, Row>>,
    delivered: Mutex<Vec<String>>,
    /// Counts the changes of any row.
    changes: watch::Sender<u64>,
    /// Queries that wait for a locked row.
    pub waiting: Gauge,
}

#[derive(Debug)]
struct Row {
    item: Item,
    locked: bool,
    /// How many of the next queries are refused.
    refusals: u32,
}

impl Store {
    /// Rows of version 0.
    #[must_use]
    pub fn new(items: &[(&str, u32)]) -> Self {
        let row = |&(id, stock): &(&str, u32)| {
            let item = Item { id: id.into(), stock, version: 0 };
            (id.into(), Row { item, locked: false, refusals: 0 })
        };
        Store {
            rows: Mutex::new(items.iter().map(row).collect()),
            delivered: Mutex::default(),
            changes: watch::Sender::new(0),
            waiting: Gauge::default(),
        }
    }

    /// Makes queries for a row wait, or lets them go on.
    pub fn set_locked(&self, id: &str, locked: bool) {
        self.change(id, |row| row.locked = locked);
    }

    /// Makes the next queries for a row fail.
    pub fn refuse(&self, id: &str, queries: u32) {
        self.change(id, |row| row.refusals = queries);
    }

    /// Whether queries for that row have to wait.
    pub fn is_locked(&self, id: &str) -> bool {
        lock(&self.rows).get(id).is_some_and(|row| row.locked)
    }

    /// Tells of each change of a row that comes after this call.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`RepositoryError::Missing`] and [`RepositoryError::Refused`].
    pub fn get(&self, id: &str) -> Result<Item, RepositoryError> {
        Ok(query(&mut lock(&self.rows), id)?.item.clone())
    }

    /// Takes some from the stock of a row.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`RepositoryError::TooFew`].
    pub fn take(&self, id: &str, count: u32) -> Result<Item, RepositoryError> {
        let mut rows = lock(&self.rows);
        let item = &mut query(&mut rows, id)?.item;
        let stock = item.stock;
        item.stock = stock.checked_sub(count).ok_or(RepositoryError::TooFew { stock })?;
        item.version += 1;
        let taken = item.clone();
        drop(rows);
        self.changed();
        Ok(taken)
    }

    /// Two rows, the first that follow `after`.
    pub fn page(&self, after: Option<&str>) -> Vec<Item> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = lock(&self.rows);
        rows.range::<str, _>((start, Bound::Unbounded))
            .take(2)
            .map(|(_, r)| r.item.clone())
            .collect()
    }

    /// Notes that something was delivered.
    pub fn delivered(&self, delivery: &Delivery) {
        lock(&self.delivered).push(format!("{} of {}", delivery.count, delivery.id));
    }

    /// All deliveries so far, sorted.
    pub fn deliveries(&self) -> Vec<String> {
        let mut deliveries = lock(&self.delivered).clone();
        deliveries.sort();
        deliveries
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Row)) {
        if let Some(row) = lock(&self.rows).get_mut(id) {
            change(row);
        }
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

fn query<'a>(
    rows: &'a mut BTreeMap<String, Row>,
    id: &str,
) -> Result<&'a mut Row, RepositoryError> {
    let row = rows.get_mut(id).ok_or_else(|| RepositoryError::Missing(id.into()))?;
    if row.refusals > 0 {
        row.refusals -= 1;
        return Err(RepositoryError::Refused);
    }
    Ok(row)
}

/// The values are sound after each statement, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

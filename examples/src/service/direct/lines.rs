//! All items as a stream, which reads a page when the one before it has been taken.

use std::sync::Arc;

use cps_core::{cps, yield_};

use super::inventory::Inventory;
use crate::service::shared::{ServiceError, line};

#[cps(yields = String)]
pub(super) async fn lines(inventory: Arc<Inventory>) -> Result<(), ServiceError> {
    let mut after = None;
    loop {
        let page = inventory.page(after.as_deref()).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id.clone());
        for item in &page {
            yield_(line(item)).await;
        }
    }
}

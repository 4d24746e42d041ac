//! All items as a stream, which reads a page when the one before it has been taken.

use std::sync::Arc;

use futures::stream::{self, Stream, TryStreamExt};

use super::inventory::Inventory;
use crate::service::shared::{ServiceError, line};

pub(super) fn lines(inventory: Arc<Inventory>) -> impl Stream<Item = Result<String, ServiceError>> {
    stream::try_unfold((inventory, None::<String>), async |(inventory, after)| {
        let page = inventory.page(after.as_deref()).await?;
        let Some(last) = page.last() else { return Ok(None) };
        let after = Some(last.id.clone());
        let lines = stream::iter(page.into_iter().map(|item| Ok(line(&item))));
        Ok(Some((lines, (inventory, after))))
    })
    .try_flatten()
}

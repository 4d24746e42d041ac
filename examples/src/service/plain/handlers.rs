//! From requests to the service, and from its answers to responses.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use futures::stream::TryStreamExt;
use tracing::warn;

use super::inventory::Inventory;
use super::lines::lines;
use crate::service::shared::{Item, Order, ServiceError};

/// `GET /items/{id}`
pub(super) async fn item(
    State(inventory): State<Arc<Inventory>>,
    Path(id): Path<String>,
) -> Result<Json<Item>, ServiceError> {
    let item = inventory.find(&id).await?;
    Ok(Json(item))
}

/// `POST /items/{id}/orders`
pub(super) async fn order(
    State(inventory): State<Arc<Inventory>>,
    Path(id): Path<String>,
    Json(order): Json<Order>,
) -> Result<Json<Item>, ServiceError> {
    let item = inventory.order(&id, order.count).await?;
    Ok(Json(item))
}

/// `GET /items/{id}/after/{version}`: answers when the item has a later version.
pub(super) async fn change(
    State(inventory): State<Arc<Inventory>>,
    Path((id, version)): Path<(String, u64)>,
) -> Result<Json<Item>, ServiceError> {
    let item = inventory.change(&id, version).await?;
    Ok(Json(item))
}

/// `GET /items`: a line of JSON for each, as they are read.
pub(super) async fn items(State(inventory): State<Arc<Inventory>>) -> impl IntoResponse {
    let lines = lines(inventory).inspect_err(|error| warn!(%error, "the list breaks off"));
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines))
}

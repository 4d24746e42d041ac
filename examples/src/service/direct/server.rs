//! Routes, start and stop.

use cps_core::cps;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::{Instrument, info, info_span};

use super::deliveries::deliver_all;
use super::handlers;
use super::inventory::Inventory;
use super::memory::Memory;
use super::repository::Logged;
use super::requests::{listed, stuck};
use crate::service::shared::Settings;

/// Serves until `settings.shutdown` is cancelled, all requests are answered and all deliveries are made.
///
/// # Errors
/// Those of the listener.
#[cps]
pub async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let Settings { store, policy, shutdown, .. } = settings.clone();
    let (sender, receiver) = mpsc::channel(16);
    let deliveries = tokio::spawn(deliver_all(receiver, store.clone()));
    let inventory = Inventory {
        repository: Box::new(Logged(Box::new(Memory::new(store)))),
        deliveries: sender,
        policy,
        shutdown: shutdown.clone(),
    };
    let router = router(Arc::new(inventory), settings);
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await?;
    deliveries.await?;
    info!("stopped");
    Ok(())
}

fn router(inventory: Arc<Inventory>, settings: Settings) -> Router {
    Router::new()
        .route("/items", get(|state| listed(handlers::items(state))))
        .route("/items/{id}", get(|state, id| listed(handlers::item(state, id))))
        .route(
            "/items/{id}/orders",
            post(|state, id, order| listed(handlers::order(state, id, order))),
        )
        .route(
            "/items/{id}/after/{version}",
            get(|state, change| listed(handlers::change(state, change))),
        )
        .route("/debug/stuck", get(stuck))
        .layer(from_fn_with_state(settings, observe))
        .with_state(inventory)
}

/// Around each request: counts it, and gives what it logs a span.
#[cps]
async fn observe(State(settings): State<Settings>, request: Request, next: Next) -> Response {
    let span = info_span!("request", method = %request.method(), path = request.uri().path());
    let _entered = settings.in_flight.enter();
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| info!(status = response.status().as_u16(), "answered"));
    response
}

//! An HTTP service: a form, JSON, a file, an upload, a socket, behind the usual layers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Item {
    id: u64,
    name: String,
}

type Store = Arc<Mutex<HashMap<u64, Item>>>;

async fn item(State(store): State<Store>, Path(id): Path<u64>) -> Result<Json<Item>, StatusCode> {
    let items = store.lock().await;
    items.get(&id).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn add(State(store): State<Store>, Json(item): Json<Item>) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.lock().await.insert(item.id, item);
    StatusCode::CREATED
}

async fn search(
    State(store): State<Store>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Vec<Item>> {
    let text = query.get("name").cloned().unwrap_or_default();
    let items = store.lock().await;
    Json(items.values().filter(|item| item.name.contains(&text)).cloned().collect())
}

async fn upload(mut form: Multipart) -> Result<String, StatusCode> {
    let mut total = 0;
    while let Some(field) = form.next_field().await.map_err(|_| StatusCode::BAD_REQUEST)? {
        total += field.bytes().await.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(total.to_string())
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) = &message
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

async fn upgrade(socket: WebSocketUpgrade) -> Response {
    socket.on_upgrade(echo).into_response()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/items/{id}", get(item))
        .route("/items", post(add).get(search))
        .route("/upload", post(upload))
        .route("/socket", get(upgrade))
        .nest_service("/files", ServeDir::new("files"))
        .layer(TraceLayer::new_for_http())
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .with_state(Store::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await
}

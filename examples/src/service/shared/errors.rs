//! Errors, and the responses that they become.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;

/// Why a query failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RepositoryError {
    /// There is no row with that key.
    #[error("no item {0}")]
    Missing(String),
    /// The row has fewer than were asked for.
    #[error("{stock} in stock")]
    TooFew {
        /// What it has.
        stock: u32,
    },
    /// May succeed later.
    #[error("the database refused the query")]
    Refused,
    /// Will not succeed.
    #[error("the database is closed")]
    Closed,
}

/// Why a request failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ServiceError {
    /// The query cannot be answered.
    #[error(transparent)]
    Query(RepositoryError),
    /// The query was refused each time.
    #[error("gave up after {attempts} attempts")]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// The last error.
        source: RepositoryError,
    },
    /// The query took too long.
    #[error("no answer in time")]
    TimedOut,
    /// The server is being stopped.
    #[error("shutting down")]
    ShuttingDown,
}

impl ServiceError {
    fn status(&self) -> StatusCode {
        match self {
            ServiceError::Query(RepositoryError::Missing(_)) => StatusCode::NOT_FOUND,
            ServiceError::Query(RepositoryError::TooFew { .. }) => StatusCode::CONFLICT,
            ServiceError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            ServiceError::Query(_) | ServiceError::GaveUp { .. } | ServiceError::ShuttingDown => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}

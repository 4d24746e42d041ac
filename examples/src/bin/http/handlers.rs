//! What requests are answered with. The coroutines of one request are one chain, which the connection's task resumes at
//! the innermost; the parts of a page are branches of it.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use cps_core::prelude::*;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use reactor::sleep;

/// The longest body, in bytes.
const LONGEST: usize = 64 * 1024;

#[cps]
pub(crate) async fn respond(
    request: Request<Incoming>,
    limit: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let in_time = timeout(sleep(limit), route(request)).await;
    let (status, text) = match in_time.unwrap_or(Err(StatusCode::GATEWAY_TIMEOUT)) {
        Ok(text) => (StatusCode::OK, text),
        Err(status) => (status, format!("{status}\n")),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}

#[cps]
async fn route(request: Request<Incoming>) -> Result<String, StatusCode> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::POST, "/words") => words(request.into_body()).await,
        (&Method::GET, path) => match path.strip_prefix("/pages/") {
            Some(name) => page(name).await,
            None => Err(StatusCode::NOT_FOUND),
        },
        _ => Err(StatusCode::NOT_FOUND),
    }
}

#[cps]
async fn page(name: &str) -> Result<String, StatusCode> {
    let (title, text) = try_join((load("title", name), load("text", name))).await?;
    Ok(format!("{title}\n{text}\n"))
}

/// Stands for a database.
#[cps]
async fn load(column: &str, name: &str) -> Result<String, StatusCode> {
    match name {
        "lost" => pending().await,
        "" => Err(StatusCode::NOT_FOUND),
        name => {
            sleep(Duration::from_millis(1)).await;
            Ok(format!("the {column} of {name}"))
        }
    }
}

#[cps]
async fn words(body: Incoming) -> Result<String, StatusCode> {
    let body = Limited::new(body, LONGEST).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        }
    })?;
    let bytes = body.to_bytes();
    let text = str::from_utf8(&bytes).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(format!("{}\n", text.split_whitespace().count()))
}

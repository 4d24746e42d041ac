//! A server of hyper on the runtime, and a client with blocking sockets on a thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use lab_work::clock::Cost;
use lab_work::flavour::Flavour;
use lab_work::http::{self, Clock};
use lab_work::tasks::HTTP_BODY;

use crate::runtime::Runtime;

pub(super) fn run<R: Runtime>(flavour: Flavour, connections: usize, rounds: u64) -> Result<Cost> {
    let (clients, servers) = http::connections(connections)?;
    let script = vec![("/".to_owned(), HTTP_BODY.to_owned())];
    let client = thread::spawn(move || http::rounds(clients, &script, rounds));
    let served = R::block_on(Box::pin(async move {
        let clock = Arc::new(Clock::default());
        let mut tasks = Vec::new();
        for server in servers {
            let connection = R::http(R::adopt(server)?);
            tasks.push(R::spawn(serve(connection, clock.clone(), flavour)));
        }
        for task in tasks {
            task.await?;
        }
        clock.cost()
    }));
    let (requests, of_client) = client.join().ok().context("the client has panicked")??;
    let mut cost = served?;
    if flavour == Flavour::Multi {
        cost.cpu = cost.cpu.saturating_sub(of_client);
    }
    cost.requests = requests;
    Ok(cost)
}

/// Answers until the client hangs up.
async fn serve<C>(connection: C, clock: Arc<Clock>, flavour: Flavour) -> Result<()>
where
    C: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        clock.hear(request.uri().path(), flavour.whose());
        let body = Full::new(Bytes::from_static(HTTP_BODY.as_bytes()));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    Ok(http1::Builder::new().serve_connection(connection, answer).await?)
}

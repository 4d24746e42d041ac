//! The two versions of `service`, driven by the same clients over TCP.

mod client;
mod log;
mod server;

use std::time::Duration;

use examples::service::{direct, plain};
use futures::FutureExt;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpStream;

use crate::client::text;
use crate::server::{LONG, Serve, Server, run};

const PLAIN: Serve = |listener, settings| Box::pin(plain::serve(listener, settings));
const DIRECT: Serve = |listener, settings| Box::pin(direct::serve(listener, settings));

/// Each test, for both.
macro_rules! both {
    ($($test:ident)*) => {
        mod plain_async {
            $(#[test] fn $test() { super::run(super::$test(super::PLAIN)) })*
        }
        mod coroutines {
            $(#[test] fn $test() { super::run(super::$test(super::DIRECT)) })*
        }
    };
}

both! {
    finds_items
    answers_too_late_with_504
    orders_until_nothing_is_left
    answers_when_an_item_changes
    streams_pages_as_they_are_read
    breaks_off_a_stream_whose_page_is_late
    drops_the_request_of_a_client_that_has_gone
    stops_after_the_last_answer_and_the_last_delivery
}

fn item(id: &str, stock: u32, version: u64) -> String {
    format!(r#"{{"id":"{id}","stock":{stock},"version":{version}}}"#)
}

fn error(text: &str) -> String {
    format!(r#"{{"error":"{text}"}}"#)
}

async fn finds_items(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/items/lamp").await, (StatusCode::OK, item("lamp", 5, 0)));
    assert_eq!(client.get("/items/moon").await, (StatusCode::NOT_FOUND, error("no item moon")));
    server.settings.store.refuse("lamp", 2);
    assert_eq!(client.get("/items/lamp").await, (StatusCode::OK, item("lamp", 5, 0)));
    server.settings.store.refuse("lamp", 3);
    assert_eq!(
        client.get("/items/lamp").await,
        (StatusCode::SERVICE_UNAVAILABLE, error("gave up after 3 attempts"))
    );
    assert!(server.stop().await.is_empty());
}

async fn answers_too_late_with_504(serve: Serve) {
    let server = Server::start(serve, Duration::from_millis(50)).await;
    server.settings.store.set_locked("anvil", true);
    let mut client = server.connect().await;
    assert_eq!(
        client.get("/items/anvil").await,
        (StatusCode::GATEWAY_TIMEOUT, error("no answer in time"))
    );
    server.settings.store.waiting.reaches(0).await;
    server.settings.store.set_locked("anvil", false);
    let answer = loop {
        let answer = client.get("/items/anvil").await;
        if answer.0 != StatusCode::GATEWAY_TIMEOUT {
            break answer; // In time, as soon as the machine is fast enough.
        }
    };
    assert_eq!(answer, (StatusCode::OK, item("anvil", 1, 0)));
    server.stop().await;
}

async fn orders_until_nothing_is_left(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    let mut client = server.connect().await;
    assert_eq!(client.order("saw", 1).await, (StatusCode::OK, item("saw", 1, 1)));
    assert_eq!(client.order("saw", 2).await, (StatusCode::CONFLICT, error("1 in stock")));
    for order in 1..=6 {
        assert_eq!(client.order("rope", 1).await.1, item("rope", 8 - order, order.into()));
    }
    let mut delivered = vec!["1 of rope"; 6];
    delivered.push("1 of saw");
    assert_eq!(server.stop().await, delivered);
}

async fn answers_when_an_item_changes(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    let (mut waiting, mut ordering) = (server.connect().await, server.connect().await);
    let (changed, _) = futures::join!(waiting.get("/items/lamp/after/1"), async {
        server.settings.in_flight.reaches(1).await;
        ordering.order("lamp", 1).await;
        ordering.order("saw", 1).await;
        ordering.order("lamp", 1).await;
    });
    assert_eq!(changed, (StatusCode::OK, item("lamp", 3, 2)));
    server.stop().await;
}

async fn streams_pages_as_they_are_read(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    server.settings.store.set_locked("saw", true);
    let mut client = server.connect().await;
    let response = client.send(Method::GET, "/items", "").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut body = response.into_body();
    let mut received = String::new();
    let first_page = item("anvil", 1, 0) + "\n" + &item("lamp", 5, 0) + "\n";
    while received.len() < first_page.len() {
        let frame = body.frame().await.unwrap().unwrap();
        received += &text(frame.data_ref().unwrap());
    }
    assert_eq!(received, first_page);
    server.settings.store.waiting.reaches(1).await;
    server.settings.store.set_locked("saw", false);
    let rest = text(&body.collect().await.unwrap().to_bytes());
    assert_eq!(rest, item("rope", 8, 0) + "\n" + &item("saw", 2, 0) + "\n");
    server.stop().await;
}

async fn breaks_off_a_stream_whose_page_is_late(serve: Serve) {
    let server = Server::start(serve, Duration::from_millis(50)).await;
    server.settings.store.set_locked("saw", true);
    let mut client = server.connect().await;
    let response = client.send(Method::GET, "/items", "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err());
    server.stop().await;
}

async fn drops_the_request_of_a_client_that_has_gone(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    server.settings.store.set_locked("anvil", true);
    let mut client = server.connect().await;
    {
        let mut answer = std::pin::pin!(client.get("/items/anvil"));
        futures::select! {
            _ = answer.as_mut().fuse() => panic!("it is locked"),
            () = server.settings.store.waiting.reaches(1).fuse() => {}
        }
    }
    assert_eq!(server.settings.in_flight.inside(), 1);
    drop(client);
    server.settings.store.waiting.reaches(0).await;
    server.settings.in_flight.reaches(0).await;
    server.stop().await;
}

async fn stops_after_the_last_answer_and_the_last_delivery(serve: Serve) {
    let server = Server::start(serve, LONG).await;
    let (settings, address) = (server.settings.clone(), server.address);
    settings.store.set_locked("anvil", true);
    let (mut ordering, mut polling) = (server.connect().await, server.connect().await);
    let (order, poll, ()) =
        futures::join!(ordering.order("anvil", 1), polling.get("/items/lamp/after/0"), async {
            settings.store.waiting.reaches(1).await;
            settings.in_flight.reaches(2).await;
            settings.shutdown.cancel();
            settings.in_flight.reaches(1).await;
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            settings.store.set_locked("anvil", false);
        });
    assert_eq!(order, (StatusCode::OK, item("anvil", 0, 1)));
    assert_eq!(poll, (StatusCode::SERVICE_UNAVAILABLE, error("shutting down")));
    assert_eq!(server.stopped().await, ["1 of anvil"]);
}

/// All layers log in the span of their request, and in the same order.
#[test]
fn both_log_the_same() {
    let logged = |serve| {
        log::take();
        run(finds_items(serve));
        log::take()
    };
    let by_plain = logged(PLAIN);
    let attempt = "request{method=GET path=\"/items/lamp\"}: attempt failed attempts=2 \
                   error=the database refused the query";
    assert!(by_plain.contains(attempt), "{by_plain}");
    assert_eq!(logged(DIRECT), by_plain);
}

/// A request waits for a locked row, seven functions and two trait objects below its handler.
#[test]
fn a_stuck_request_shows_its_calls() {
    let stuck = run(async {
        let server = Server::start(DIRECT, LONG).await;
        server.settings.store.set_locked("rope", true);
        let (mut waiting, mut looking) = (server.connect().await, server.connect().await);
        let (changed, stuck) = futures::join!(waiting.get("/items/rope/after/0"), async {
            server.settings.store.waiting.reaches(1).await;
            let (_, stuck) = looking.get("/debug/stuck").await;
            server.settings.store.set_locked("rope", false);
            looking.order("rope", 1).await;
            stuck
        });
        assert_eq!(changed, (StatusCode::OK, item("rope", 7, 1)));
        server.stop().await;
        stuck
    });
    let order = [
        "retry::in_time",
        "inventory::Inventory::find\n",
        "inventory::Inventory::change\n",
        "handlers::change\n",
        "branch 0:\n",
        "memory::Memory::unlocked\n",
        "memory::Memory::read\n",
        "repository::Logged::logged",
        "retry::retry",
        "branch 1: a future\n",
    ];
    // Other tests have requests in this process, too.
    let shows_all = |request: &str| {
        order.iter().try_fold(request, |rest, text| Some(rest.split_once(text)?.1)).is_some()
    };
    assert!(stuck.split("request ").any(shows_all), "{stuck}");
}

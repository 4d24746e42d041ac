//! A service whose handlers are wrong ends in a message.

use std::future::ready;
use std::sync::Arc;

use lab_runtimes::service::{self, Handler, Head, Timer};
use lab_work::flavour::Flavour;
use lab_work::service::{Answer, Runtime, Shop, Spec, expected};

const TARGET: &str = "/items/1/quote?count=1";

fn specs() -> impl Iterator<Item = Spec> {
    Runtime::ALL.into_iter().flat_map(|runtime| {
        Flavour::ALL.map(|flavour| Spec { runtime, flavour, depth: 8, connections: 3 })
    })
}

/// Answers every question in the same way.
struct Same;

impl Handler for Same {
    fn handle<T: Timer>(_: Arc<Shop>, _: Head) -> impl Future<Output = Answer> + Send + 'static {
        ready(expected(TARGET, 8))
    }
}

#[test]
fn a_wrong_answer_is_an_error_of_the_client() {
    for spec in specs() {
        let error = format!("{:#}", service::of::<Same>(spec).rounds(1).unwrap_err());
        assert!(
            error.contains("wrong result") && error.contains("was expected"),
            "{spec:?}: {error}"
        );
    }
    service::alone::<Same>(8)(2).unwrap_err();
}

#[test]
fn requests_that_do_not_wait_have_no_footprint() {
    for spec in specs().filter(|spec| spec.flavour == Flavour::Current) {
        let error = format!("{:#}", service::of::<Same>(spec).footprint().unwrap_err());
        assert!(error.contains("wrong result"), "{spec:?}: {error}");
    }
}

async fn hang_up(shop: Arc<Shop>) -> Answer {
    assert_eq!(shop.number(), 0, "the test's panic");
    expected(TARGET, 8)
}

/// Drops the connection of the second request.
struct Fails;

impl Handler for Fails {
    fn handle<T: Timer>(shop: Arc<Shop>, _: Head) -> impl Future<Output = Answer> + Send + 'static {
        hang_up(shop)
    }
}

#[test]
fn a_server_that_hangs_up_is_an_error_of_the_client_or_its_panic() {
    for spec in specs() {
        let outcome = std::panic::catch_unwind(|| service::of::<Fails>(spec).answers(&[TARGET; 3]));
        if let Ok(answers) = outcome {
            let error = format!("{:#}", answers.unwrap_err());
            assert!(error.contains("hung up"), "{spec:?}: {error}");
        }
    }
}

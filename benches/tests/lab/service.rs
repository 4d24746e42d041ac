//! The HTTP service: every way of writing its handlers answers the same bytes on every server.

use std::time::Duration;

use lab_strategies::registry::{self, Role, Setup, Work};
use lab_work::flavour::Flavour;
use lab_work::service::{Answer, DEPTHS, Runtime, Spec, expected, targets};
use lab_work::strategy::Strategy;

/// Those that write handlers, with their roles.
fn writers() -> Vec<(&'static str, Role, Box<dyn Strategy>)> {
    let loaded = registry::load(|entry| entry.does(Work::Requests), &Setup::default());
    let present = loaded.into_iter().filter_map(|one| Some((one.entry, one.state.ok()?)));
    let writers: Vec<_> =
        present.map(|(entry, strategy)| (entry.name, entry.role, strategy)).collect();
    let roles: Vec<Role> = writers.iter().map(|(_, role, _)| *role).collect();
    assert_eq!(roles, [Role::Baseline, Role::Ours]);
    writers
}

fn servers(connections: usize) -> Vec<Spec> {
    let mut specs = Vec::new();
    for runtime in Runtime::ALL {
        for flavour in Flavour::ALL {
            specs.extend(DEPTHS.map(|depth| Spec { runtime, flavour, depth, connections }));
        }
    }
    specs
}

/// All bytes of an answer.
fn bytes(target: &str, depth: u32) -> Vec<u8> {
    let Answer { status, layers, body } = expected(target, depth);
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        503 => "Service Unavailable",
        other => panic!("{target}: {other}"),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\nx-layers: {layers}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn every_server_answers_the_same_bytes_whichever_way_its_handlers_are_written() {
    let mut asked = targets();
    // Refused at all attempts, missing, too many, and no questions.
    for target in
        ["/items/63/quote?count=1", "/items/1000/quote?count=1", "/items/2/quote?count=1001"]
    {
        asked.push(target.to_owned());
    }
    asked.extend(["/", "/items/2", "/items/-1/quote?count=1"].map(str::to_owned));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    for (name, _, strategy) in writers() {
        for spec in servers(1) {
            let mut service = strategy.service(spec).unwrap();
            let answers =
                service.answers(&asked).unwrap_or_else(|e| panic!("{name} {spec:?}: {e:#}"));
            assert_eq!(answers.len(), asked.len());
            for (target, answer) in asked.iter().zip(answers) {
                let (answer, expected) =
                    (String::from_utf8_lossy(&answer), bytes(target, spec.depth));
                assert_eq!(answer, String::from_utf8_lossy(&expected), "{name} {spec:?} {target}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_server_serves_several_connections_for_as_long_as_they_ask() {
    for (name, _, strategy) in writers() {
        for spec in servers(3) {
            let mut service = strategy.service(spec).unwrap();
            let cost = service.rounds(12).unwrap_or_else(|e| panic!("{name} {spec:?}: {e:#}"));
            let requests = cost.requests;
            assert!(requests.p50 > Duration::ZERO && cost.cpu > Duration::ZERO, "{name} {spec:?}");
            assert!(
                requests.p50 <= requests.p99 && requests.p99 <= requests.p999,
                "{name} {spec:?}"
            );
        }
        assert!(strategy.service(Spec { depth: 9, ..servers(1)[0] }).is_none(), "{name}");
    }
}

#[test]
fn requests_are_handled_without_a_server() {
    for (name, _, strategy) in writers() {
        for depth in DEPTHS {
            let mut requests = strategy.requests(depth).unwrap();
            requests(100).unwrap_or_else(|error| panic!("{name} {depth}: {error:#}"));
        }
        assert!(strategy.requests(9).is_none(), "{name}");
    }
}

/// What each way takes for the layers between router and handler, which pass on the head of the request, of 224 bytes.
#[test]
fn a_layer_of_coroutines_does_not_store_the_request_again() {
    const HEAD: usize = 224;
    const RUNTIMES: f64 = 512.0;
    for (name, role, strategy) in writers() {
        for runtime in Runtime::ALL {
            let [shallow, deep] = DEPTHS.map(|depth| {
                let spec = Spec { runtime, flavour: Flavour::Current, depth, connections: 2 };
                let mut service = strategy.service(spec).unwrap();
                let [first, second] = [(); 2].map(|()| service.footprint().unwrap());
                // The runtime's own memory may grow at another time.
                let difference = (first.per_connection - second.per_connection).abs();
                assert!(difference < RUNTIMES, "{name} {spec:?}: {first:?} {second:?}");
                // The future of the request is a part of what a connection takes.
                assert!(first.per_connection > first.handler as f64, "{name} {spec:?}: {first:?}");
                first
            });
            let layer = (deep.handler - shallow.handler) / (DEPTHS[1] - DEPTHS[0]) as usize;
            assert_eq!(layer < HEAD, role == Role::Ours, "{name} {runtime:?}: {layer}");
            let grown = deep.per_connection - shallow.per_connection;
            let of_the_future = (deep.handler - shallow.handler) as f64;
            assert!((grown - of_the_future).abs() < RUNTIMES, "{name} {runtime:?}: {grown}");
        }
        let multi = Spec { flavour: Flavour::Multi, ..servers(2)[0] };
        let error = strategy.service(multi).unwrap().footprint().unwrap_err();
        assert!(error.to_string().contains("on one thread"), "{error}");
    }
}

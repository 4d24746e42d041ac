//! `service`: an HTTP service whose handlers are calls in calls, plain and as coroutines.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lab_strategies::registry::{Entry, Work};
use lab_work::flavour::Flavour;
use lab_work::service::{CONNECTIONS, DEPTHS, Runtime, Spec};

use super::run::{Experiment, Participant, Run};
use super::tools::{lines_by, params};
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric, record_of, timed};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Service;

const NAME: &str = "service";

/// The percentiles of what requests take: metrics, and their names in tables.
const PERCENTILES: [(&str, &str); 3] = [("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")];

fn specs(quick: bool) -> Vec<Spec> {
    let depths = if quick { &DEPTHS[..1] } else { &DEPTHS };
    let mut specs = Vec::new();
    for &depth in depths {
        for runtime in Runtime::ALL {
            for flavour in Flavour::ALL {
                specs.extend(CONNECTIONS.map(|connections| Spec {
                    runtime,
                    flavour,
                    depth,
                    connections,
                }));
            }
        }
    }
    specs
}

/// A sample has so many requests that one of them is the slowest of a thousand.
fn rounds(connections: usize, sample_time: Duration) -> u64 {
    const REQUESTS_PER_MILLISECOND: u128 = 512;
    let requests = sample_time.as_micros() * REQUESTS_PER_MILLISECOND / 1000;
    u64::try_from(requests / connections as u128).unwrap_or(u64::MAX).max(1)
}

fn params_of(spec: Spec) -> Params {
    let Spec { runtime, flavour, depth, connections } = spec;
    params! {
        "runtime": runtime.name(),
        "workers": flavour.workers(),
        "depth": depth,
        "connections": connections,
    }
}

/// What the services of all participants take of memory.
fn footprints(run: &mut Run<'_>) -> Result<Vec<Record>> {
    let mut specs = specs(false);
    // Where it is counted. The sizes are the same on several threads.
    specs.retain(|spec| spec.flavour == Flavour::Current);
    run.progress.expect((specs.len() * run.participants.len()) as u64);
    let mut records = Vec::new();
    for spec in specs {
        for Participant { entry, strategy } in run.participants {
            run.progress.tick();
            let Some(mut service) = strategy.service(spec) else { continue };
            let footprint = service.footprint();
            let footprint = footprint.with_context(|| format!("{} on {spec:?}", entry.name))?;
            let mut params = params_of(spec);
            let mut bytes = |params: &Params, metric, bytes| {
                records.push(record_of(NAME, entry.name, params, metric, "B", vec![bytes]));
            };
            bytes(&params, "bytes_per_connection", footprint.per_connection);
            if spec.connections == CONNECTIONS[0] {
                params.remove("connections");
                bytes(&params, "handler_bytes", footprint.handler as f64);
            }
        }
    }
    Ok(records)
}

/// Requests that are handled without runtime and sockets.
fn alone(participants: &[&Participant]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for depth in DEPTHS {
        for Participant { entry, strategy } in participants {
            let Some(requests) = strategy.requests(depth) else { continue };
            cells.push(Cell {
                strategy: entry.name.to_owned(),
                params: params! { "depth": depth },
                metrics: vec![Metric::time("time_alone", 1.0)],
                iterations: None,
                sample: timed(requests),
            });
        }
    }
    cells
}

impl Experiment for Service {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "an HTTP service of nested handlers, on tokio and on this project's runtime"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Requests)
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut records = footprints(run)?;
        let mut cells = alone(run.participants);
        for spec in specs(run.quick) {
            for Participant { entry, strategy } in run.participants {
                let Some(mut service) = strategy.service(spec) else { continue };
                let name = entry.name;
                let requests = spec.connections as f64;
                cells.push(Cell {
                    strategy: name.to_owned(),
                    params: params_of(spec),
                    metrics: vec![
                        Metric::throughput(requests),
                        Metric::cpu("cpu_per_request", requests),
                        Metric::p50(),
                        Metric::p99(),
                        Metric::p999(),
                    ],
                    iterations: Some(rounds(spec.connections, run.budget.sample_time)),
                    sample: Box::new(move |rounds| {
                        service.rounds(rounds).with_context(|| format!("{name} on {spec:?}"))
                    }),
                });
            }
        }
        run.progress.expect(run.ticks(cells.len()));
        records.extend(run.measure(NAME, cells)?);
        Ok(records)
    }

    fn counts(&self) -> bool {
        true
    }

    /// Without runtime and sockets: how often a server finds several requests at a time is not the same each time.
    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        run.progress.expect((DEPTHS.len() * run.participants.len()) as u64);
        let mut records = Vec::new();
        for depth in DEPTHS {
            for Participant { entry, strategy } in run.participants {
                if strategy.requests(depth).is_some() {
                    let count = counter.per_request(entry.name, &**strategy, depth)?;
                    let (params, metric) = (params! { "depth": depth }, "instructions_alone");
                    records.push(instructions::record(NAME, entry.name, params, metric, count));
                }
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        let table = |title: &str, note: &str, metric: &str| {
            let chosen: Vec<&Record> = records.iter().filter(|r| r.metric == metric).collect();
            (!chosen.is_empty()).then(|| Section {
                title: format!("service: {title}"),
                note: note.to_owned(),
                grid: Grid::pivot("service", &chosen, row, Record::label),
                figure: None,
            })
        };
        sections.extend(table(
            "requests per second",
            "A server of hyper (HTTP/1.1) on tokio and on this project's runtime. A request is `GET \
             /items/7/quote?count=5`, and 8 calls deep: router, handler, service, repository, time limit, retry, \
             query, rows. The innermost suspends four times; one request of eight is refused once and tried again. At \
             depth 32, 24 layers between router and handler pass on the head of the request by value. The client, a \
             thread on the same machine, sends a request on each connection, and then reads all answers.",
            "throughput",
        ));
        sections.extend(table(
            "ns of CPU time per request",
            "Of the server's threads. The kernel's work for them is in it.",
            "cpu_per_request",
        ));
        for depth in DEPTHS {
            for runtime in Runtime::ALL {
                for flavour in Flavour::ALL {
                    let of = |record: &&Record| {
                        record.text("runtime") == runtime.name()
                            && record.number("workers") == Some(flavour.workers() as u64)
                            && record.number("depth") == Some(u64::from(depth))
                            && percentile(record).is_some()
                    };
                    sections.extend(latencies(&records.iter().filter(of).collect::<Vec<_>>())?);
                }
            }
        }
        sections.extend(table(
            "bytes per connection",
            "Of the allocator, on the server's thread, while a request of each connection is suspended at the \
             innermost call: task, buffers of hyper, the future of the request.",
            "bytes_per_connection",
        ));
        sections.extend(table(
            "bytes of the future of a request",
            "All calls of it lie in this future; for coroutines, their frames and the root.",
            "handler_bytes",
        ));
        for (metric, unit) in
            [("instructions_alone", "instructions"), ("time_alone", "ns of CPU time")]
        {
            sections.extend(table(
                &format!("{unit} of a request alone"),
                "Its calls only: without runtime, sockets, HTTP and timer, polled until it is ready.",
                metric,
            ));
        }
        Ok(sections)
    }
}

/// One service's percentiles, by the number of connections.
fn latencies(chosen: &[&Record]) -> Result<Option<Section>> {
    let Some(first) = chosen.first() else { return Ok(None) };
    let label =
        |r: &Record| format!("{} ({})", r.strategy, percentile(r).expect("these are chosen"));
    let lines = lines_by(chosen, "connections", label);
    Ok(Some(Section {
        title: format!("service: ns that a request takes, {}", server(first)),
        note: "By the number of connections: what a half, 99 % and 99.9 % of the requests take at most, from \
               sending one until its answer is read, after those of the connections before it."
            .to_owned(),
        grid: Grid::pivot("connections", chosen, |r| r.text("connections"), label),
        figure: Some(plot::lines("connections", "ns", &lines)?),
    }))
}

fn percentile(record: &Record) -> Option<&'static str> {
    PERCENTILES.iter().find(|(metric, _)| record.metric == *metric).map(|(_, name)| *name)
}

fn server(record: &Record) -> String {
    if record.text("runtime").is_empty() {
        return format!("depth {}", record.text("depth"));
    }
    let workers = match record.number("workers") {
        Some(1) => "one thread".to_owned(),
        _ => format!("{} workers", record.text("workers")),
    };
    format!("{}, {workers}, depth {}", record.text("runtime"), record.text("depth"))
}

fn row(record: &Record) -> String {
    match record.number("connections") {
        None => server(record),
        Some(1) => format!("{}, 1 connection", server(record)),
        Some(connections) => format!("{}, {connections} connections", server(record)),
    }
}

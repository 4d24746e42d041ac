//! `#[cps(instrument)]`: the spans and events are those of `#[tracing::instrument]` on the same text.
#![cfg(feature = "tracing")]
#![deny(warnings)]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::fmt;
use std::future::Future;

use spans::Recorder;
use support::{Fate, Log, Planned, Yield, poll, run};
use tracing::info;

#[derive(Debug)]
struct Failed(u32);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with {}", self.0)
    }
}

const TARGET: &str = "elsewhere";

/// The text, as it is in plain code; the coroutines' attribute stands above.
macro_rules! bodies {
    ($($attribute:tt)*) => {
        use super::*;
        use tracing::instrument;

        #[derive(Debug)]
        pub(crate) struct Service {
            name: &'static str,
        }

        impl Service {
            pub(crate) async fn handle_by(log: &Log, n: u32) -> Result<u32, Failed> {
                Service { name: "service" }.handle(log, "text", n).await
            }

            $($attribute)*
        #[tracing::instrument(skip(self, log), fields(service = self.name, len = text.len(), later), err)]
            pub(crate) async fn handle(&self, log: &Log, text: &str, n: u32) -> Result<u32, Failed> {
                tracing::Span::current().record("later", n);
                let loaded = load(log, n, (1, Some(2))).await?;
                info!(loaded, "loaded");
                store(log.clone(), loaded).await;
                if n == 7 {
                    return Err(Failed(n));
                }
                Ok(loaded + last(log, n).await)
            }
        }

        $($attribute)*
        #[tracing::instrument(name = "loads", level = "debug", skip(log), ret, err(Debug, level = "warn"))]
        async fn load(log: &Log, n: u32, (a, b): (u32, Option<u32>)) -> Result<u32, Failed> {
            Yield::new(log, 1).await;
            info!(a, "in load");
            if n == 5 {
                Err(Failed(n))?;
            }
            Yield::new(log, 1).await;
            Ok(n + a + b.unwrap_or(0))
        }

        $($attribute)*
        #[tracing::instrument(skip_all, target = TARGET, level = tracing::Level::WARN)]
        async fn store(log: Log, mut n: u32) {
            let _note = log.note("store");
            while n > 0 {
                n /= 4;
                Yield::new(&log, 1).await;
            }
            info!("stored");
        }

        $($attribute)*
        #[tracing::instrument(ret(Display), skip(log), parent = None)]
        async fn last(log: &Log, n: u32) -> u32 {
            if n == 6 {
                Planned::panic("last", n);
            }
            Yield::new(log, 1).await;
            n
        }

        $($attribute)*
        #[instrument]
        pub(crate) async fn plain(n: u32, text: String) -> impl fmt::Display {
            std::future::ready(()).await;
            format!("{n}{text}")
        }

        $($attribute)*
        #[tracing::instrument(skip_all, fields(%value, kind = ?value))]
        pub(crate) async fn generic<T: fmt::Display + fmt::Debug>(log: Log, value: T) -> T {
            Yield::new(&log, 1).await;
            info!(%value, "held");
            value
        }
    };
}

mod plain {
    bodies!();
}

mod direct {
    bodies!(#[cps_core::cps]);
}

fn observe<F: Future<Output: fmt::Debug>>(
    make: impl Fn(Log) -> F,
    polls: u32,
) -> (Fate<String>, Vec<String>, Vec<support::Event>) {
    let (recorder, log) = (Recorder::default(), Log::default());
    let shown = async |log: Log| format!("{:?}", make(log).await);
    let (fate, lines) = recorder.record(|| run(&log, shown(log.clone()), polls));
    assert!(recorder.is_at_rest());
    log.assert_each_dropped_once();
    (fate, lines, log.events())
}

#[test]
fn the_events_are_those_of_tracings_attribute() {
    for n in 0..8 {
        for polls in 0.. {
            let plain = observe(async |log: Log| plain::Service::handle_by(&log, n).await, polls);
            let direct = observe(async |log: Log| direct::Service::handle_by(&log, n).await, polls);
            assert_eq!(plain, direct, "{n}, {polls} polls");
            if !matches!(plain.0, Fate::Cancelled) {
                break;
            }
        }
    }
}

#[test]
fn whatever_a_signature_says() {
    let plain = observe(async |_| plain::plain(1, "a".into()).await.to_string(), 9);
    let direct = observe(async |_| direct::plain(1, "a".into()).await.to_string(), 9);
    assert_eq!(plain, direct);
    assert_eq!(direct.1[0], "new plain n=1 text=\"a\" in 0");
    let plain = observe(|log| plain::generic(log, 2u8), 9);
    assert_eq!(plain, observe(|log| direct::generic(log, 2u8), 9));
}

/// The option is the same, and the chain is one.
#[cps_core::cps(instrument(skip_all, name = "outermost"))]
async fn outer(log: &Log) -> Result<u32, Failed> {
    let inner = inner(log, 1).await?;
    Ok(inner + 1)
}

#[cps_core::cps(elision = "stack", instrument(skip(log), err))]
async fn inner(log: &Log, n: u32) -> Result<u32, Failed> {
    Yield::new(log, 1).await;
    Ok(n)
}

#[test]
fn instrumented_functions_are_called_and_shown_once() {
    let (recorder, log) = (Recorder::default(), Log::default());
    let (lines, events) = recorder.record(|| {
        let mut root = Box::pin(outer(&log));
        assert!(poll(&mut root).is_pending());
        let backtrace = root.backtrace();
        assert!(poll(&mut root).is_ready());
        let frame = |n: usize| {
            let frame = &backtrace.frames()[n];
            (frame.function().to_owned(), frame.location().map(|at| at.line()))
        };
        assert_eq!(backtrace.frames().len(), 2);
        [frame(0), frame(1)]
    });
    assert!(lines[0].0.ends_with("::inner"), "{lines:?}");
    assert!(lines[1].0.ends_with("::outer") && lines[1].1.is_some(), "{lines:?}");
    assert_eq!(
        events,
        [
            "new outermost in 0",
            "enter outermost",
            "new inner n=1 in 1",
            "enter inner n=1",
            "exit inner n=1",
            "exit outermost",
            "enter outermost",
            "enter inner n=1",
            "exit inner n=1",
            "enter inner n=1",
            "exit inner n=1",
            "close inner n=1",
            "exit outermost",
            "enter outermost",
            "exit outermost",
            "close outermost",
        ]
    );
}

/// Lifetimes are erased where the compiler asks whether a spawned future is `Send`: what the span's event does with a
/// value must not be asked for each lifetime there.
#[cfg(not(miri))]
mod spawned {
    use std::error::Error;

    struct Connection {
        name: String,
    }

    #[cps_core::cps]
    #[tracing::instrument(skip(connection), err, ret)]
    async fn frame(
        connection: &mut Connection,
        prefix: &str,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        tokio::task::yield_now().await;
        Ok(Some(format!("{prefix} {}", connection.name)))
    }

    #[cps_core::cps]
    #[tracing::instrument(skip_all, err)]
    async fn command(
        connection: &mut Connection,
        prefix: &str,
    ) -> Result<String, Box<dyn Error + Send + Sync>> {
        let mut found = String::new();
        while let Some(frame) = frame(connection, prefix).await? {
            found.push_str(&frame);
            if found.len() > 20 {
                break;
            }
        }
        Ok(found)
    }

    #[test]
    fn a_function_that_is_instrumented_borrows_and_is_spawned() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let spawned = runtime.spawn(async {
            let mut connection = Connection { name: "connection".into() };
            command(&mut connection, "a").await.unwrap()
        });
        assert_eq!(runtime.block_on(spawned).unwrap(), "a connectiona connection");
    }
}

//! A subscriber that records what spans go through.
#![allow(dead_code, reason = "no test binary uses all of it")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber};

use super::Planned;

/// Records each call, one a line, with the spans that are entered.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Record_>);

#[derive(Default)]
struct Record_ {
    next: AtomicU64,
    state: Mutex<State>,
    /// The call at which the subscriber panics, counted from one.
    panics_at: AtomicU64,
    calls: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    entered: Vec<u64>,
    spans: HashMap<u64, (String, u32)>,
}

impl Recorder {
    /// One that panics when it is called for so many a time to enter, leave or close a span.
    pub(crate) fn panicking_at(call: u64) -> Self {
        let recorder = Self::default();
        recorder.0.panics_at.store(call, Relaxed);
        recorder
    }

    /// What is recorded while `f` runs, and what that gives.
    pub(crate) fn record<T>(&self, f: impl FnOnce() -> T) -> (T, Vec<String>) {
        let value = with_default(self.clone(), f);
        (value, self.0.state.lock().unwrap().lines.clone())
    }

    /// Whether all spans are closed, and none is entered.
    pub(crate) fn is_at_rest(&self) -> bool {
        let state = self.0.state.lock().unwrap();
        state.spans.is_empty() && state.entered.is_empty()
    }

    fn did(&self, what: &str, id: &Id) {
        let mut state = self.0.state.lock().unwrap();
        let name = &state.spans[&id.into_u64()].0;
        let line = format!("{what} {name}");
        state.lines.push(line);
    }

    fn may_panic(&self) {
        let call = self.0.calls.fetch_add(1, Relaxed) + 1;
        if call == self.0.panics_at.load(Relaxed) && !std::thread::panicking() {
            Planned::panic("subscriber", call as u32);
        }
    }
}

/// What is not as usual: the level, and the target if it is not in the test itself.
fn callsite(metadata: &Metadata<'_>) -> String {
    let mut text = String::new();
    if *metadata.level() != Level::INFO {
        write!(text, " {}", metadata.level()).unwrap();
    }
    if !metadata.target().starts_with(env!("CARGO_CRATE_NAME")) {
        write!(text, " for {}", metadata.target()).unwrap();
    }
    text
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Relaxed) + 1;
        let mut text = Text(String::new());
        attributes.record(&mut text);
        let metadata = attributes.metadata();
        let name = format!("{}{}{}", metadata.name(), text.0, callsite(metadata));
        let mut state = self.0.state.lock().unwrap();
        let parent = state.entered.last().copied().unwrap_or_default();
        state.lines.push(format!("new {name} in {parent}"));
        state.spans.insert(id, (name, 1));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let mut state = self.0.state.lock().unwrap();
        let entered: Vec<_> = state.entered.iter().map(|id| &state.spans[id].0).collect();
        let line = format!("event{}{} in {entered:?}", text.0, callsite(event.metadata()));
        state.lines.push(line);
    }

    fn enter(&self, id: &Id) {
        self.may_panic();
        self.did("enter", id);
        self.0.state.lock().unwrap().entered.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let top = self.0.state.lock().unwrap().entered.pop();
        assert_eq!(top, Some(id.into_u64()), "spans are left in the order of a stack");
        self.did("exit", id);
        self.may_panic();
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.state.lock().unwrap().spans.get_mut(&id.into_u64()).unwrap().1 += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let is_last = {
            let mut state = self.0.state.lock().unwrap();
            let count = &mut state.spans.get_mut(&id.into_u64()).unwrap().1;
            *count -= 1;
            *count == 0
        };
        if is_last {
            self.did("close", &id);
            self.0.state.lock().unwrap().spans.remove(&id.into_u64());
            self.may_panic();
        }
        is_last
    }
}

//! Spans and events, by a subscriber that notes them. On one thread: it is that thread's.

use std::fmt::Debug;
use std::sync::atomic::AtomicU64;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Noting {
    notes: Notes,
    spans: AtomicU64,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Noting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio::task")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.spans.fetch_add(1, SeqCst) + 1;
        let (mut fields, metadata) = (Fields(String::new()), span.metadata());
        span.record(&mut fields);
        self.notes.note(format!("{id} {} {}{}", metadata.target(), metadata.name(), fields.0));
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.notes.note(format!("{}{}", event.metadata().target(), fields.0));
    }

    fn enter(&self, id: &Id) {
        self.notes.note(format!("{} enter", id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        self.notes.note(format!("{} exit", id.into_u64()));
    }

    fn try_close(&self, id: Id) -> bool {
        self.notes.note(format!("{} close", id.into_u64()));
        true
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

fn noted(test: impl FnOnce(&Notes)) {
    let notes = Notes::default();
    let subscriber = Noting { notes: notes.clone(), spans: AtomicU64::new(0) };
    tracing::subscriber::with_default(subscriber, || test(&notes));
}

#[test]
fn a_task_is_a_span_that_is_entered_at_each_poll() {
    noted(|notes| {
        let runtime = LocalRuntime::new().unwrap();
        let entered = runtime.enter();
        let told = Told::default();
        let (line, named) = (line!() + 1, TaskBuilder::new().name("named"));
        let task = named.spawn_local(outer(told.clone()));
        drop(entered);
        let made = notes.take();
        assert_eq!(made.len(), 1, "{made:?}");
        for part in [
            "1 tokio::task runtime.spawn kind=local task.name=named".to_owned(),
            format!(" task.id={} ", task.id()),
            format!(" loc.file={:?} loc.line={line} loc.col=", file!()),
            format!(" size.bytes={} ", size_of_val(&outer(told.clone()))),
        ] {
            assert!(made[0].contains(&part), "{part}: {made:?}");
        }
        let of_task = || {
            let mut notes = notes.take();
            notes.retain(|note| note.starts_with("1 ") || note.ends_with("task.id=1"));
            notes
        };
        runtime.block_on(yield_now());
        let waker = "tokio::task::waker op=\"waker.";
        let event = |op: &str| format!("{waker}{op}\" task.id=1");
        assert_eq!(of_task(), ["1 enter".to_owned(), event("clone"), "1 exit".to_owned()]);
        told.tell();
        assert_eq!(of_task(), [event("wake")]);
        runtime.block_on(yield_now());
        let last: Vec<_> = of_task();
        // The flag has the waker of this poll, too. The handle keeps the task, and not the span.
        assert_eq!(last, ["1 enter".to_owned(), event("clone"), "1 exit".into(), "1 close".into()]);
        drop(told);
        assert_eq!(of_task(), [event("drop")]);
        assert_eq!(runtime.block_on(task).unwrap(), 2);
        assert_eq!(of_task(), [""; 0]);
    });
}

#[test]
fn kinds_say_how_a_task_was_spawned_and_each_span_is_closed() {
    noted(|notes| {
        block_on(async {
            let tasks = (spawn(async {}), spawn_local(pending::<()>()));
            reactor::spawn_blocking(|| ()).await.unwrap();
            tasks.0.await.unwrap();
            let panics = spawn_local(async { panic!("of a test") });
            let _: reactor::JoinError = panics.await.unwrap_err();
        });
        let notes = notes.take();
        let count = |part: &str| notes.iter().filter(|note| note.contains(part)).count();
        for (kind, expected) in [("block_on", 1), ("task", 1), ("local", 2), ("blocking", 1)] {
            assert_eq!(
                count(&format!("runtime.spawn kind={kind} ")),
                expected,
                "{kind}: {notes:?}"
            );
        }
        assert_eq!((count(" close"), count(" enter")), (5, count(" exit")), "{notes:?}");
    });
}

//! Compiles a body plainly and as a coroutine, runs both, and compares all that can be seen.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll, Wake, Waker};

/// A test of this name, which compares the calls.
///
/// ```text
/// both! {
///     name: call, call;
///     #[rustfmt::co]
///     async fn …
/// }
/// ```
///
/// What follows the semicolon is compiled twice, token for token, in a module `plain` and in a
/// module `cps`. `rustfmt` is a tool of the compiler's, so that the attribute `rustfmt::co` means
/// nothing in the first; in the second the name is taken by a module in which `co` is
/// `cps_core::coroutine`. So nothing rewrites the text on its way, and both copies have the same
/// spans: the places of panics are compared too. A call is a future.
macro_rules! both {
    ($(#[$meta:meta])* $name:ident: $($call:expr),+ $(,)?; $($body:tt)*) => {
        $(#[$meta])*
        mod $name {
            mod plain {
                use super::super::*;
                use $crate::harness::prelude::{plain::*, *};
                $($body)*
                pub(super) const CALLS: &[$crate::harness::Make] =
                    &[$(|| Box::pin(async { $crate::harness::render(&$call.await) })),+];
            }

            mod cps {
                use super::super::*;
                use $crate::harness::coroutine as rustfmt;
                use $crate::harness::prelude::{cps::*, *};
                $($body)*
                pub(super) const CALLS: &[$crate::harness::Make] =
                    &[$(|| Box::pin(async { $crate::harness::render(&$call.await) })),+];
            }

            #[test]
            fn same() {
                $crate::harness::compare(plain::CALLS, cps::CALLS);
            }
        }
    };
}

/// A case of `both!` each: a body without arguments, and its type.
macro_rules! bodies {
    ($($name:ident -> $ty:ty { $($body:tt)* })*) => { $(
        both! {
            $name: body();
            #[rustfmt::co]
            async fn body() -> $ty { $($body)* }
        }
    )* };
}

/// A case of `both!` each: a call, and a macro that is called once and makes the coroutine.
macro_rules! fragments {
    ($($name:ident: $call:expr; ($($rule:tt)*) => { $($text:tt)* } $(($($input:tt)*))? )*) => { $(
        both! {
            $name: $call;
            macro_rules! make { ($($rule)*) => { $($text)* }; }
            $(make! { $($input)* })?
        }
    )* };
}

/// Stands where `both!` puts it under the name of a tool.
pub(crate) mod coroutine {
    pub(crate) use cps_core::coroutine as co;
}

/// Makes a future of the text that a value has.
pub(crate) type Make = fn() -> Pin<Box<dyn Future<Output = String>>>;

pub(crate) fn render(value: &dyn Debug) -> String {
    format!("{value:?}")
}

/// How often each leaf suspends.
#[derive(Clone, Copy, Debug, Default)]
enum Schedule {
    #[default]
    Never,
    Once,
    Twice,
    /// Every other leaf, once.
    Alternating,
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    leaves: u32,
    events: Vec<String>,
    /// Made and not yet dropped.
    notes: i32,
    panics: Panics,
}

/// What becomes of text and place of a panic.
#[derive(Clone, Copy, Default)]
enum Panics {
    /// Those of the test itself.
    #[default]
    Printed,
    Recorded,
    Silent,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn event(text: String) {
    STATE.with_borrow_mut(|state| state.events.push(text));
}

/// What the bodies use.
pub(crate) mod prelude {
    use super::*;

    /// Logs.
    pub(crate) fn did(what: impl Display) {
        event(what.to_string());
    }

    /// Logs, and gives the value: for the order of evaluation.
    pub(crate) fn seen<T: Debug>(value: T) -> T {
        event(format!("{value:?}"));
        value
    }

    /// Whether a call panics, for panics whose text is not the body's.
    pub(crate) fn panics<T>(f: impl FnOnce() -> T) -> bool {
        STATE.with_borrow_mut(|state| state.panics = Panics::Silent);
        let result = catch_unwind(AssertUnwindSafe(f));
        STATE.with_borrow_mut(|state| state.panics = Panics::Recorded);
        result.is_err()
    }

    /// A value that logs its drop.
    #[derive(PartialEq, Debug)]
    pub(crate) struct Note(pub(crate) &'static str);

    pub(crate) fn note(name: &'static str) -> Note {
        STATE.with_borrow_mut(|state| state.notes += 1);
        Note(name)
    }

    impl Note {
        pub(crate) fn len(&self) -> usize {
            event(format!("len of {}", self.0));
            self.0.len()
        }

        pub(crate) fn take(self) -> usize {
            self.0.len()
        }
    }

    impl Drop for Note {
        fn drop(&mut self) {
            let during = if std::thread::panicking() { " (panicking)" } else { "" };
            event(format!("drop {}{during}", self.0));
            STATE.with_borrow_mut(|state| state.notes -= 1);
        }
    }

    /// A leaf: suspends as the schedule says. It logs its polls and its drop.
    pub(crate) struct Leaf {
        left: u32,
        note: Note,
    }

    pub(crate) fn leaf() -> Leaf {
        let left = STATE.with_borrow_mut(|state| {
            state.leaves += 1;
            match state.schedule {
                Schedule::Never => 0,
                Schedule::Once => 1,
                Schedule::Twice => 2,
                Schedule::Alternating => state.leaves % 2,
            }
        });
        Leaf { left, note: note("leaf") }
    }

    impl Future for Leaf {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            event("leaf is polled".to_owned());
            if self.left == 0 {
                return Poll::Ready(());
            }
            self.left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }

    /// A function, for a panic in a macro has the place of the macro's call.
    fn explode(text: &str) -> ! {
        panic!("{text}")
    }

    macro_rules! callees {
        ($name:ident $(, #[$co:meta])?, $pack:ident) => {
            /// Coroutines that the bodies call, or plain twins.
            pub(crate) mod $name {
                use super::{Note, leaf, note};
                pub(crate) use super::$pack as pack;

                $(#[$co])?
                pub(crate) async fn pause() {
                    leaf().await
                }

                /// Suspends and gives the argument back.
                $(#[$co])?
                pub(crate) async fn echo<T>(x: T) -> T {
                    leaf().await;
                    x
                }

                /// Suspends before the value is made.
                $(#[$co])?
                pub(crate) async fn give(name: &'static str) -> Note {
                    leaf().await;
                    note(name)
                }

                /// Suspends while it borrows.
                $(#[$co])?
                pub(crate) async fn look(note: &Note) -> usize {
                    leaf().await;
                    note.len()
                }

                $(#[$co])?
                pub(crate) async fn fail<T>(text: &'static str) -> T {
                    leaf().await;
                    super::explode(text)
                }
            }
        };
    }

    callees!(plain, block);
    callees!(cps, #[cps_core::coroutine], packed);

    /// What `pack!` is without the attribute: a block.
    macro_rules! block {
        ($($body:tt)*) => {
            { $($body)* }
        };
    }
    pub(crate) use block;
    pub(crate) use cps_core::pack as packed;
}

/// Counts nothing: that it was woken is an event.
struct Woken;

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        event("woken".to_owned());
    }
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "a payload that is no text".to_owned(),
    }
}

/// Text and place of a panic become an event where one is being recorded.
fn record_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            match STATE.with_borrow(|state| state.panics) {
                Panics::Printed => return print(info),
                Panics::Silent => return,
                Panics::Recorded => {}
            }
            event(format!("panic: {} at {}", text_of(info.payload()), info.location().unwrap()));
        }));
    });
}

/// Polls so many times at most, then drops. Gives what happened and the number of polls.
fn run(make: Make, schedule: Schedule, most: usize) -> (Vec<String>, usize) {
    STATE.set(State { schedule, panics: Panics::Recorded, ..State::default() });
    let waker = Waker::from(Arc::new(Woken));
    let mut future = make();
    let mut polls = 0;
    while polls < most {
        polls += 1;
        event(format!("-- poll {polls}"));
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => continue,
            Ok(Poll::Ready(value)) => event(format!("-- value {value}")),
            Err(payload) => event(format!("-- panicked: {}", text_of(&*payload))),
        }
        break;
    }
    event("-- drop".to_owned());
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
        event(format!("-- panicked in drop: {}", text_of(&*payload)));
    }
    let state = STATE.take();
    let mut events = state.events;
    // The compiler leaks the value of a block, if a destructor panics after it was made.
    events.push(format!("-- {} values were never dropped", state.notes));
    // The one difference that there is: names of types say in which module they stand.
    let same = |event: &String| event.replace("::cps::", "::plain::");
    (events.iter().map(same).collect(), polls)
}

/// More polls than any case needs.
const MOST: usize = 500;

/// Panics unless each call does the same in both: run to its end under each schedule, and dropped
/// at each of its suspensions.
pub(crate) fn compare(plain: &[Make], cps: &[Make]) {
    record_panics();
    // Miri takes a hundred times as long.
    let (schedules, every) = if cfg!(miri) {
        (&[Schedule::Once][..], 3)
    } else {
        (&[Schedule::Never, Schedule::Once, Schedule::Twice, Schedule::Alternating][..], 1)
    };
    for (index, (&plain, &cps)) in plain.iter().zip(cps).enumerate() {
        for &schedule in schedules {
            let (expected, polls) = run(plain, schedule, MOST);
            assert!(polls < MOST, "call {index} does not end: {expected:?}");
            let compare = |most, expected: Vec<String>| {
                let (events, _) = run(cps, schedule, most);
                assert!(
                    events == expected,
                    "call {index}, {schedule:?}, at most {most} polls\nplain: {expected:#?}\n\
                     coroutine: {events:#?}",
                );
            };
            compare(MOST, expected);
            for most in (0..polls.min(40)).step_by(every) {
                compare(most, run(plain, schedule, most).0);
            }
        }
    }
}

/// Or all else would compare a thing with itself.
#[test]
fn the_attribute_is_in_force() {
    fn name<T>(_: &T) -> &'static str {
        std::any::type_name::<T>()
    }
    // In a macro, for rustfmt knows its own attributes only.
    macro_rules! sample {
        ($($item:item)*) => {
            mod sample {
                use super::coroutine as rustfmt;
                $($item)*
            }
        };
    }
    sample! {
        #[rustfmt::co]
        pub(super) async fn body() {}
    }
    assert!(name(&sample::body()).contains("cps_core"));
    assert!(name(&prelude::cps::pause()).contains("cps_core"));
    assert!(!name(&prelude::plain::pause()).contains("cps_core"));
}

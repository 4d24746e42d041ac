//! Backtraces, as whole texts. The places are found by comments in this file: the `.await` marked
//! `at name` is where `name` waits.

mod support;

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{Context, Waker};

use cps_core::{BoxCoroutine, Root, coroutine_block};
use support::YieldOnce;

/// `file:line:column` of the await in the line marked so.
fn place(marker: &str) -> String {
    let marker = format!("// at {marker}");
    let (index, line) = include_str!("backtrace.rs")
        .lines()
        .enumerate()
        .find(|(_, line)| line.ends_with(&marker))
        .unwrap_or_else(|| panic!("no {marker}"));
    let column = line.find("await").or_else(|| line.find("cps_core::backtrace")).unwrap();
    format!("{}:{}:{}", file!(), index + 1, column + 1)
}

/// The text of a backtrace of these functions, and where they wait.
fn text(frames: &[(&str, Option<&str>)]) -> String {
    let mut text = String::new();
    for (index, (function, marker)) in frames.iter().enumerate() {
        text += &format!("{index:>4}: backtrace::{function}\n");
        if let Some(marker) = marker {
            text += &format!("             at {}\n", place(marker));
        }
    }
    text
}

#[cps_core::coroutine]
async fn leaf(levels: u32) -> u32 {
    YieldOnce::default().await; // at leaf
    levels
}

/// The line of the innermost function is known with the feature only.
const LEAF: Option<&str> = if cfg!(feature = "backtrace") { Some("leaf") } else { None };

#[cps_core::coroutine]
async fn inline(levels: u32) -> u32 {
    leaf(levels).await // at inline
}

#[cps_core::coroutine]
async fn stack(levels: u32) -> u32 {
    let inner = inline(levels).on_stack().await; // at stack
    inner + 1
}

#[cps_core::coroutine]
async fn heap(levels: u32) -> u32 {
    let below = stack(levels).on_heap().await; // at heap
    assert_eq!(below, levels + 1);
    levels
}

fn erased(levels: u32) -> BoxCoroutine<'static, u32> {
    heap(levels).boxed()
}

struct Service;

impl Service {
    #[cps_core::coroutine]
    async fn call(&self, levels: u32) -> u32 {
        let call = coroutine_block! {
            erased(levels).await // at block
        };
        call.inline_up_to::<8>().await // at call
    }
}

#[cps_core::coroutine]
async fn recursive(levels: u32) -> u32 {
    if levels == 0 {
        return Service.call(1).await; // at bottom
    }
    recursive(levels - 1).try_on_stack().await.unwrap() // at recursive
}

const BELOW: [(&str, Option<&str>); 6] = [
    ("leaf", LEAF),
    ("inline", Some("inline")),
    ("stack", Some("stack")),
    ("heap", Some("heap")),
    ("Service::call::{block}", Some("block")),
    ("Service::call", Some("call")),
];

fn poll<F: Future>(root: std::pin::Pin<&mut F>) -> bool {
    root.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_suspended_root_shows_every_function_and_where_it_waits() {
    let mut root = pin!(recursive(2).into_future());
    assert_eq!(root.backtrace().to_string(), "");
    assert!(!poll(root.as_mut()));
    let mut frames = BELOW.to_vec();
    frames.push(("recursive", Some("bottom")));
    frames.push(("recursive", Some("recursive")));
    frames.push(("recursive", Some("recursive")));
    assert_eq!(root.backtrace().to_string(), text(&frames));
    assert!(poll(root.as_mut()));
    assert_eq!(root.backtrace().to_string(), "");
}

#[test]
fn a_boxed_root_is_shown_as_any_other() {
    let mut root = pin!(erased(1).into_future());
    assert_eq!(root.backtrace().to_string(), "");
    assert!(!poll(root.as_mut()));
    assert_eq!(root.backtrace().to_string(), text(&BELOW[..4]));
    assert!(poll(root.as_mut()));
    assert_eq!(root.backtrace().to_string(), "");
}

#[test]
fn deferred_calls_are_shown_before_and_after_they_start() {
    // Far more than the host stack's budget.
    let levels = if cfg!(miri) { 100 } else { 5_000 };
    let mut root = pin!(recursive(levels).into_future());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    let frames = backtrace.frames();
    assert_eq!(frames.len(), BELOW.len() + levels as usize + 1);
    assert!(frames[BELOW.len()..].iter().all(|frame| frame.function() == "backtrace::recursive"));
    let at = frames.last().unwrap().location().unwrap().to_string();
    assert_eq!(at, place("recursive"));
}

#[test]
fn a_frame_is_an_item_with_a_function_and_a_place() {
    let mut root: std::pin::Pin<Box<Root<_>>> = Box::pin(inline(1).into_root());
    assert!(!poll(root.as_mut()));
    let backtrace = root.backtrace();
    let [inner, outer] = backtrace.frames() else { panic!("{backtrace}") };
    let at = inner.location().map(ToString::to_string);
    assert_eq!((inner.function(), at), ("backtrace::leaf", LEAF.map(place)));
    assert_eq!(outer.function(), "backtrace::inline");
    assert_eq!(outer.location().unwrap().to_string(), place("inline"));
    assert_eq!(backtrace, root.backtrace());
}

#[cps_core::coroutine]
async fn innermost_nested(waits: bool) -> u32 {
    if waits {
        YieldOnce::default().await; // at itself
        return 0;
    }
    leaf(1).await // at innermost nested
}

#[cps_core::coroutine(nested)]
async fn nested(waits: bool) -> u32 {
    innermost_nested(waits).nested().await // at nested
}

#[cps_core::coroutine]
async fn host(waits: bool) -> u32 {
    let first = nested(waits).await; // at host
    first + nested(waits).await // at host again
}

#[cps_core::coroutine]
async fn calls_the_host() -> u32 {
    let first = nested(true).await; // at its own part
    first + host(false).await // at the call of the host
}

/// A body without a frame is shown with the feature only. Without it its place is shown as its host's.
#[test]
fn nested_bodies_are_shown_before_their_host() {
    let nested = |innermost, host, caller: Option<_>| {
        let mut frames = vec![];
        if innermost == "innermost nested" {
            frames.push(("leaf", LEAF));
        }
        if cfg!(feature = "backtrace") {
            frames.push(("innermost_nested", Some(innermost)));
            frames.push(("nested", Some("nested")));
            frames.push((if caller.is_some() { "host" } else { "calls_the_host" }, Some(host)));
        } else if innermost == "itself" {
            frames.push(("calls_the_host", None));
        } else {
            frames.push(("host", Some(innermost)));
        }
        frames.extend(caller.map(|caller| ("calls_the_host", Some(caller))));
        text(&frames)
    };
    let mut root = pin!(calls_the_host().into_future());
    assert!(!poll(root.as_mut()));
    let caller = "the call of the host";
    assert_eq!(root.backtrace().to_string(), nested("itself", "its own part", None));
    assert!(!poll(root.as_mut()));
    let first = nested("innermost nested", "host", Some(caller));
    assert_eq!(root.backtrace().to_string(), first);
    assert!(!poll(root.as_mut()));
    let second = nested("innermost nested", "host again", Some(caller));
    assert_eq!(root.backtrace().to_string(), second);
    assert!(poll(root.as_mut()));
    assert_eq!(root.backtrace().to_string(), "");
}

#[cfg(feature = "backtrace")]
mod from_within {
    use super::*;

    #[cps_core::coroutine]
    async fn ask(yields: bool) -> String {
        if yields {
            YieldOnce::default().await;
        }
        cps_core::backtrace().to_string() // at ask
    }

    #[cps_core::coroutine]
    async fn middle(yields: bool) -> String {
        let inner = ask(yields).await; // at middle
        inner
    }

    fn erased(yields: bool) -> BoxCoroutine<'static, String> {
        middle(yields).boxed()
    }

    #[cps_core::coroutine]
    async fn outer(levels: u32, yields: bool) -> String {
        match levels {
            0 => erased(yields).await,              // at outer
            1 => outer(0, yields).on_heap().await,  // at heap call
            _ => outer(1, yields).on_stack().await, // at stack call
        }
    }

    #[cps_core::coroutine]
    async fn asks_as_a_part(yields: bool) -> String {
        if yields {
            YieldOnce::default().await;
        }
        let here = cps_core::backtrace().to_string(); // at part
        let below = ask(yields).await; // at part again
        here + &below
    }

    #[cps_core::coroutine]
    async fn part(yields: bool) -> String {
        asks_as_a_part(yields).nested().await // at part of a part
    }

    #[cps_core::coroutine]
    async fn hosts(yields: bool) -> String {
        part(yields).nested().await // at hosts
    }

    #[cps_core::coroutine]
    async fn calls(yields: bool) -> String {
        hosts(yields).await // at calls
    }

    #[test]
    fn a_nested_body_is_seen_whether_it_has_suspended_or_not() {
        for yields in [false, true] {
            let (seen, _) = support::drive(calls(yields).into_future());
            let outside = [
                ("from_within::part", Some("part of a part")),
                ("from_within::hosts", Some("hosts")),
                ("from_within::calls", Some("calls")),
            ];
            let mut here = vec![("from_within::asks_as_a_part", Some("part"))];
            here.extend(outside);
            let mut below = vec![
                ("from_within::ask", Some("ask")),
                ("from_within::asks_as_a_part", Some("part again")),
            ];
            below.extend(outside);
            assert_eq!(seen, text(&here) + &text(&below));
        }
    }

    /// Runs a chain of its own.
    #[cps_core::coroutine]
    async fn nest(yields: bool) -> String {
        let root = outer(2, yields).into_future();
        root.await // at nest
    }

    #[cps_core::coroutine]
    async fn outermost(yields: bool) -> String {
        nest(yields).await // at outermost
    }

    const CHAIN: [(&str, Option<&str>); 5] = [
        ("from_within::ask", Some("ask")),
        ("from_within::middle", Some("middle")),
        ("from_within::outer", Some("outer")),
        ("from_within::outer", Some("heap call")),
        ("from_within::outer", Some("stack call")),
    ];

    #[test]
    fn a_running_body_sees_its_callers_whether_they_have_suspended_or_not() {
        for yields in [false, true] {
            let (seen, _) = support::drive(outer(2, yields).into_future());
            assert_eq!(seen, text(&CHAIN));
        }
        assert_eq!(cps_core::backtrace().to_string(), "");
    }

    #[test]
    fn a_chain_within_another_is_followed_by_it() {
        for yields in [false, true] {
            let (seen, _) = support::drive(outermost(yields).into_future());
            let mut frames = CHAIN.to_vec();
            frames.push(("from_within::nest", Some("nest")));
            frames.push(("from_within::outermost", Some("outermost")));
            assert_eq!(seen, text(&frames));
        }
    }

    /// What a program that panics in `fails` prints after the standard library's message.
    #[test]
    fn the_panic_hook_prints_the_chain_that_panics() {
        #[cps_core::coroutine]
        async fn fails() {
            YieldOnce::default().await;
            panic!("no such page");
        }
        #[cps_core::coroutine]
        async fn caller() {
            fails().await; // at caller
        }
        if std::env::var_os("PANICS").is_some() {
            cps_core::backtrace::install_panic_hook();
            let mut root = pin!(caller().into_future());
            while !poll(root.as_mut()) {}
        }
        if cfg!(miri) {
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["the_panic_hook_prints", "--nocapture", "--test-threads=1"])
            .env("PANICS", "")
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let test = "from_within::the_panic_hook_prints_the_chain_that_panics";
        let frames =
            [(&*format!("{test}::fails"), None), (&*format!("{test}::caller"), Some("caller"))];
        let expected = format!("coroutine backtrace:\n{}", text(&frames));
        assert!(stderr.contains("no such page") && stderr.contains(&expected), "{stderr}");
        assert!(!output.status.success());
    }
}

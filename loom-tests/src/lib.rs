//! Model checks of every cross-thread protocol: one file a protocol under `tests/`, the races named
//! in `README.md`.
//!
//! A scenario is written once, against [`rt`]. Under `cfg(loom)` it is a model: loom runs every
//! interleaving, and every value that a relaxed load may return. Otherwise it is a stress test:
//! many runs on real threads, which proves little and costs little. The weakened variants, which a
//! model must reject, exist under loom only: real hardware hardly ever shows them.

extern crate alloc;

// The very source of `cps-core`, with this crate as its root: private parts stay private there.
#[allow(missing_docs)]
#[path = "../../cps-core/src/borrowed_waker.rs"]
pub mod borrowed_waker;
#[allow(missing_docs, missing_debug_implementations)]
#[path = "../../cps-core/src/concurrent/scope/inbox.rs"]
pub mod inbox;
#[allow(missing_docs, unreachable_pub, dead_code)]
#[path = "../../cps-core/src/suspend/mod.rs"]
pub mod suspend;
#[allow(missing_docs, unreachable_pub)]
#[path = "../../cps-core/src/sync.rs"]
pub mod sync;
#[allow(missing_docs)]
#[path = "../../cps-core/src/wake_set/mod.rs"]
pub mod wake_set;

pub mod event_queue;
pub mod memory;

/// The protocols of `reactor`, under one path in both modes.
pub mod reactor_protocols {
    #[cfg(not(loom))]
    pub use reactor::protocol::*;
    #[cfg(loom)]
    pub use reactor::{
        driver::timers,
        idle, life, list, parker, parking,
        pool::{hand_off, threads},
        slot, source,
        task::{counter, join_state, members, references, remote_queue},
    };
}

/// Threads, atomics and cells for scenarios: loom's, or the standard library's.
pub mod rt {
    #[cfg(loom)]
    pub use reactor::sync::time::next_waits_are_endless;

    /// Time is real: nothing to say.
    #[cfg(not(loom))]
    pub fn next_waits_are_endless(_: usize) {}

    #[cfg(loom)]
    pub use loom::{
        cell::UnsafeCell,
        model,
        sync::{
            Arc, Condvar, Mutex,
            atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
        },
        thread,
    };

    #[cfg(not(loom))]
    pub use self::real::{UnsafeCell, model};
    #[cfg(not(loom))]
    pub use std::{
        sync::{
            Arc, Condvar, Mutex,
            atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
        },
        thread,
    };

    #[cfg(not(loom))]
    mod real {
        /// Runs of a scenario. With two or three threads each, a file takes a few seconds.
        const RUNS: usize = if cfg!(miri) { 20 } else { 500 };

        /// Runs `scenario` many times on real threads.
        pub fn model(scenario: impl Fn()) {
            (0..RUNS).for_each(|_| scenario());
        }

        /// A cell with loom's interface.
        #[derive(Debug, Default)]
        pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

        impl<T> UnsafeCell<T> {
            /// A cell that holds `value`.
            pub fn new(value: T) -> Self {
                Self(std::cell::UnsafeCell::new(value))
            }

            /// Calls `access` with a pointer that may be read through while nobody writes.
            pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
                access(self.0.get())
            }

            /// Calls `access` with a pointer that may be written through while no other access
            /// runs.
            pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
                access(self.0.get())
            }
        }
    }
}

/// Tests that these scenarios hold: each, or each of what is in the brackets.
#[macro_export]
macro_rules! models {
    (of $of:tt: $($scenario:ident)*) => {
        mod holds {
            #[allow(unused_imports)] // Types in the brackets.
            use super::*;
            $(#[test] fn $scenario() { $crate::models!(@each $of $scenario); })*
        }
    };
    (@each [$($of:tt),+] $scenario:ident) => {
        $($crate::rt::model(super::$scenario::<$of>);)+
    };
    ($($scenario:ident)*) => {
        mod holds {
            $(#[test] fn $scenario() { $crate::rt::model(super::$scenario); })*
        }
    };
}

/// The names of the orderings in a protocol's source: what stands in quotes inside `order::…(…)`.
pub fn sites(source: &str) -> Vec<&str> {
    let mut sites: Vec<_> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("order::").skip(1))
        .filter_map(|rest| Some(&rest[rest.find('(')? + 1..rest.find(')')?]))
        .flat_map(|arguments| arguments.split('"').skip(1).step_by(2))
        .collect();
    sites.sort_unstable();
    sites.dedup();
    sites
}

/// Runs a model that must fail, and returns the message of its failure.
///
/// On a thread of its own, so that nothing of the failed run is left on this one.
///
/// # Panics
///
/// If the model passes.
#[cfg(loom)]
pub fn rejected(what: &str, model: impl FnOnce() + Send + 'static) -> String {
    let Err(panic) = std::thread::spawn(model).join() else {
        panic!("the model accepts the weakened protocol: {what}");
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().unwrap_or(&"").to_string(),
    }
}

/// As [`rejected`], in a process of its own: for protocols whose destructors, run while the model's
/// failure unwinds, fail again and so abort.
///
/// Runs the ignored test `test` of the same program, which runs the model of [`case`].
///
/// # Panics
///
/// If the model passes.
#[cfg(loom)]
pub fn rejected_in_process(test: &str, case: &str) -> String {
    let program = std::env::current_exe().expect("the test program has a path");
    let run = std::process::Command::new(program)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(CASE, case)
        // Whatever the models' own bound is: some flaws take three preemptions to show.
        .env("LOOM_MAX_PREEMPTIONS", "3")
        .output()
        .expect("the test program runs again");
    assert!(!run.status.success(), "the model accepts the weakened protocol: {case}");
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// The case that [`rejected_in_process`] asks for; `None` in a test program that somebody else
/// runs.
#[cfg(loom)]
pub fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

#[cfg(loom)]
const CASE: &str = "LOOM_TESTS_CASE";

/// Tests that each ordering in the protocol's sources is needed: without it, the scenario beside it fails.
///
/// For the module `weakened` of a test program, which knows the scenarios.
#[cfg(loom)]
#[macro_export]
macro_rules! every_ordering_is_needed {
    (
        in $($source:literal),+,
        weakened by $weakened:path,
        seen as $($message:literal)or+,
        $($site:literal => $scenario:expr,)+
    ) => {
        const NEEDED: &[(&str, fn())] = &[$(($site, $scenario)),+];

        #[test]
        fn the_table_names_every_ordering_of_the_source() {
            let named: Vec<_> = NEEDED.iter().map(|&(site, _)| site).collect();
            assert_eq!(named, $crate::sites(concat!($(include_str!($source)),+)));
        }

        #[test]
        fn without_any_one_ordering_a_model_fails() {
            for &(site, _) in NEEDED {
                let message = $crate::rejected_in_process("weakened::one_ordering", site);
                assert!([$($message),+].iter().any(|m| message.contains(m)), "{site}: {message}");
            }
        }

        #[test]
        #[ignore = "run by without_any_one_ordering_a_model_fails, and fails"]
        fn one_ordering() {
            let Some(case) = $crate::case() else { return };
            let &(site, scenario) = NEEDED.iter().find(|(site, _)| *site == case).expect("a site");
            $weakened(site, move || $crate::rt::model(scenario));
        }
    };
}

/// Tests that a model fails with each of these flaws, and with what message.
///
/// For the module `weakened` of a test program.
#[cfg(loom)]
#[macro_export]
macro_rules! every_flaw_is_found {
    ($($flaw:literal => $scenario:expr, says $message:literal;)+) => {
        const FLAWS: &[(&str, fn(), &str)] = &[$(($flaw, $scenario, $message)),+];

        #[test]
        fn with_any_one_flaw_a_model_fails() {
            for &(flaw, _, says) in FLAWS {
                let message = $crate::rejected_in_process("weakened::one_flaw", flaw);
                assert!(message.contains(says), "{flaw}: {message}");
            }
        }

        #[test]
        #[ignore = "run by with_any_one_flaw_a_model_fails, and fails"]
        fn one_flaw() {
            let Some(case) = $crate::case() else { return };
            let &(_, scenario, _) = FLAWS.iter().find(|(flaw, ..)| *flaw == case).expect("a flaw");
            $crate::rt::model(scenario);
        }
    };
}

/// [`sync::order::weakened`] of the protocols of `reactor`.
#[cfg(loom)]
pub use reactor::sync::order::weakened as weakened_in_reactor;

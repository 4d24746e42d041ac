//! Which chains run on this thread: for backtraces from within, with the feature `backtrace`.

use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use std::boxed::Box;
use std::{eprint, panic, thread_local};

use crate::backtrace::Backtrace;
use crate::driver::{Driver, Header, VTable};

/// A poll that is under way on this thread.
struct Running {
    driver: *const Driver,
    /// The poll within which this one is: of a chain that a body of another awaits as a future.
    outer: *const Running,
}

thread_local! {
    static INNERMOST: Cell<*const Running> = const { Cell::new(ptr::null()) };
}

/// Polls, and has the driver's chain among those that run on this thread meanwhile.
pub(crate) fn during<T>(driver: *const Driver, poll: impl FnOnce() -> T) -> T {
    struct Leave(*const Running);
    impl Drop for Leave {
        fn drop(&mut self) {
            INNERMOST.set(self.0);
        }
    }

    let running = Running { driver, outer: INNERMOST.get() };
    let _leave = Leave(running.outer);
    INNERMOST.set(&raw const running);
    poll()
}

/// A call that is under way on the host stack, and not a part of its chain: it has not suspended.
pub(crate) struct Starting {
    frame: *const Header,
    vtable: *const VTable,
    /// The call within which this one is.
    outer: *const Starting,
}

/// Polls a frame for the first time, and has it seen meanwhile, though it is not linked. The vtable is
/// that which it will have.
///
/// The driver is valid.
pub(crate) fn starting<T>(
    driver: *const Driver,
    frame: *const Header,
    vtable: *const VTable,
    poll: impl FnOnce() -> T,
) -> T {
    struct Leave(*const Driver, *const Starting);
    impl Drop for Leave {
        fn drop(&mut self) {
            // SAFETY: the driver outlives its polls.
            unsafe { (*self.0).starting.set(self.1) }
        }
    }

    // SAFETY: it is in a poll.
    let innermost = unsafe { &(*driver).starting };
    let starting = Starting { frame, vtable, outer: innermost.get() };
    let _leave = Leave(driver, starting.outer);
    innermost.set(&raw const starting);
    poll()
}

/// The functions of the chain of coroutines that runs on this thread, the innermost first, and the
/// place where each of them is: the innermost here, the others at an `.await`.
///
/// A chain that runs within another, as a future that a body awaits, is followed by the other.
/// Outside of coroutines the backtrace is empty.
///
/// ```
/// #[cps_core::coroutine]
/// async fn inner() -> String {
///     cps_core::backtrace().to_string()
/// }
///
/// #[cps_core::coroutine]
/// async fn outer() -> String {
///     inner().await
/// }
///
/// let text = futures::executor::block_on(async { outer().await });
/// let (inner, outer) = (text.find("::inner").unwrap(), text.find("::outer").unwrap());
/// assert!(inner < outer);
/// ```
#[must_use]
#[track_caller]
pub fn backtrace() -> Backtrace {
    capture(Some(Location::caller()))
}

fn capture(here: Option<&'static Location<'static>>) -> Backtrace {
    let mut backtrace = Backtrace::empty();
    let mut location = here;
    let mut running = INNERMOST.get();
    while !running.is_null() {
        // SAFETY: what is in the lists are polls and calls under way, further down on this stack. What
        // is in the chain is linked, and nothing ends a frame while this function runs.
        unsafe {
            let driver = &*(*running).driver;
            location = location.or(driver.waits_at());
            let mut starting = driver.starting.get();
            while !starting.is_null() {
                let description = ((*(*starting).vtable).describe)((*starting).frame);
                location = backtrace.push(description, location);
                starting = (*starting).outer;
            }
            backtrace.extend(driver.leaf.get(), location);
            running = (*running).outer;
        }
        location = None;
    }
    backtrace
}

/// Adds to the present panic hook: it then prints the chain of coroutines that panicked too, if
/// there is one.
///
/// ```text
/// thread 'main' panicked at src/app.rs:30:5:
/// no such page
/// coroutine backtrace:
///    0: app::read
///    1: app::load
///              at src/app.rs:12:20
/// ```
pub fn install_panic_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        previous(info);
        let backtrace = capture(None);
        if !backtrace.frames().is_empty() {
            eprint!("coroutine backtrace:\n{backtrace}");
        }
    }));
}

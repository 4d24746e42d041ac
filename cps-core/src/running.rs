//! Which chains run on this thread: for backtraces from within, with the feature `backtrace`.

use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use std::boxed::Box;
use std::{eprint, panic, thread_local};

use crate::backtrace::Backtrace;
use crate::driver::{Driver, Header, VTable};

/// A poll that is under way on this thread, in a list of them.
pub(crate) struct Running {
    driver: *const Driver,
    /// The poll within which this one is: of a chain that a body of another awaits as a future.
    outer: *const Running,
}

thread_local! {
    static INNERMOST: Cell<*const Running> = const { Cell::new(ptr::null()) };
}

impl Running {
    pub(crate) fn new(driver: *const Driver) -> Self {
        Running { driver, outer: INNERMOST.get() }
    }

    /// Has the driver's chain among those that run on this thread, until what this returns is dropped.
    pub(crate) fn enter(&self) -> impl Drop + '_ {
        struct Leave<'a>(&'a Running);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                INNERMOST.set(self.0.outer);
            }
        }

        INNERMOST.set(self);
        Leave(self)
    }
}

/// A call that is under way on the host stack, and not a part of its chain: it has not suspended. In a list of
/// them, of its driver's.
pub(crate) struct Starting {
    driver: *const Driver,
    frame: *const Header,
    /// That which the frame will have.
    vtable: *const VTable,
    /// The call within which this one is.
    outer: Cell<*const Starting>,
}

impl Starting {
    pub(crate) fn new(driver: *const Driver, frame: *const Header, vtable: *const VTable) -> Self {
        Starting { driver, frame, vtable, outer: Cell::new(ptr::null()) }
    }

    /// Has the frame seen, though it is not linked, until what this returns is dropped.
    ///
    /// # Safety
    /// The driver is in a poll until then.
    pub(crate) unsafe fn enter(&self) -> impl Drop + '_ {
        struct Leave<'a>(&'a Starting);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                // SAFETY: the driver is in a poll (contract of `enter`).
                unsafe { (*self.0.driver).starting.set(self.0.outer.get()) }
            }
        }

        // SAFETY: by contract.
        let innermost = unsafe { &(*self.driver).starting };
        self.outer.set(innermost.get());
        innermost.set(self);
        Leave(self)
    }
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
                starting = (*starting).outer.get();
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

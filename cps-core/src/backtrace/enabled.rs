//! Which chains run on this thread: for backtraces from within, with the feature `backtrace`.

use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use std::boxed::Box;
use std::{eprint, panic, thread_local};

use crate::backtrace::Backtrace;
use crate::chain::NestedCalls;
use crate::chain::driver::Driver;

/// A poll that is under way on this thread, in a list of them.
///
/// The list is doubly linked, and a poll takes itself out of it wherever it stands: a body may be suspended in the
/// middle of its poll, by a switch to another host stack, and a poll on that one then ends after it or before it.
pub(crate) struct Running {
    driver: *const Driver,
    /// The poll that began before this one: of the chain that awaits this one's as a future, most often.
    outer: Cell<*const Running>,
    /// The poll that began after this one.
    inner: Cell<*const Running>,
}

thread_local! {
    /// The poll that began last.
    static INNERMOST: Cell<*const Running> = const { Cell::new(ptr::null()) };
}

impl Running {
    pub(crate) fn new(driver: *const Driver) -> Self {
        Running { driver, outer: Cell::new(ptr::null()), inner: Cell::new(ptr::null()) }
    }

    /// Puts the driver's chain among those that run on this thread, until the returned guard is dropped.
    ///
    /// The guard is on the host stack, as this is, and is dropped when the poll returns or unwinds. (A stack's memory
    /// is not freed before that: pinned values there rely on it.)
    pub(crate) fn enter(&self) -> impl Drop + '_ {
        struct Leave<'a>(&'a Running);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.leave();
            }
        }

        let outer = INNERMOST.replace(self);
        self.outer.set(outer);
        // SAFETY: a poll in the list is under way, and leaves the list before its memory ends (`leave`, by the
        // guard below).
        if let Some(outer) = unsafe { outer.as_ref() } {
            outer.inner.set(self);
        }
        Leave(self)
    }

    fn leave(&self) {
        let (outer, inner) = (self.outer.get(), self.inner.get());
        // SAFETY: this is in the list until now, and so are its neighbours: each entered it by `enter`, and leaves
        // it before its memory ends.
        let neighbours = unsafe { (outer.as_ref(), inner.as_ref()) };
        if let Some(outer) = neighbours.0 {
            outer.inner.set(inner);
        }
        match neighbours.1 {
            Some(inner) => inner.outer.set(outer),
            None => INNERMOST.set(outer),
        }
    }
}

/// The functions of the chain of coroutines that runs on this thread, the innermost first, and the
/// place where each of them is: the innermost here, the others at an `.await`.
///
/// A chain that runs within another, as a future that a body awaits, is followed by the other.
/// Outside of coroutines the backtrace is empty. (On a thread with several host stacks, as stackful coroutines have,
/// polls that are halted on another of these stacks are listed, too.)
///
/// ```
/// use cps_core::cps;
///
/// #[cps]
/// async fn inner() -> String {
///     cps_core::backtrace().to_string()
/// }
///
/// #[cps]
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
        // SAFETY: the list holds polls that are under way on this thread's stacks: each leaves it before it ends
        // (`Running::enter`), and its driver outlives it (invariant M).
        let (driver, outer) = unsafe { (&*(*running).driver, (*running).outer.get()) };
        location = location.or(driver.waits_at());
        let mut nested = NestedCalls::of(driver);
        let mut starting = driver.starting.get();
        while !starting.is_null() {
            // SAFETY: the list holds calls that are under way on this thread's stacks: each leaves it before it ends
            // (`Starting::enter`). The vtable is the one that its frame gets when it is linked (invariant V). No nested
            // body ends meanwhile: this thread runs the chain, and runs this function now.
            let (description, outer) = unsafe {
                let call = &*starting;
                location = backtrace.push_nested(&mut nested, call.frame, location);
                (((*call.vtable).describe)(call.frame), call.outer.get())
            };
            location = backtrace.push(description, location);
            starting = outer;
        }
        // SAFETY: the frames of a chain that runs are linked, but for those that are starting (invariant C). None ends
        // meanwhile: this thread runs the chain, and runs this function now.
        unsafe { backtrace.extend(driver.leaf.get(), location, nested) };
        running = outer;
        location = None;
    }
    backtrace
}

/// Extends the present panic hook, so that it also prints the chain of coroutines that panicked, if there is one.
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

//! The driver that is current on this thread: what sockets and timers register with.

#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use crate::driver::Handle;
use crate::entered::{Entries, Entry};

thread_local! {
    static ENTERED: Entries<Arc<Handle>> = const { Entries::new() };
}

/// Makes a driver current on this thread until the guard is dropped; then the one that was entered before it is. Guards
/// may be dropped in any order.
///
/// It also says that somebody turns the driver meanwhile (see [`Handle::assert_attended`]). Once a `block_on` or
/// worker, not for each poll.
pub(crate) fn enter(driver: &Arc<Handle>) -> Entered {
    driver.attend();
    let entry = match ENTERED.try_with(|entered| entered.enter(driver.clone())) {
        Ok(entry) => Ok(entry),
        // The thread ends: nothing is current any more.
        Err(_) => Err(driver.clone()),
    };
    Entered { entry, of_this_thread: PhantomData }
}

/// The guard of [`enter`].
#[must_use]
pub(crate) struct Entered {
    /// Where the driver is; or itself.
    entry: Result<Entry, Arc<Handle>>,
    of_this_thread: PhantomData<Rc<()>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        match &self.entry {
            Ok(entry) => {
                let left = ENTERED.try_with(|entered| entered.leave(entry));
                if let Ok(Some(driver)) = left {
                    driver.leave();
                }
            }
            Err(driver) => driver.leave(),
        }
    }
}

/// The driver that is current on this thread.
pub(crate) fn driver() -> Option<Arc<Handle>> {
    // An error means that the thread is about to end: a destructor of its locals asks.
    ENTERED.try_with(Entries::last).ok().flatten()
}

/// The driver that is current on this thread, for a caller that needs one.
///
/// # Panics
///
/// If there is none, naming `what` was called.
#[track_caller]
pub(crate) fn expect_driver(what: &str) -> Arc<Handle> {
    match driver() {
        Some(driver) => driver,
        None => panic!(
            "`{what}` needs a runtime: call it inside `reactor::block_on` or a task spawned there"
        ),
    }
}

//! The driver that is current on this thread: what sockets and timers register with.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use crate::driver::Handle;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Handle>>> = const { RefCell::new(None) };
}

/// Makes a driver current on this thread until the guard is dropped; then the previous one is current again.
///
/// It also says that somebody turns the driver meanwhile (see [`Handle::assert_attended`]). Once a `block_on` or
/// worker, not for each poll.
pub(crate) fn enter(driver: &Arc<Handle>) -> Entered {
    driver.attend();
    let previous = CURRENT.with(|current| current.replace(Some(driver.clone())));
    Entered { previous, of_this_thread: PhantomData }
}

/// The guard of [`enter`].
#[must_use]
pub(crate) struct Entered {
    previous: Option<Arc<Handle>>,
    of_this_thread: PhantomData<Rc<()>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        if let Some(driver) = CURRENT.with(|current| current.replace(previous)) {
            driver.leave();
        }
    }
}

/// The driver that is current on this thread.
pub(crate) fn driver() -> Option<Arc<Handle>> {
    // An error means that the thread is about to end: a destructor of its locals asks.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
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

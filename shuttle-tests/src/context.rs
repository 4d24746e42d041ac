//! What `reactor/src/context.rs` is to the sources: nothing here asks for the driver of a thread.

use std::sync::Arc;

use crate::driver::Handle;

pub(crate) struct Entered;

pub(crate) fn enter(_: &Arc<Handle>) -> Entered {
    Entered
}

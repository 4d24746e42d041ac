//! A driver without an operating system: its queue has no event but that which ends a wait.

use std::io;
use std::sync::Arc;

use crate::sync::{Condvar, Mutex, lock};

#[path = "../../reactor/src/driver/parking.rs"]
pub(crate) mod parking;

use parking::{Notify, Park, Parking};

pub(crate) struct Driver {
    handle: Arc<Handle>,
}

pub(crate) struct Handle {
    parking: Parking,
    event: Mutex<bool>,
    is_set: Condvar,
}

impl Driver {
    pub(crate) fn new() -> io::Result<Self> {
        let (parking, event, is_set) = (Parking::new(), Mutex::new(false), Condvar::new());
        Ok(Driver { handle: Arc::new(Handle { parking, event, is_set }) })
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    pub(crate) fn turn(&mut self, may_block: bool) {
        let handle = &self.handle;
        if may_block && handle.parking.park() == Park::Wait {
            let event = handle.is_set.wait_while(lock(&handle.event), |is_set| !*is_set);
            *event.unwrap_or_else(std::sync::PoisonError::into_inner) = false;
        }
        handle.parking.awake();
    }
}

impl Handle {
    pub(crate) fn unpark(&self) {
        if self.parking.notify() == Notify::Unpark {
            *lock(&self.event) = true;
            self.is_set.notify_one();
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.parking.is_parked()
    }

    pub(crate) fn has_work(&self) -> bool {
        false
    }

    pub(crate) fn timers_and_sources(&self) -> (usize, usize) {
        (0, 0)
    }
}

//! A driver without an operating system: the real protocol of the owner of the event queue, and the event that ends its
//! wait.

use crate::reactor_protocols::parking::{Notify, Park, Parking};
use crate::rt::{Condvar, Mutex};

/// What a worker sleeps in.
#[derive(Debug)]
pub struct EventQueue {
    parking: Parking,
    /// A wait ends if it is set, and unsets it.
    event: Mutex<bool>,
    is_set: Condvar,
}

impl EventQueue {
    /// Nobody waits.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        EventQueue { parking: Parking::new(), event: Mutex::new(false), is_set: Condvar::new() }
    }

    /// As `Driver::turn`, without events of the system.
    pub fn turn(&self) {
        if self.parking.park() == Park::Wait {
            let mut event = self.event.lock().unwrap();
            while !*event {
                event = self.is_set.wait(event).unwrap();
            }
            *event = false;
        }
        self.parking.awake();
    }

    /// As `Handle::unpark`.
    pub fn unpark(&self) {
        if self.parking.notify() == Notify::Unpark {
            *self.event.lock().unwrap() = true;
            self.is_set.notify_one();
        }
    }
}

//! The driver: one event queue of the system, the sources registered with it, and the timers.
//!
//! The [`Driver`] belongs to whoever waits in it; all others hold its [`Handle`]. One [`turn`](Driver::turn) waits,
//! notes what has happened, and calls the wakers of all that is due.
//!
//! Files flow one way: `parking`, `source`, `wheel` ← `timers`, `clock` ← `batch` ← `handle` ← this one.

#![forbid(unsafe_code)]

mod batch;
mod clock;
mod handle;
pub(crate) mod parking;
pub(crate) mod source;
pub(crate) mod timers;
mod wheel;

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use mio::Events;

use self::batch::Batch;
pub(crate) use self::handle::{Handle, Registration, gone};
use self::handle::{System, UNPARK};
use self::parking::Park;
pub(crate) use self::source::{Attempt, Readers, Side};
pub(crate) use self::timers::State;

/// Events taken from the system at once. More wait there for the next turn.
const EVENTS: usize = 256;

/// The longest wait. Systems count milliseconds in 32 bits, and some wrap; a turn may return early.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The event queue; owned by whoever waits in it.
pub(crate) struct Driver {
    queue: mio::Poll,
    events: Events,
    handle: Arc<Handle>,
    /// Empty between turns.
    batch: Batch,
}

impl Driver {
    /// # Errors
    ///
    /// If the system gives no event queue, as when the process has too many open files.
    pub(crate) fn new() -> io::Result<Self> {
        let queue = mio::Poll::new()?;
        let registry = queue.registry().try_clone()?;
        let unparker = mio::Waker::new(&registry, UNPARK)?;
        Ok(Self {
            queue,
            events: Events::with_capacity(EVENTS),
            handle: Handle::new(System { registry, unparker }),
            batch: Batch::default(),
        })
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Waits (if `may_block`) until an event, a timer or an unpark, sometimes less; then calls the wakers of all that
    /// is due.
    ///
    /// The caller looks for its own work *after* it, also after a panic: an unpark has been noted as seen.
    ///
    /// # Panics
    ///
    /// - If the system refuses to report events: nothing could ever wake again.
    /// - With the first panic of a waker, after all have been called.
    pub(crate) fn turn(&mut self, may_block: bool) {
        if may_block && self.handle.parking.park() == Park::Wait {
            self.wait();
        } else {
            self.look();
        }
        self.handle.awake();
        if self.handle.has_timers() {
            self.handle.expire(self.handle.clock.now(), &mut self.batch);
        }
        if let Some(panic) = self.batch.wake() {
            resume_unwind(panic);
        }
    }

    /// Waits for an event, a timer or an unpark.
    fn wait(&mut self) {
        let Some(deadline) = self.handle.park_until_timer() else {
            return self.poll(Some(LONGEST));
        };
        if self.handle.clock.is_paused() {
            // Nothing else will happen than what other threads or the system bring: time goes on by itself.
            self.poll(Some(Duration::ZERO));
            if self.events.is_empty() {
                if let Some(first) = self.handle.first_deadline() {
                    self.handle.clock.advance(first);
                }
            }
            return;
        }
        let remaining = deadline.saturating_sub(self.handle.clock.now());
        self.poll(Some(Duration::from_nanos(remaining).min(LONGEST)));
    }

    /// Takes what the system has.
    fn look(&mut self) {
        if self.handle.has_sources() {
            self.poll(Some(Duration::ZERO));
        }
    }

    /// Notes the events of the system.
    fn poll(&mut self, timeout: Option<Duration>) {
        match self.queue.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.clear(),
            result => result.expect("cannot poll for events"),
        }
        let woken = &mut self.batch.sources;
        self.handle.each_source(self.events.iter(), |source, event| {
            // An error or a hang-up makes both sides ready: the next operation reports it.
            let is_last = event.is_read_closed() || event.is_error() || event.is_priority();
            if event.is_readable() || is_last {
                let event = if is_last { source::Event::Unsure } else { source::Event::Ready };
                source.notice(Side::Read, event, woken);
            }
            if event.is_writable() || event.is_write_closed() || event.is_error() {
                source.notice(Side::Write, source::Event::Ready, woken);
            }
        });
    }
}

impl Drop for Driver {
    /// # Panics
    ///
    /// With the first panic of a waker, after all have been called, unless the thread panics already.
    fn drop(&mut self) {
        self.handle.close(&mut self.batch);
        if let Some(panic) = self.batch.wake() {
            if !std::thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}

/// Fires the timers that are due, for a test that has moved the clock. Gives the first panic of a waker.
pub(crate) fn fire(handle: &Handle) -> Option<batch::Panic> {
    let mut batch = Batch::default();
    handle.expire(handle.clock.now(), &mut batch);
    batch.wake()
}

/// What an executor whose threads take turns in the event queue needs.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}
    is_send::<Driver>();
    is_shared::<Handle>();
};

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)]
    fn an_unpark_ends_the_wait_that_comes_or_is() {
        let mut driver = Driver::new().unwrap();
        assert!(!driver.handle().has_work());
        // Before the wait, twice: one wait returns.
        driver.handle().unpark();
        driver.handle().unpark();
        driver.turn(true);
        // During the wait. A turn may return early, so it is not this one that is counted.
        let handle = driver.handle().clone();
        let told = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = told.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
            handle.unpark();
        });
        while !told.load(std::sync::atomic::Ordering::SeqCst) {
            driver.turn(true);
        }
        thread.join().unwrap();
        driver.turn(false);
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn an_event_that_finds_another_source_under_its_key_is_nobodys() {
        let mut driver = Driver::new().unwrap();
        let pair = || {
            let (mut left, right) = std::os::unix::net::UnixStream::pair().unwrap();
            right.set_nonblocking(true).unwrap();
            io::Write::write_all(&mut left, b"x").unwrap();
            (left, mio::net::UnixStream::from_std(right))
        };
        let (_left, mut old) = pair();
        let registration = driver.handle().register(&mut old, Readers::All).unwrap();
        assert!(driver.handle().has_work());
        // Taken from the system, but not yet noted.
        driver.queue.poll(&mut driver.events, None).unwrap();
        assert!(!driver.events.is_empty());
        registration.deregister(&mut old);
        assert!(!driver.handle().has_work());
        let (_other, mut new) = pair();
        let registration = driver.handle().register(&mut new, Readers::All).unwrap();
        driver.handle().each_source(driver.events.iter(), |_, _| panic!("an event of the old one"));
        driver.queue.poll(&mut driver.events, None).unwrap();
        let mut events = 0;
        driver.handle().each_source(driver.events.iter(), |_, _| events += 1);
        assert_eq!(events, 1);
        registration.deregister(&mut new);
    }
}

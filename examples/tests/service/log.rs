//! What is logged on a thread.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use crate::client::text;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Starts to log. One subscriber serves all threads: events are lost while another is put in its place.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        tracing_subscriber::fmt()
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
}

/// What was logged on this thread since the last call.
pub(crate) fn take() -> String {
    text(&LOG.take())
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

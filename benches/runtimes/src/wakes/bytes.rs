//! A byte that two tasks send to each other through a socket pair.

use std::io;
use std::task::{Context, Poll, ready};

use super::Event;
use crate::runtime::{Runtime, Socket};

/// What an end does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Write,
    Read,
}

/// One end.
pub(super) struct Bytes<S> {
    socket: S,
    next: Step,
    /// The step that ends an event: one end writes and then reads, the other reads and then writes.
    last: Step,
}

impl<S: Socket> Bytes<S> {
    /// The two ends.
    pub(super) fn pair<R: Runtime<Unix = S>>() -> io::Result<(Self, Self)> {
        let (one, other) = R::pair()?;
        let one = Self { socket: one, next: Step::Write, last: Step::Read };
        let other = Self { socket: other, next: Step::Read, last: Step::Write };
        Ok((one, other))
    }
}

impl<S: Socket> Event for Bytes<S> {
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let step = self.next;
            let done = match step {
                Step::Write => ready!(self.socket.poll_write(cx, b"x")),
                Step::Read => ready!(self.socket.poll_read(cx, &mut [0])),
            };
            assert!(matches!(done, Ok(1)), "a byte is lost: {done:?}");
            self.next = if step == Step::Write { Step::Read } else { Step::Write };
            if step == self.last {
                return Poll::Ready(());
            }
        }
    }
}

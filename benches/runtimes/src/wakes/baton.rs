//! A baton that two tasks, or a task and a thread, hand to each other: who has it hands it on and waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use super::Event;

struct Shared {
    /// Whose turn it is.
    holder: AtomicUsize,
    wakers: [AtomicWaker; 2],
}

/// One of the two.
pub(super) struct Baton {
    shared: Arc<Shared>,
    side: usize,
}

impl Baton {
    /// The two, of which the first has the baton.
    pub(super) fn pair() -> (Self, Self) {
        let shared = Arc::new(Shared {
            holder: AtomicUsize::new(0),
            wakers: [AtomicWaker::new(), AtomicWaker::new()],
        });
        (Self { shared: shared.clone(), side: 0 }, Self { shared, side: 1 })
    }
}

impl Event for Baton {
    /// The baton is looked at again after the waker is there: it may have come in between, and then nobody is woken.
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Shared { holder, wakers } = &*self.shared;
        if holder.load(Ordering::Acquire) != self.side {
            wakers[self.side].register(cx.waker());
            if holder.load(Ordering::Acquire) != self.side {
                return Poll::Pending;
            }
        }
        let other = 1 - self.side;
        holder.store(other, Ordering::Release);
        wakers[other].wake();
        Poll::Ready(())
    }
}

//! What the innermost call suspends at. Open, it lets a call through at the next turn of its task; closed, it keeps all
//! that come, so that their memory can be looked at.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The gate.
#[derive(Debug)]
pub struct Gate {
    is_open: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: Vec<Waker>,
    /// Who waits until there are so many.
    observer: Option<(usize, Waker)>,
}

impl Gate {
    /// An open one.
    #[must_use]
    pub fn open() -> Self {
        Self { is_open: AtomicBool::new(true), waiting: Mutex::default() }
    }

    /// A closed one, with room for so many calls.
    #[must_use]
    pub fn closed(calls: usize) -> Self {
        let waiting = Waiting { calls: Vec::with_capacity(calls), observer: None };
        Self { is_open: AtomicBool::new(false), waiting: Mutex::new(waiting) }
    }

    /// Suspends once, or until the gate is opened.
    pub fn pass(&self) -> Pass<'_> {
        Pass { gate: self, place: None }
    }

    /// Lets all through, from now on.
    pub fn lift(&self) {
        self.is_open.store(true, Ordering::Release);
        let Waiting { calls, observer } = std::mem::take(&mut *self.waiting());
        calls.into_iter().chain(observer.map(|(_, waker)| waker)).for_each(Waker::wake);
    }

    /// Waits until so many calls wait. Gives `false` if the gate is opened before.
    pub async fn is_reached_by(&self, calls: usize) -> bool {
        poll_fn(|cx| {
            let mut waiting = self.waiting();
            if waiting.calls.len() >= calls {
                return Poll::Ready(true);
            }
            // Under the lock: who opens the gate takes the lock afterwards, and finds this waker.
            if self.is_open.load(Ordering::Acquire) {
                return Poll::Ready(false);
            }
            waiting.observer = Some((calls, cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call at the gate.
#[derive(Debug)]
pub struct Pass<'g> {
    gate: &'g Gate,
    /// Where its waker is, once it has been polled; any number if it waits for its next turn only.
    place: Option<usize>,
}

impl Future for Pass<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.gate.is_open.load(Ordering::Acquire) {
            if self.place.is_some() {
                return Poll::Ready(());
            }
            self.place = Some(0);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.wait(cx)
    }
}

impl Pass<'_> {
    #[cold]
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.gate.waiting();
        // Under the lock, as above.
        if self.gate.is_open.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        match self.place {
            Some(place) => waiting.calls[place].clone_from(cx.waker()),
            None => {
                self.place = Some(waiting.calls.len());
                waiting.calls.push(cx.waker().clone());
            }
        }
        let arrived = waiting.calls.len();
        if let Some((_, waker)) = waiting.observer.take_if(|(calls, _)| arrived >= *calls) {
            drop(waiting);
            waker.wake();
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_open_gate_suspends_once() {
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let gate = Gate::open();
        let mut pass = pin!(gate.pass());
        assert!(pass.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(pass.poll(&mut Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn a_closed_gate_keeps_all_until_it_is_opened_and_tells_when_they_are_there() {
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let cx = &mut Context::from_waker(&waker);
        let gate = Gate::closed(2);
        let (mut one, mut other) = (pin!(gate.pass()), pin!(gate.pass()));
        let mut both = pin!(gate.is_reached_by(2));
        assert!(one.as_mut().poll(cx).is_pending() && one.as_mut().poll(cx).is_pending());
        assert!(both.as_mut().poll(cx).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        assert!(other.as_mut().poll(cx).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(both.poll(cx), Poll::Ready(true));
        gate.lift();
        assert_eq!(woken.0.load(Ordering::Relaxed), 3);
        assert!(one.poll(cx).is_ready() && other.poll(cx).is_ready());
        assert!(matches!(pin!(gate.is_reached_by(1)).poll(cx), Poll::Ready(false)));
    }
}

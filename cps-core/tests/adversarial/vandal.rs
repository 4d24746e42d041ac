//! A future that replaces the context that it is polled with.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Awaits by itself: the attribute does not see it.
macro_rules! unseen {
    ($future:expr) => {
        $future.await
    };
}
pub(crate) use unseen;

/// What comes in the place of a context's waker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Nothing,
    Noop,
    /// A waker of an `Arc`, leaked.
    Other,
    /// A clone of the waker that is there, leaked.
    Clone,
    /// Another by `mem::swap`.
    Swap,
    /// Another, and then what was there again.
    Back,
}

pub(crate) const ALL: [By; 6] = [By::Nothing, By::Noop, By::Other, By::Clone, By::Swap, By::Back];

/// (Not of size zero: a pointer to it would be one past its allocation, and no pointer into it to the leak checker.)
struct Deaf {
    _byte: u8,
}

impl Wake for Deaf {
    fn wake(self: Arc<Self>) {}
}

/// Lives as long as the program. (Reachable from a static: to Miri it is no leak.)
pub(crate) fn leaked(waker: Waker) -> &'static Waker {
    use std::sync::Mutex;
    static ALL: Mutex<Vec<&'static Waker>> = Mutex::new(Vec::new());
    let waker = &*Box::leak(Box::new(waker));
    ALL.lock().unwrap().push(waker);
    waker
}

impl By {
    pub(crate) fn replace(self, cx: &mut Context<'_>) {
        let other = || Context::from_waker(leaked(Waker::from(Arc::new(Deaf { _byte: 0 }))));
        match self {
            By::Nothing => {}
            By::Noop => *cx = Context::from_waker(Waker::noop()),
            By::Other => *cx = other(),
            By::Clone => *cx = Context::from_waker(leaked(cx.waker().clone())),
            By::Swap => {
                let mut other = Context::from_waker(Waker::noop());
                std::mem::swap(cx, &mut other);
                other.waker().wake_by_ref();
            }
            By::Back => {
                let mut kept = other();
                std::mem::swap(cx, &mut kept);
                cx.waker().wake_by_ref();
                std::mem::swap(cx, &mut kept);
            }
        }
    }
}

/// Is pending `pends` times and then ready; in poll `on`, from 0 on, it replaces its context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vandal {
    pub(crate) by: By,
    pub(crate) on: u32,
    pub(crate) pends: u32,
}

impl Vandal {
    /// All of them that do something.
    pub(crate) fn all() -> impl Iterator<Item = Vandal> {
        ALL.into_iter().flat_map(|by| {
            (0..3).flat_map(move |pends| (0..=pends).map(move |on| Vandal { by, on, pends }))
        })
    }

    pub(crate) fn future(self) -> Vandalising {
        Vandalising { vandal: self, polls: 0 }
    }
}

pub(crate) struct Vandalising {
    vandal: Vandal,
    polls: u32,
}

impl Future for Vandalising {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let Vandal { by, on, pends } = self.vandal;
        let number = self.polls;
        self.polls += 1;
        assert!(number <= pends, "polled after it was ready");
        if number < pends {
            cx.waker().wake_by_ref();
        }
        if number == on {
            by.replace(cx);
        }
        if number < pends { Poll::Pending } else { Poll::Ready(number) }
    }
}

/// Pending once; wakes itself.
pub(crate) fn tick() -> Tick {
    Tick(false)
}

pub(crate) struct Tick(bool);

impl Future for Tick {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Under Miri, one in so many of the combinations.
pub(crate) fn sampled<T>(all: impl IntoIterator<Item = T>, one_in: usize) -> Vec<T> {
    all.into_iter().step_by(if cfg!(miri) { one_in } else { 1 }).collect()
}

/// The placements of a plain future: none, and a box.
pub(crate) trait Placed: Future + Sized {
    fn on_stack(self) -> Self {
        self
    }

    fn nested(self) -> Self {
        self
    }

    fn on_heap(self) -> Pin<Box<Self>> {
        Box::pin(self)
    }

    fn boxed<'a>(self) -> Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>
    where
        Self: Send + 'a,
    {
        Box::pin(self)
    }

    async fn try_on_stack(self) -> Result<Self::Output, ()> {
        Ok(self.await)
    }
}

impl<F: Future> Placed for F {}

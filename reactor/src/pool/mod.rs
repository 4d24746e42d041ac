//! A pool of threads for functions that block. It is one for the process, and no executor's.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod hand_off;
#[doc(hidden)]
pub mod threads;

#[cfg(not(loom))]
pub(crate) use self::process::{Run, run};

#[cfg(not(loom))]
mod process {
    use std::env;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Arc, LazyLock};
    use std::task::{Context, Poll, ready};
    use std::thread;
    use std::time::Duration;

    use super::hand_off::HandOff;
    use super::threads::Threads;
    use crate::task::cell::quietly;

    /// As many threads as there may be.
    const MOST: usize = 500;
    /// A variable of the environment that says otherwise.
    const MOST_BY: &str = "BLOCKING_MAX_THREADS";
    /// So long a thread waits for its next job.
    const KEEP: Duration = Duration::from_secs(5);

    static POOL: LazyLock<Threads<Arc<dyn Job>>> = LazyLock::new(|| {
        let most = env::var(MOST_BY).ok().and_then(|text| text.parse().ok());
        Threads::new(most.unwrap_or(MOST).max(1), KEEP)
    });

    trait Job: Send + Sync {
        fn run(&self);
    }

    impl<F, T> Job for HandOff<F, thread::Result<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        fn run(&self) {
            if let Some(function) = self.begin() {
                self.finish(catch_unwind(AssertUnwindSafe(function)));
            }
        }
    }

    /// Waits for a function: its value, or its panic. If it is dropped before, a function that has not begun does not
    /// begin.
    pub(crate) struct Run<F, T>(Arc<HandOff<F, thread::Result<T>>>);

    /// Runs a function on a thread of the pool. It starts now, or when a thread is free; before the first poll, too.
    ///
    /// # Panics
    /// If there is no thread, and the system gives none.
    pub(crate) fn run<F, T>(function: F) -> Run<F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let hand_off = Arc::new(HandOff::new(function));
        if let Err((_, error)) = POOL.push(hand_off.clone(), start) {
            panic!("no thread for a function that blocks: {error}");
        }
        Run(hand_off)
    }

    fn start() -> std::io::Result<()> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let name = format!("blocking-{}", STARTED.fetch_add(1, Relaxed) + 1);
        thread::Builder::new().name(name).spawn(work).map(drop)
    }

    fn work() {
        while let Some(job) = POOL.next() {
            // Wakers, and results that nobody wants, are foreign code.
            quietly(|| job.run());
            quietly(|| drop(job));
        }
    }

    impl<F, T> Future for Run<F, T> {
        type Output = T;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
            match ready!(self.0.poll(cx.waker())) {
                Ok(value) => Poll::Ready(value),
                Err(payload) => resume_unwind(payload),
            }
        }
    }

    impl<F, T> Drop for Run<F, T> {
        fn drop(&mut self) {
            self.0.cancel();
        }
    }
}

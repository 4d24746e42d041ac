//! Concurrency types from one place: the standard library's, or loom's under `cfg(loom)`.
//!
//! The cross-thread protocols ([`wake_state`](crate::wake_state),
//! [`park_state`](crate::park_state)) take their atomics and orderings from here, so that the
//! source that runs is the source that is model-checked.

#[cfg(not(loom))]
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
}

#[cfg(loom)]
pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
}

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks a mutex under which no foreign code runs, so that a panic leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Orderings by the name of the place that uses them. A name is one end of a happens-before edge.
#[cfg(not(loom))]
pub(crate) mod order {
    use std::sync::atomic::Ordering;

    #[inline(always)]
    pub(crate) const fn acquire(_site: &'static str) -> Ordering {
        Ordering::Acquire
    }

    #[inline(always)]
    pub(crate) const fn release(_site: &'static str) -> Ordering {
        Ordering::Release
    }
}

/// Orderings by the name of the place that uses them, so that a model can weaken one at a time.
#[cfg(loom)]
pub mod order {
    use std::cell::Cell;

    use loom::sync::atomic::Ordering;

    // Of the real thread: loom runs all threads of a model on the thread that called it.
    thread_local! {
        static WEAKENED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    struct Restore;

    impl Drop for Restore {
        fn drop(&mut self) {
            WEAKENED.set(None);
        }
    }

    /// Runs `model` with the ordering at `site` relaxed.
    pub fn weakened<R>(site: &'static str, model: impl FnOnce() -> R) -> R {
        let _restore = Restore;
        WEAKENED.set(Some(site));
        model()
    }

    fn unless_weakened(site: &'static str, ordering: Ordering) -> Ordering {
        if WEAKENED.get() == Some(site) { Ordering::Relaxed } else { ordering }
    }

    pub(crate) fn acquire(site: &'static str) -> Ordering {
        unless_weakened(site, Ordering::Acquire)
    }

    pub(crate) fn release(site: &'static str) -> Ordering {
        unless_weakened(site, Ordering::Release)
    }
}

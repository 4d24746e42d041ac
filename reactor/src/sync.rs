//! Concurrency types from one place: the standard library's, or loom's under `cfg(loom)`.
//!
//! The cross-thread protocols ([`wake_state`](crate::wake_state),
//! [`park_state`](crate::park_state)) take their atomics and orderings from here, so that the
//! source that runs is the source that is model-checked.

#[cfg(not(loom))]
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
        fence,
    };
}

#[cfg(loom)]
pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
        fence,
    };
}

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
/// For the executor of several threads, whose tests schedule them.
#[cfg(not(loom))]
pub(crate) use std::{thread, thread_local};

/// Locks a mutex under which no foreign code runs, so that a panic leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits while `waits` says so, for so long at most. `guard` is that of the mutex.
#[cfg(not(loom))]
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    _: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    timeout: std::time::Duration,
    waits: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let waited = condvar.wait_timeout_while(guard, timeout, waits);
    waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
}

/// The same, of a time that a model says.
#[cfg(loom)]
pub(crate) use self::time::wait_for;

/// Time, which loom does not have.
#[cfg(loom)]
pub mod time {
    use std::cell::Cell;

    use super::{Condvar, Mutex, MutexGuard, lock};

    // Of the real thread: loom runs all threads of a model on the thread that called it.
    thread_local! {
        static ENDLESS: Cell<usize> = const { Cell::new(0) };
    }

    /// The next so many waits of this run of the model last until they are notified. The others are over when they have
    /// given the lock up, which other threads may take meanwhile.
    pub fn next_waits_are_endless(waits: usize) {
        ENDLESS.set(waits);
    }

    pub(crate) fn wait_for<'a, T>(
        condvar: &Condvar,
        mutex: &'a Mutex<T>,
        mut guard: MutexGuard<'a, T>,
        _: std::time::Duration,
        mut waits: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        if !waits(&mut guard) {
            return guard;
        }
        let Some(left) = ENDLESS.get().checked_sub(1) else {
            drop(guard);
            return lock(mutex);
        };
        ENDLESS.set(left);
        while waits(&mut guard) {
            guard = condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        guard
    }
}

/// A value of one thread at a time, by a protocol that says of which.
#[cfg(not(loom))]
pub(crate) struct Owned<T>(std::cell::Cell<T>);

#[cfg(not(loom))]
impl<T: Copy> Owned<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        Owned(std::cell::Cell::new(value))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        self.0.get()
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: T) {
        self.0.set(value);
    }
}

/// The same; loom checks that the protocol keeps it.
#[cfg(loom)]
pub(crate) struct Owned<T>(loom::cell::UnsafeCell<T>);

#[cfg(loom)]
impl<T: Copy> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Owned(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn get(&self) -> T {
        // SAFETY: the value is `Copy`, and loom sees to it that nobody writes meanwhile.
        self.0.with(|value| unsafe { *value })
    }

    pub(crate) fn set(&self, new: T) {
        // SAFETY: loom sees to it that nobody else has access meanwhile.
        self.0.with_mut(|value| unsafe { *value = new });
    }
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

    /// Both ends, each by its name.
    #[inline(always)]
    pub(crate) const fn acq_rel(_release: &'static str, _acquire: &'static str) -> Ordering {
        Ordering::AcqRel
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

    pub(crate) fn acq_rel(release: &'static str, acquire: &'static str) -> Ordering {
        match WEAKENED.get() {
            Some(site) if site == release => Ordering::Acquire,
            Some(site) if site == acquire => Ordering::Release,
            _ => Ordering::AcqRel,
        }
    }
}

//! What `reactor/src/sync.rs` is to the sources, by shuttle.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::time::Duration;

pub(crate) use shuttle::thread;

pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
        fence,
    };
}

/// Shuttle takes all orderings for the strongest: the models in `loom-tests/` are about these.
pub(crate) mod order {
    use std::sync::atomic::Ordering;

    pub(crate) const fn acquire(_site: &'static str) -> Ordering {
        Ordering::Acquire
    }

    pub(crate) const fn release(_site: &'static str) -> Ordering {
        Ordering::Release
    }

    pub(crate) const fn acq_rel(_release: &'static str, _acquire: &'static str) -> Ordering {
        Ordering::AcqRel
    }
}

/// A value of one thread at a time, by a protocol that says of which.
pub(crate) struct Owned<T>(Cell<T>);

impl<T: Copy> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Owned(Cell::new(value))
    }

    pub(crate) fn get(&self) -> T {
        self.0.get()
    }

    pub(crate) fn set(&self, value: T) {
        self.0.set(value);
    }
}

/// A lock that a wait can take again.
#[derive(Debug)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    /// `None` while a wait has it.
    guard: Option<shuttle::sync::MutexGuard<'a, T>>,
    of: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { guard: Some(guard), of: self })
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Ok(MutexGuard { guard: Some(guard), of: self }),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("it is locked")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("it is locked")
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    _: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
    waits: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let waited = condvar.wait_timeout_while(guard, timeout, waits);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// A condition. Time passes: a wait that is limited ends after others had a turn.
#[derive(Debug)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(shuttle::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        let inner = guard.guard.take().expect("it is locked");
        guard.guard = Some(self.0.wait(inner).unwrap_or_else(PoisonError::into_inner));
        Ok(guard)
    }

    pub(crate) fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut waits: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while waits(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let of = guard.of;
        drop(guard);
        thread::yield_now();
        Ok((lock(of), true))
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut waits: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        if !waits(&mut guard) {
            return Ok((guard, false));
        }
        self.wait_timeout(guard, timeout)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A variable of each of shuttle's threads.
pub(crate) struct LocalCell<T: 'static>(pub(crate) shuttle::thread::LocalKey<Cell<T>>);

// SAFETY: a thread uses its own value only.
unsafe impl<T> Sync for LocalCell<T> {}

impl<T: Copy> LocalCell<T> {
    pub(crate) fn get(&'static self) -> T {
        self.0.try_with(Cell::get).expect("the thread runs")
    }

    pub(crate) fn set(&'static self, value: T) {
        // An error says that the thread ends.
        let _ = self.0.try_with(|cell| cell.set(value));
    }
}

macro_rules! of_thread {
    ($(#[$attribute:meta])* static $name:ident: Cell<$value:ty> = const { $init:expr };) => {
        $(#[$attribute])*
        static $name: $crate::sync::LocalCell<$value> =
            $crate::sync::LocalCell(shuttle::thread::LocalKey {
                init: || $init,
                _p: std::marker::PhantomData,
            });
    };
}
pub(crate) use of_thread as thread_local;

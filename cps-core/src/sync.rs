//! Concurrency types from one place: the platform's in a normal build, loom's under `cfg(loom)`.
//!
//! Protocols take their types and their memory orderings from here, so that the source that runs is
//! the source that is model-checked (`loom-tests/`). Nothing here allocates or locks.

#[cfg(not(loom))]
mod imp {
    extern crate alloc;

    pub(crate) use self::alloc::sync::Arc;

    pub(crate) mod atomic {
        pub(crate) use core::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering,
        };
    }

    pub(crate) mod cell {
        /// `core`'s cell with loom's interface: access is a closure, so that loom can see its
        /// extent.
        pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

        impl<T> UnsafeCell<T> {
            pub(crate) const fn new(value: T) -> Self {
                Self(core::cell::UnsafeCell::new(value))
            }

            /// Calls `access` with a pointer that may be read through while no access writes.
            #[inline(always)]
            pub(crate) fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
                access(self.0.get())
            }

            /// Calls `access` with a pointer that may be written through while no other access
            /// runs.
            #[inline(always)]
            pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
                access(self.0.get())
            }
        }
    }

    pub(crate) mod order {
        use core::sync::atomic::Ordering;

        #[inline(always)]
        pub(crate) const fn acquire(_site: &'static str) -> Ordering {
            Ordering::Acquire
        }

        #[inline(always)]
        pub(crate) const fn release(_site: &'static str) -> Ordering {
            Ordering::Release
        }

        #[inline(always)]
        pub(crate) const fn acq_rel(_acquire: &'static str, _release: &'static str) -> Ordering {
            Ordering::AcqRel
        }
    }
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::sync::Arc;

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering,
        };
    }

    pub(crate) mod cell {
        pub(crate) use loom::cell::UnsafeCell;
    }

    /// Orderings by the name of the place that uses them, so that a model can weaken one at a time.
    pub mod order {
        extern crate std;

        use core::cell::Cell;
        use loom::sync::atomic::Ordering;

        // A variable of the real thread: loom runs all threads of a model on the thread that called it.
        std::thread_local! {
            static WEAKENED: Cell<Option<&'static str>> = const { Cell::new(None) };
        }

        struct Restore;

        impl Drop for Restore {
            fn drop(&mut self) {
                WEAKENED.set(None);
            }
        }

        /// Runs `model` with the ordering at `site` weakened by the half of that name.
        pub fn weakened<R>(site: &'static str, model: impl FnOnce() -> R) -> R {
            let _restore = Restore;
            WEAKENED.set(Some(site));
            model()
        }

        fn holds(site: &'static str) -> bool {
            WEAKENED.get() != Some(site)
        }

        pub(crate) fn acquire(site: &'static str) -> Ordering {
            if holds(site) { Ordering::Acquire } else { Ordering::Relaxed }
        }

        pub(crate) fn release(site: &'static str) -> Ordering {
            if holds(site) { Ordering::Release } else { Ordering::Relaxed }
        }

        pub(crate) fn acq_rel(acq: &'static str, rel: &'static str) -> Ordering {
            match (holds(acq), holds(rel)) {
                (true, true) => Ordering::AcqRel,
                (true, false) => Ordering::Acquire,
                (false, true) => Ordering::Release,
                (false, false) => Ordering::Relaxed,
            }
        }
    }
}

#[cfg(loom)]
pub use imp::order;
#[cfg(not(loom))]
pub(crate) use imp::order;
pub(crate) use imp::{Arc, atomic, cell};

/// Whether a mutant leaves the wake of that name out. `tests/liveness.rs` must reject the mutant: see `.ci/steps.sh`.
#[cfg(not(liveness_mutant))]
#[inline(always)]
pub(crate) const fn loses(_wake: &str) -> bool {
    false
}

#[cfg(liveness_mutant)]
pub(crate) fn loses(wake: &str) -> bool {
    static LOST: std::sync::OnceLock<Option<std::string::String>> = std::sync::OnceLock::new();
    LOST.get_or_init(|| std::env::var("LIVENESS_MUTANT").ok()).as_deref() == Some(wake)
}

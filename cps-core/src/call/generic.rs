//! Calls of coroutines by code that knows them as futures only, such as generic code.
//!
//! ```text
//!   ForeignFuture::call        Awaiting::poll, first           Awaiting::poll, second
//!   leaf = CALLED        ────▶ the frame is started, as  ────▶ its result is taken, as that
//!   where it is called         a callee of the body            of a chain that has returned
//! ```
//!
//! Where its type is known, a coroutine is called by a method of its own (see `call/mod.rs`). Code that is generic over
//! a `Future` uses the method of all futures. It holds the memory of a whole chain, which has not been polled if it is
//! held by value. So the frame is started in that memory, but in the chain of the body that awaits it. The memory's own
//! driver says that its chain has returned. The result is not there yet, but nobody takes it too early: the body is
//! resumed only when its callee has returned.

use core::future::Future;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::panic::Location;
use core::ptr;

use crate::chain::driver::Driver;
use crate::chain::header::{Header, called};
use crate::stack::FrameStack;

/// A chain that is made by its first poll.
///
/// # Safety
/// The implementor upholds:
/// - it begins with the memory of a [`Driver`], whose leaf is written: null if the chain was not polled;
/// - nothing but a poll and a drop looks at the rest of that memory;
/// - if the leaf is [`called`], its first poll calls the root frame in the chain of the body that polls it, and the
///   next one takes the result.
///
/// Whoever sets the leaf to [`called`] ([`call_later`]) upholds that the first poll has the context of a body, which
/// awaits the chain by value.
#[allow(dead_code, reason = "Rust 1.85 does not see that it is used, as the bound of an impl")]
pub(crate) unsafe trait LazyChain: Future {}

/// Whether a chain with this leaf was not polled.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_unpolled(leaf: *const Header) -> bool {
    leaf.is_null() || ptr::eq(leaf, called())
}

/// Access to a driver of which only the leaf need be initialised.
impl Driver {
    /// The leaf. Nothing else of the driver need be written.
    ///
    /// # Safety
    /// - `this` is valid for reads.
    /// - The leaf is written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn leaf_of(this: *const Driver) -> *const Header {
        // SAFETY: its callers have a coroutine, whose leaf is written when it is made, or a root that begins with a
        // driver (contracts of `LazyChain` and `Head`).
        unsafe { (&raw const (*this).leaf).cast::<*const Header>().read() }
    }

    /// Writes the leaf. Nothing of the driver need be written yet.
    ///
    /// # Safety
    /// `this` is valid for writes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn set_leaf_of(this: *mut Driver, leaf: *const Header) {
        // SAFETY: its callers own the memory, and the leaf is a field of a driver, of which they have the whole.
        unsafe { (&raw mut (*this).leaf as *mut *const Header).write(leaf) }
    }

    /// Notes where the root frame is to be called, in the memory of a driver of which only the leaf is written: see
    /// [`call_later`].
    ///
    /// # Safety
    /// - `this` is valid for writes.
    /// - Nothing but the leaf is written there.
    pub(crate) unsafe fn note_call(this: *mut Driver, at: Option<&'static Location<'static>>) {
        const {
            assert!(size_of::<FrameStack>() >= size_of::<Option<&Location<'_>>>());
            assert!(align_of::<FrameStack>() >= align_of::<Option<&Location<'_>>>());
        }
        // SAFETY: `call_later`, the only caller, has a chain that was not polled: nothing but its leaf is used. The
        // stack's place holds a location, as the assertions say, and `enter` leaves it alone.
        unsafe { (&raw mut (*this).stack).cast::<Option<&'static Location<'static>>>().write(at) }
    }

    /// The place that [`Driver::note_call`] has noted.
    ///
    /// # Safety
    /// - [`Driver::note_call`] was called for this driver.
    /// - Nothing but `enter` has written to the driver since, and [`Driver::set_leaf_of`] to its leaf.
    pub(crate) unsafe fn noted_call(this: *const Driver) -> Option<&'static Location<'static>> {
        // SAFETY: `start_called`, of both kinds of chains, finds the leaf `CALLED`: so `call_later` has noted the
        // call.
        unsafe { (&raw const (*this).stack).cast::<Option<&'static Location<'static>>>().read() }
    }
}

/// Marks `future`, if it is a chain that was not polled, so that its first poll is a call at `at`. Returns whether it
/// is.
///
/// # Safety
/// - `future` is valid for writes.
/// - The caller's next use of it is a poll with the context of a body that awaits it by value, or a drop.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn call_later<F>(future: *mut F, at: Option<&'static Location<'static>>) -> bool {
    if !is_lazy_chain::<F>() {
        return false;
    }
    let driver = future.cast::<Driver>();
    // SAFETY: `F` is a `LazyChain`, which begins with a driver's memory and has its leaf written.
    // `ForeignFuture`'s call, which calls this, owns it and hands it to `Awaiting` (invariant G).
    unsafe {
        let is_unpolled = Driver::leaf_of(driver).is_null();
        if is_unpolled {
            Driver::set_leaf_of(driver, called());
            Driver::note_call(driver, at);
        }
        is_unpolled
    }
}

/// Whether `future` waits to be called. (A pointer, since a reference would read fields that the future has borrowed
/// from itself.)
///
/// # Safety
/// The future is valid.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn is_to_be_called<F>(future: *const F) -> bool {
    // SAFETY: `F` is a `LazyChain`, which begins with a driver's memory and has its leaf written. `Awaiting`,
    // which calls this, owns it.
    is_lazy_chain::<F>() && unsafe { ptr::eq(Driver::leaf_of(future.cast()), called()) }
}

/// Whether `F` is a [`LazyChain`]: a constant, once it is compiled.
///
/// Stable Rust has one way to ask whether a type implements a trait, which the standard library documents:
/// [`Iterator::fuse`] ends an iterator with its first `None`, but leaves a `FusedIterator` as it is. If it ever did
/// otherwise, coroutines would be awaited as other futures are.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_lazy_chain<F>() -> bool {
    /// Gives `None` first, and then an item.
    struct Probe<F>(bool, PhantomData<fn() -> F>);

    impl<F> Iterator for Probe<F> {
        type Item = ();

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn next(&mut self) -> Option<()> {
            core::mem::replace(&mut self.0, true).then_some(())
        }
    }

    impl<F: LazyChain> FusedIterator for Probe<F> {}

    // Most futures are too small, and nothing is compiled for them.
    if const { size_of::<F>() < size_of::<Driver>() } {
        return false;
    }
    let mut probe = Probe::<F>(false, PhantomData).fuse();
    let _ = probe.next();
    probe.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::is_lazy_chain;

    /// A future that begins with another.
    #[expect(dead_code, reason = "only its type matters")]
    struct First<F>(F, [u64; 16]);

    fn is_lazy<F>(_: &F) -> bool {
        is_lazy_chain::<F>()
    }

    #[test]
    fn coroutines_are_told_from_other_futures() {
        let coroutine = || crate::coroutine_block! { #![coroutine(crate = crate)] };
        assert!(is_lazy(&coroutine()));
        assert!(is_lazy(&coroutine().boxed()));
        assert!(is_lazy(&coroutine().boxed_local()));
        assert!(!is_lazy(&coroutine().into_root()));
        assert!(!is_lazy(&First(coroutine(), [0; 16])));
        assert!(!is_lazy(&First((), [0; 16])));
        assert!(!is_lazy(&&coroutine()));
        assert!(!is_lazy(&Some(coroutine())));
    }
}

//! How a body's layout is computed before that of its caller.
//!
//! rustc computes the layout of a caller's future by descending into the callee's, through each type that lies
//! between them, and gives up at its `recursion_limit`. A local that is kept over an await is seven types away from the
//! future in it: the three that rustc itself puts around such locals, [`Slot`](super::Slot), two of its `ManuallyDrop`,
//! and the frame. With eight steps for each call in place, 14 calls would use up the default limit of 128.
//!
//! But rustc does not descend into a type whose layout it has already. So the expansion of each `.await` makes it
//! compute the callee's layout first, on a shorter way:
//!
//! ```text
//!   layout of the caller's future
//!     └─ MIR of the caller's body, which says what the future must store
//!          └─ Is this field of a packed struct, which is dropped, aligned?
//!               └─ layout of the field: `Probe<F>`, `[F; 0]`, `F`, the callee's future
//!                    └─ MIR of the callee's body
//!                         └─ …
//! ```
//!
//! That is three steps for a call. When rustc gets back to the caller, all that the caller stores has its layout.
//!
//! The question stands in a `match` arm for a value of a type that has no values. The arm never runs, the future stores
//! nothing for it, and an optimised build has no machine code for it. If a compiler does not ask there, calls in place
//! nest less deep, and nothing else changes.

use core::convert::Infallible;
use core::marker::PhantomData;

/// A third outcome of a call, which has no values: see the module's documentation.
///
/// (Its field is private: so rustc takes the expansion's arm for one that may run, and does not leave it out.)
#[derive(Debug)]
pub struct Never<F>(Infallible, PhantomData<fn() -> F>);

impl<F> Never<F> {
    /// Makes rustc ask for the layout of `F`, when one field is moved out of the result and the other is dropped.
    #[doc(hidden)]
    pub fn __cps_layout(&self) -> Layout<F> {
        match self.0 {}
    }

    /// A value of any type, which never exists.
    #[doc(hidden)]
    pub fn __cps_never<T>(self, _: Rest) -> T {
        match self.0 {}
    }
}

/// A packed struct of which one field is dropped. If that field may be unaligned, rustc moves it first: so rustc must
/// know its layout.
#[expect(missing_debug_implementations, reason = "none is ever made")]
#[repr(C, packed)]
pub struct Layout<F> {
    _probe: Probe<F>,
    /// The field that is moved out.
    pub __cps_rest: Rest,
}

/// Has a destructor for any `F`, and takes no memory.
#[derive(Debug)]
struct Probe<F>([F; 0]);

impl<F> Drop for Probe<F> {
    fn drop(&mut self) {}
}

/// The field that is moved out of a [`Layout`]. It has a destructor: else rustc drops the other field with the whole.
#[derive(Debug)]
pub struct Rest(());

impl Drop for Rest {
    fn drop(&mut self) {}
}

//! How a body's layout is computed before that of its caller.
//!
//! rustc computes the layout of a caller's future by descending into the callee's, through each type that lies
//! between them, and gives up at its `recursion_limit`. A local that is kept over an await is seven types away from the
//! future in it: the three that rustc itself puts around such locals, [`Slot`](super::Slot), two of its `ManuallyDrop`,
//! and the frame. With eight steps for each call in place, 14 calls would use up the default limit of 128.
//!
//! But what has a layout already is not descended into. So the expansion of each `.await` makes rustc ask for the layout
//! of what is called on a shorter way, before it computes the caller's:
//!
//! ```text
//!   layout of the caller's future
//!     └─ MIR of the caller's body, which says what the future has to store
//!          └─ Is this field of a packed struct, which is dropped, aligned?
//!               └─ layout of the field: `Probe<F>`, `[F; 0]`, `F`, the callee's future
//!                    └─ MIR of the callee's body
//!                         └─ …
//! ```
//!
//! That is three steps for a call. When the way is back at the caller, all that it stores has its layout.
//!
//! What asks is in an arm of a `match` that is for a value of a type without values. It has no machine code where
//! anything is optimised, is nothing that the future stores, and never runs. If a compiler does not ask there, calls
//! in place nest less deep, and nothing else changes.

use core::convert::Infallible;
use core::marker::PhantomData;

/// Stands in the place of what a call waits for, and has no values: see the module's documentation.
///
/// (Its field is private, so that rustc takes the arm of the expansion for one that may run, and does not leave it out.)
#[derive(Debug)]
pub struct Never<F>(Infallible, PhantomData<fn() -> F>);

impl<F> Never<F> {
    /// What rustc asks for the layout of `F` by, when a field is moved out of it and the other is dropped.
    #[doc(hidden)]
    pub fn __cps_layout(&self) -> Layout<F> {
        match self.0 {}
    }

    /// Anything.
    #[doc(hidden)]
    pub fn __cps_never<T>(self, _: Rest) -> T {
        match self.0 {}
    }
}

/// A packed struct of which one field is dropped: rustc moves that first if it is not aligned, and so has to know its
/// layout.
#[expect(missing_debug_implementations, reason = "none is ever made")]
#[repr(C, packed)]
pub struct Layout<F> {
    _probe: Probe<F>,
    /// Is moved out.
    pub __cps_rest: Rest,
}

/// Is dropped, whatever `F` is, and takes no memory.
#[derive(Debug)]
struct Probe<F>([F; 0]);

impl<F> Drop for Probe<F> {
    fn drop(&mut self) {}
}

/// What is moved out of a [`Layout`]. It has a destructor: else rustc drops the other field as a part of the whole.
#[derive(Debug)]
pub struct Rest(());

impl Drop for Rest {
    fn drop(&mut self) {}
}

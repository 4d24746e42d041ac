//! A chain of frames, whatever its bodies' types: what a wake-up resumes.
//!
//! ```text
//!            Driver                    Header (leaf)            Header (its caller)
//!        ┌────────────┐              ┌──────────────┐          ┌──────────────┐
//!        │ leaf ──────┼─────────────▶│ vtable       │    ┌────▶│ vtable       │
//!        │ cx         │              │ caller ──────┼────┘     │ caller ──────┼──▶ … ──▶ ROOT ──▶ ENDED
//!        │ step       │              ├──────────────┤          ├──────────────┤
//!        │ stack      │              │ body         │          │ body         │
//!        └────────────┘              └──────────────┘          └──────────────┘
//! ```
//!
//! A call runs on the host stack and writes nothing of this. Only if the callee suspends does it become
//! a part of the chain, while `Pending` is passed up through the calls:
//!
//! ```text
//!   what the innermost body awaits is pending         step: what that means (`Driver::yield_turn`, …)
//!       │ `Frame::call` of it                         its caller is linked; leaf = it
//!       ▼ `Frame::call` of its caller, and so on      its caller is linked
//!   `resume` of the frame that was resumed last
//! ```
//!
//! **Invariant L**: `Driver::leaf` is the frame that was resumed last or, while the chain is suspended, the
//! frame that runs next. It is written when a callee suspends and when a frame returns to its caller in
//! the chain, and never when a frame suspends that was resumed.
//!
//! **Invariant C**: while the chain is suspended, a frame is reachable from `leaf` through `caller` if and
//! only if its body has been constructed (or its arguments stored), and has neither returned nor been
//! dropped. While it runs, so are all of them but those whose start is under way, which are on the host
//! stack. Frames are live in strict LIFO order.
//!
//! **Invariant S**: whenever a frame is resumed, `Driver::step` is `NONE`: whoever takes note of a step that is
//! not resets it.

pub(crate) mod caller;
pub(crate) mod driver;
pub(crate) mod drop_chain;
pub(crate) mod header;
pub(crate) mod host_stack;
#[cfg(feature = "alloc")]
pub(crate) mod outermost;
#[cfg(feature = "backtrace")]
mod starting;
#[cfg(not(feature = "backtrace"))]
mod starting_unseen;
pub(crate) mod step;
#[cfg(feature = "alloc")]
mod type_id;

#[cfg(feature = "backtrace")]
pub(crate) use starting::Starting;
#[cfg(not(feature = "backtrace"))]
pub(crate) use starting_unseen::Starting;
#[cfg(feature = "alloc")]
pub(crate) use type_id::type_id;

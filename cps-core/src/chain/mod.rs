//! A chain of frames, without the types of its bodies. A wake-up resumes a chain.
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
//! A call runs on the host stack and writes nothing here. Only a callee that suspends becomes a part of the chain,
//! while `Pending` is passed up through the calls:
//!
//! ```text
//!   what the innermost body awaits is pending         step: what that means (`Driver::yield_turn`, …)
//!       │ `Frame::call` of it                         its caller is linked; leaf = it
//!       ▼ `Frame::call` of its caller, and so on      its caller is linked
//!   `resume` of the frame that was resumed last
//! ```
//!
//! **Invariant L**: `Driver::leaf` is the frame that was resumed last or, while the chain is suspended, the
//! frame that runs next. It is written when a callee suspends and when a frame returns to its caller in the chain, but
//! not when a frame that was resumed suspends again.
//!
//! **Invariant C**: while the chain is suspended, a frame is reachable from `leaf` through `caller` if and only if its
//! body has been constructed (or its arguments stored), and has neither returned nor been dropped. While the chain
//! runs, this holds for all frames but those that are being started, which are on the host stack. Frames end in the
//! reverse order of their calls.
//!
//! **Invariant S**: whenever a frame is resumed, `Driver::step` is `NONE`: the code that reads another step resets it.

pub(crate) mod caller;
pub(crate) mod driver;
pub(crate) mod drop_chain;
pub(crate) mod header;
pub(crate) mod host;
pub(crate) mod host_stack;
#[cfg(feature = "backtrace")]
mod nested;
#[cfg(not(feature = "backtrace"))]
mod nested_unseen;
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
pub(crate) use nested::{NestedCall, NestedCalls};
#[cfg(not(feature = "backtrace"))]
pub(crate) use nested_unseen::NestedCall;
#[cfg(all(feature = "alloc", not(feature = "backtrace")))]
pub(crate) use nested_unseen::NestedCalls;
#[cfg(feature = "backtrace")]
pub(crate) use starting::Starting;
#[cfg(not(feature = "backtrace"))]
pub(crate) use starting_unseen::Starting;
#[cfg(feature = "alloc")]
pub(crate) use type_id::type_id;

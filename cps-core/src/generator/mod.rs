//! Generators: bodies that yield items, as an iterator or a stream.
//!
//! ```text
//!       GeneratorRoot<T, B>                frame of the root body      frame of a delegate
//!   ┌─────────┬────────┬─────────────┐            ▲                          ▲
//!   │ driver  │ item   │ root frame ─┼────────────┘       …      caller ◀────┤
//!   │  leaf ──┼────────┼─────────────┼──────────────────────────────────────▶│
//!   └─────────┴────────┴─────────────┘                                       │
//!        Channel<T> ◀──── yield_ writes the item, and the chain suspends ────┘
//! ```
//!
//! A delegation, [`yield_from`], is a call: the other generator gets a frame in the chain of its caller. So `yield_`
//! at any depth suspends the one driver, `next` resumes the frame that yielded, and neither depends on the depth.
//! (C++23 has this as `co_yield ranges::elements_of(…)` of `std::generator`, P2502.) The item goes through one slot
//! beside the driver; frames hold nothing for it.
//!
//! A consumer of all remaining items, such as `fold`, leaves a *sink* in the channel. Then `yield_` hands the item to
//! the sink and goes on, and nothing is suspended.

mod advance;
mod channel;
mod delegate;
mod ending;
mod iterator;
mod methods;
mod mistaken;
mod stream;
mod yielding;

pub use delegate::{YieldFrom, yield_from};
pub use ending::Ending;
pub use iterator::{Generator, GeneratorRoot};
pub use stream::{AsyncGenerator, AsyncGeneratorRoot, NextItem};
pub use yielding::{Yield, yield_};

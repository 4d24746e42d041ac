//! Which branches of a branching point were woken: a set with one waker per branch.
//!
//! A *joiner* (the future of a `join`, a `race`, a `scope`) polls branches that lie in its own memory, each with a
//! waker of its own. Such a waker notes the branch in a [`Set`] that all share, and wakes the joiner's task if the
//! joiner sleeps. The joiner then resumes the noted branches and looks at no other: O(woken), however many there are.
//!
//! # Implementation notes
//!
//! ```text
//!   Wakes (in the joiner)        Set (one allocation)                       Slot
//!  ┌─────────────┐             ┌───────────────────────────────┐  ┌────────────────────┐
//!  │ set ────────┼────────────▶│ word  references  kept  spare │◀─┼ set                │
//!  │ first, last │─ ─ ─ ─ ─┐   ├────────┬────────┬────────┬────┤  │ next  queued  bit  │
//!  └─────────────┘         └ ─▶│ slot 0 │ slot 1 │ slot 2 │ …  │  └────────────────────┘
//!                              └────────┴────────┴────────┴────┘    a waker's data pointer
//! ```
//!
//! The set is allocated when the first waker is cloned: a join whose branches are all ready never has one. Wakers own
//! references to the set. The set owns nothing but the waker of the joiner's task, as long as the joiner lives.
//!
//! `Set::word` says which branches were woken, and whether a wake must wake the joiner's task. Its upper bits are the
//! woken branches: in a *small* set (up to [`SMALL`] branches) a bit for each, else the slot that was woken last, which
//! names the one before it, and so on.
//!
//! ```text
//!                    begin, end                                      (edges: methods)
//!         ┌───────────────────────────────────────┐
//!         ▼           note: calls the waker       │   note: MISSED
//!       ARMED ─────────────────────────────────▶ CALLED ───┐
//!       ▲   ▲                                     │ ▲ ▲    │
//!  born ┘   └─────────────────────────────────────┘ │ └────┘
//!             the call panics, and nobody polled    └─ the call panics: once more, for those MISSED
//! ```
//!
//! So a wake-up takes two read-modify-writes: one by the waker, which notes the branch and disarms, and one by the
//! joiner, which takes what was noted and arms again. The task's waker is neither cloned nor dropped: a wake calls it
//! where it lies, in a *place* that is in use meanwhile. There are two places, for the *kept* waker and a *spare* one;
//! the flag `SPARE` says which is meant.
//!
//! | `word` | the place is in use | the place's waker may be replaced or dropped by |
//! |---|---|---|
//! | `ARMED`, for this place | yes | the thread that clears the flag |
//! | anything else | yes | nobody, until the thread that cleared the flag by a wake, its *user*, has called the waker |
//! | anything else | no | the joiner |
//!
//! The call may last: the joiner's task may be polled during it, even by the same thread. A poll that finds the kept
//! waker in use arms with the spare one; a poll that finds that one in use too wakes its own task. If the joiner is
//! dropped while a thread calls a waker, that waker is dropped with the set.
//!
//! The call may panic. Its caller learns that by the panic, but other wakes, that come later or came during the call,
//! rely on it. So the thread that unwinds arms the set again, with the same place, if `CALLED` is still there ("failed
//! wake"): then the joiner lives and has not been polled, since each of its read-modify-writes clears that flag. And if
//! wakes came during the call, the thread calls the waker once more. (A second panic then ends the attempt; without the
//! feature `std` it ends the process.) What was noted remains. One case is not covered: a wake of a branch that another
//! thread is just noting relies on that thread's call, and is lost with it if the call panics.
//!
//! The waker that is called may be one of another set, if this joiner lies in a branch of another joiner, and so on.
//! Then the wake goes on there in a loop (`Climb`), and all places on its way are in use until the last waker has
//! returned. Likewise the last reference to a set may lead to the last reference to the next one: a loop frees these,
//! too.
//!
//! A slot of a set that is not small has states of its own:
//!
//! ```text
//!          note: swap            note: exchange of word      begin             next
//!    idle ────────────▶ claimed ───────────────────▶ queued ───────▶ drained ───────▶ idle
//!      (queued = true)  next: its waker's            next: the joiner's       (queued = false)
//! ```
//!
//! So it is in the list at most once, and a wake allocates nothing. A slot that is woken when no other is takes a short
//! cut: one exchange makes it a *sole* entry in the word, without queuing it. If others follow, that entry is the end
//! of the list; if the slot itself is queued too, it is resumed once, in its turn.
//!
//! The joiner drains the branches in the order in which they were woken. (A small set has the order of their numbers: a
//! joiner that stopped half-way every time would starve the last.)
//!
//! The races are named in `loom-tests/README.md`, and each ordering is shown to be needed by
//! `loom-tests/tests/wake_set.rs`.

#![allow(unreachable_pub, reason = "loom-tests includes this file as a public module")]

mod climb;
mod firsts;
mod joiner;
mod set;
mod turns;
mod wakers;

pub use firsts::Firsts;
pub use joiner::Wakes;
pub use set::SMALL;
pub use wakers::{BranchAt, First, branch_at, is_first, report};

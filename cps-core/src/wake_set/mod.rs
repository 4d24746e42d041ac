//! Which branches of a branching point were woken: a set with one waker per branch.
//!
//! A *joiner* (the future of a `join`, a `race`, a `scope`) polls branches that lie in its own memory.
//! Each branch is polled with a waker of its own, which notes the branch in a [`Set`] that all
//! share, and wakes the joiner's task if the joiner sleeps. The joiner then resumes the noted branches
//! and looks at no other: O(woken), however many there are.
//!
//! # Implementation notes
//!
//! ```text
//!   Wakes (in the joiner)        Set (one allocation)                       Slot
//!  ┌─────────────┐             ┌───────────────────────────────┐  ┌────────────────────┐
//!  │ set ────────┼────────────▶│ word  references  kept  spare │◀─┼ set                │
//!  │ first, last │─ ─ ─ ─ ─┐   ├────────┬────────┬────────┬────┤  │ next  queued       │
//!  └─────────────┘         └ ─▶│ slot 0 │ slot 1 │ slot 2 │ …  │  └────────────────────┘
//!                              └────────┴────────┴────────┴────┘    a waker's data pointer
//! ```
//!
//! The set is allocated when the first waker is cloned: a join whose branches are all ready never
//! has one. Wakers own references to the set; it owns nothing but the waker of the joiner's
//! task, and that no longer than the joiner lives.
//!
//! `Set::word` says what was woken, and whether a wake has to wake the joiner's task. Its upper bits are
//! the woken branches: a bit each in a *small* set (up to [`SMALL`] branches), else the slot that was
//! woken last, each slot naming the one before it.
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
//! A wake-up so takes two read-modify-writes: one by the waker, which notes the branch and disarms, and one by
//! the joiner, which takes what was noted and arms again. The task's waker is neither cloned nor dropped
//! for it: a wake calls it where it lies, in a *place* that is marked as in use meanwhile. There are two places,
//! for the *kept* waker and a *spare* one; the flag `SPARE` says which is meant.
//!
//! | `word` | the place is in use | the place's waker may be replaced or dropped by |
//! |---|---|---|
//! | `ARMED`, and of this place | yes | whoever clears the flag |
//! | anything else | yes | the thread that cleared it by a wake, until it has called the waker |
//! | anything else | no | the joiner |
//!
//! The call may last: the joiner's task may be polled in it, by the same thread even. A poll that finds the
//! kept waker in use arms with the spare one; a poll that finds that one in use too wakes its own task. If the
//! joiner goes away while somebody calls a waker, that is dropped with the set.
//!
//! The call may panic. Its caller is told by the panic, but other wakes that come later, or came during the call,
//! rely on it. So ("failed wake") whoever unwinds arms the set again, with the same place, as long as `CALLED` is
//! still there: the joiner has then not been polled, and lives, for each of its read-modify-writes clears that
//! flag. And if wakes came during the call it calls the waker once more. (A second panic then ends the attempt.
//! Without the feature `std` it ends the process, as any second panic does.) What was noted remains. Not
//! covered is a wake of a branch that another thread is noting, and whose call panics then: it ends as that one does.
//!
//! The waker that is called may be one of another set: that of the joiner in one of whose branches this one is, and so
//! on. Then the wake goes on there in a loop (`Climb`), and all places on its way are in use until the last waker has
//! returned. Likewise the last reference to a set may be what keeps the next one: these are freed in a loop, too.
//!
//! A slot of a set that is not small goes through a life of its own:
//!
//! ```text
//!          note: swap            note: exchange of word      begin             next
//!    idle ────────────▶ claimed ───────────────────▶ queued ───────▶ drained ───────▶ idle
//!      (queued = true)  next: its waker's            next: the joiner's       (queued = false)
//! ```
//!
//! so it is in the list at most once, and nothing is allocated by a wake. But a slot that is woken when no
//! other is takes a short cut: a *sole* entry in the word, by one exchange, without being queued. It is the end
//! of the list if others follow; the slot may be queued besides, and is then resumed once, in its turn.
//!
//! The joiner drains in the order in which the branches were woken (a small set: in the order of their
//! numbers, so a joiner that stops half-way every time would starve the last).
//!
//! The races are named in `loom-tests/README.md`, and each ordering is shown to be needed by
//! `loom-tests/tests/wake_set.rs`.

#![allow(unreachable_pub, reason = "loom-tests includes this file as a public module")]

mod climb;
mod joiner;
mod set;
mod wakers;

pub use joiner::Wakes;
pub use set::SMALL;
pub use wakers::{BranchAt, First, branch_at, report};

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
//!                      note: wakes the kept waker, by reference
//!            ┌──────────────────────────────────────────────────────┐   (edges: methods)
//!         ARMED ◀───────────────── begin, end ──────────────────── woken ──┐
//!            │                                                      ▲  ▲   │ note
//!  ──▶ born ─┘    ARMED_SPARE ──── note: wakes the spare waker ─────┘  └───┘
//!                     ▲ end: while the kept waker is in use
//! ```
//!
//! A wake-up so takes two read-modify-writes: one by the waker, which notes the branch and disarms, and one by
//! the joiner, which takes what was noted and arms again. The task's waker is neither cloned nor dropped
//! for it: a wake calls it where it lies, in a *place* that is marked as in use meanwhile.
//!
//! | `word` | `kept.in_use` | the kept waker may be replaced or dropped by |
//! |---|---|---|
//! | `ARMED`: nothing was woken since | yes | whoever clears the flag |
//! | anything else | yes | the thread that cleared it by a wake, until it has called the waker |
//! | anything else | no | the joiner |
//!
//! The call may last: the joiner's task may be polled in it, by the same thread even. A poll that finds the
//! kept waker in use arms with the *spare* one, for which the same table holds, but which is
//! taken out of its place before it is called, so that the place is in use for a moment only. A poll that
//! finds that one in use too wakes its own task. If the joiner goes away while somebody calls the kept
//! waker, that is dropped with the set.
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
//! numbers, so who stops half-way every time would starve the last).
//!
//! The races are named in `loom-tests/README.md`, and each ordering is shown to be needed by
//! `loom-tests/tests/wake_set.rs`.

#![allow(unreachable_pub, reason = "loom-tests includes this file as a public module")]

#[path = "wake_set/joiner.rs"]
mod joiner;
#[path = "wake_set/set.rs"]
mod set;
#[path = "wake_set/wakers.rs"]
mod wakers;

pub use joiner::Wakes;
pub use set::SMALL;
pub use wakers::report;

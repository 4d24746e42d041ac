//! Programs, and how they are generated.

use proptest::prelude::*;

/// A body: what it does, and how it ends.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) ops: Vec<Op>,
    pub(crate) end: End,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Awaits a leaf that is pending so many times.
    Suspend(u32),
    /// Puts a value into a local, and drops the one that is there.
    Keep,
    /// The same, of a value whose destructor panics.
    KeepBomb,
    Call {
        place: Place,
        /// By `?`.
        propagate: bool,
        node: Node,
    },
    /// Calls in a loop, which an error breaks.
    Repeat(u32, Node),
    Catch(Node),
}

/// How a callee is called, and what is lent to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Inline,
    LendTemporary,
    LendOwn,
    LendLent,
    Heap,
    Stack,
    /// On the frame stack, by the form that reports when it is full.
    TryStack,
    /// In place or on the frame stack, as its size decides.
    May,
    /// Without a frame.
    Nested,
    Boxed,
    /// As a future that nothing more is known of.
    Future,
    /// The same, of a boxed one.
    BoxedFuture,
    /// In an ad-hoc body.
    Block,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Value,
    Error,
    Panic,
}

pub(crate) const PLACES: [Place; 13] = [
    Place::Inline,
    Place::LendTemporary,
    Place::LendOwn,
    Place::LendLent,
    Place::Heap,
    Place::Stack,
    Place::TryStack,
    Place::May,
    Place::Nested,
    Place::Boxed,
    Place::Future,
    Place::BoxedFuture,
    Place::Block,
];

fn end() -> impl Strategy<Value = End> {
    prop_oneof![20 => Just(End::Value), 2 => Just(End::Error), 1 => Just(End::Panic)]
}

fn simple() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => (0..3u32).prop_map(Op::Suspend),
        8 => Just(Op::Keep),
        1 => Just(Op::KeepBomb),
    ]
}

fn call(callee: impl Strategy<Value = Node>) -> impl Strategy<Value = Op> {
    (prop::sample::select(&PLACES[..]), any::<bool>(), callee)
        .prop_map(|(place, propagate, node)| Op::Call { place, propagate, node })
}

fn node_of(op: impl Strategy<Value = Op>) -> impl Strategy<Value = Node> {
    (prop::collection::vec(op, 0..3), end()).prop_map(|(ops, end)| Node { ops, end })
}

/// A call of something small.
fn side_call() -> impl Strategy<Value = Op> {
    let leaf = || node_of(simple());
    prop_oneof![
        3 => call(node_of(prop_oneof![simple(), call(leaf())])),
        1 => (0..4u32, leaf()).prop_map(|(times, node)| Op::Repeat(times, node)),
        1 => leaf().prop_map(Op::Catch),
    ]
}

/// A program: a nest of up to ten calls, and what each frame does before and after its call.
pub(crate) fn node() -> impl Strategy<Value = Node> {
    let side = || prop::collection::vec(prop_oneof![2 => simple(), 1 => side_call()], 0..3);
    let place = prop_oneof![
        8 => prop::sample::select(&PLACES[..]).prop_map(Some),
        1 => Just(None), // Catches.
    ];
    let level = (side(), place, any::<bool>(), side(), end());
    let levels = if cfg!(miri) { 2..4 } else { 0..10 };
    let innermost = (side(), end()).prop_map(|(ops, end)| Node { ops, end });
    (prop::collection::vec(level, levels), innermost).prop_map(|(levels, innermost)| {
        levels.into_iter().fold(innermost, |node, (before, place, propagate, after, end)| {
            let mut ops = before;
            ops.push(match place {
                Some(place) => Op::Call { place, propagate, node },
                None => Op::Catch(node),
            });
            ops.extend(after);
            Node { ops, end }
        })
    })
}

/// How many cases to run: few under Miri.
pub(crate) fn cases(many: u32, few: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { few } else { many };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

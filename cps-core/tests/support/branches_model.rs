//! A model of recursion through branching points: the order of polls, values and drops when all of it is plain nested
//! futures. `branches_deep.rs` compares what is seen with it.

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    Join,
    /// The deep branch is the last one, and has the executor's waker.
    JoinLast,
    /// There are so many branches that the wake set is not a small one.
    JoinMany,
    TryJoin,
    Race,
    Select,
    During,
    Timeout,
    /// A branching point that is a branch.
    Nested,
    Scope,
    ScopeBody,
}

pub(crate) use Kind::*;

pub(crate) const KINDS: [Kind; 11] =
    [Join, JoinLast, JoinMany, TryJoin, Race, Select, During, Timeout, Nested, Scope, ScopeBody];

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Event {
    Enter(u32),
    Leave(u32),
    Drop(u32),
    Side(u32),
    SideDrop(u32),
}

pub(crate) use Event::*;

/// The events of nested polls, drops and panics.
pub(crate) struct Model {
    kinds: &'static [Kind],
    events: Vec<Event>,
}

/// The outcome of a poll of the deep branch.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    Pending,
    Value,
    Panic,
}

impl Model {
    fn kind(&self, depth: u32) -> Kind {
        self.kinds[depth as usize % self.kinds.len()]
    }

    /// Whether the branch beside the deep one is ready at once.
    fn has_ready_side(&self, depth: u32) -> bool {
        !matches!(self.kind(depth), Race | Select | During | Timeout | Nested)
    }

    pub(crate) fn start(&mut self, depth: u32, outcome: Outcome) {
        self.events.push(Enter(depth));
        if depth > 0 {
            let (side, is_first) = ([Side(depth), SideDrop(depth)], self.kind(depth) == JoinLast);
            if is_first {
                self.events.extend(side);
            }
            self.start(depth - 1, outcome);
            match outcome {
                _ if is_first => {}
                _ if self.has_ready_side(depth) && outcome != Outcome::Panic => {
                    self.events.extend(side);
                }
                Outcome::Pending => self.events.push(Side(depth)),
                _ => self.events.push(SideDrop(depth)),
            }
        }
        match outcome {
            Outcome::Pending => {}
            Outcome::Value => self.events.extend([Leave(depth), Drop(depth)]),
            Outcome::Panic => self.events.push(Drop(depth)),
        }
    }

    /// The end of levels that were started and are pending.
    pub(crate) fn end(&mut self, depth: u32, has_value: bool) {
        if depth > 0 {
            self.end(depth - 1, has_value);
            if !self.has_ready_side(depth) {
                self.events.push(SideDrop(depth));
            }
        }
        if has_value {
            self.events.push(Leave(depth));
        }
        self.events.push(Drop(depth));
    }
}

pub(crate) fn model(kinds: &'static [Kind], run: impl FnOnce(&mut Model)) -> Vec<Event> {
    let mut model = Model { kinds, events: Vec::new() };
    run(&mut model);
    model.events
}

/// Asserts that the events are the same; if not, shows where they differ first.
pub(crate) fn assert_same(seen: &[Event], expected: &[Event], kinds: &[Kind]) {
    let same = seen.iter().zip(expected).take_while(|(seen, expected)| seen == expected).count();
    let [seen, expected] = [seen, expected].map(|events| events[same..].iter().take(5).collect());
    let [seen, expected]: [Vec<_>; 2] = [seen, expected];
    assert_eq!(seen, expected, "{kinds:?}, after {same}");
}

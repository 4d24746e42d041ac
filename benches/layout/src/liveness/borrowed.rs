//! `MaybeBorrowedLocals`: to which locals there may be a pointer.

use fixedbitset::FixedBitSet;

use super::{State, forward, insert};
use crate::mir::{Body, Effects};

/// At the entry of each block that is reached.
pub(super) fn at_entries(body: &Body) -> Vec<Option<State>> {
    let transfer = |number: usize, state: &mut State| {
        let block = &body.blocks[number];
        block.statements.iter().for_each(|effects| step(state, effects));
        insert(state, &block.terminator.effects.borrowed);
    };
    let start = FixedBitSet::with_capacity(body.locals as usize);
    forward(body, start, transfer, |_, _, _| {})
}

/// Over one statement.
pub(super) fn step(state: &mut State, effects: &Effects) {
    insert(state, &effects.borrowed);
    if let Some(local) = effects.dead {
        state.set(local as usize, false);
    }
}

//! `MaybeRequiresStorage`: which locals may hold something. A local that is moved out of holds nothing, unless there
//! may be a pointer to it.

use fixedbitset::FixedBitSet;

use super::{State, StorageEnds, borrowed, forward, insert, written};
use crate::mir::{Body, Effects, RESUMED_WITH, Terminator};

/// At the entry of each block that is reached.
pub(super) fn at_entries(
    body: &Body,
    borrowed_at: &[Option<State>],
    ends: StorageEnds,
) -> Vec<Option<State>> {
    let transfer = |number: usize, state: &mut State| {
        let block = &body.blocks[number];
        let mut borrowed = borrowed_at[number].clone().expect("what is reached has a state");
        for effects in &block.statements {
            statement(state, effects, &borrowed, ends);
            borrowed::step(&mut borrowed, effects);
        }
        before_terminator(state, &block.terminator);
        if block.terminator.call {
            written(&block.terminator.effects)
                .into_iter()
                .for_each(|local| state.set(local, false));
        }
        moves(state, &block.terminator.effects, &borrowed, ends);
    };
    let edge = |terminator: &Terminator, name: &str, state: &mut State| {
        if terminator.writes_on(name) {
            state.extend(written(&terminator.effects));
        }
    };
    let mut start = FixedBitSet::with_capacity(body.locals as usize);
    start.insert(RESUMED_WITH as usize);
    forward(body, start, transfer, edge)
}

/// Over one statement.
pub(super) fn statement(state: &mut State, effects: &Effects, borrowed: &State, ends: StorageEnds) {
    before(state, effects);
    moves(state, effects, borrowed, ends);
}

/// The first half of a statement: what it writes needs storage.
pub(super) fn before(state: &mut State, effects: &Effects) {
    insert(state, &effects.borrowed);
    if let Some(local) = effects.dead {
        state.set(local as usize, false);
    }
    if let Some(local) = written(effects) {
        state.insert(local);
    }
}

/// The same of a terminator.
pub(super) fn before_terminator(state: &mut State, terminator: &Terminator) {
    insert(state, &terminator.effects.borrowed);
    if terminator.call {
        state.extend(written(&terminator.effects));
    }
}

/// The second half: what is moved away needs none.
pub(super) fn moves(state: &mut State, effects: &Effects, borrowed: &State, ends: StorageEnds) {
    if ends == StorageEnds::WithScope {
        return;
    }
    for &local in &effects.moved {
        if !borrowed.contains(local as usize) {
            state.set(local as usize, false);
        }
    }
}

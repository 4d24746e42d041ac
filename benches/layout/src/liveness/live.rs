//! `MaybeLiveLocals`: which locals may be read later.

use std::collections::VecDeque;

use fixedbitset::FixedBitSet;

use super::{State, insert};
use crate::mir::{Body, Effects};

/// At the end of each block, before its terminator has done anything.
pub(super) fn at_ends(body: &Body) -> Vec<State> {
    let count = body.blocks.len();
    let empty = FixedBitSet::with_capacity(body.locals as usize);
    let mut entries = vec![empty; count];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, block) in body.blocks.iter().enumerate() {
        for (_, target) in &block.terminator.targets {
            if let Some(list) = before.get_mut(*target) {
                list.push(number);
            }
        }
    }
    let mut queue: VecDeque<usize> = (0..count).collect();
    let mut queued = vec![true; count];
    while let Some(number) = queue.pop_back() {
        queued[number] = false;
        let block = &body.blocks[number];
        let mut state = at_end(body, &entries, number);
        insert(&mut state, &block.terminator.effects.used);
        for effects in block.statements.iter().rev() {
            step_back(&mut state, effects);
        }
        if state != entries[number] {
            entries[number] = state;
            for &earlier in &before[number] {
                if !queued[earlier] {
                    queued[earlier] = true;
                    queue.push_back(earlier);
                }
            }
        }
    }
    (0..count).map(|number| at_end(body, &entries, number)).collect()
}

/// What is live on some way out of a block.
fn at_end(body: &Body, entries: &[State], number: usize) -> State {
    let terminator = &body.blocks[number].terminator;
    let mut state = FixedBitSet::with_capacity(body.locals as usize);
    for (name, target) in &terminator.targets {
        let Some(entry) = entries.get(*target) else { continue };
        // Where a call returns, or a suspension is resumed, the local gets its value. If the coroutine is dropped
        // there, rustc lets it live.
        let resumed = terminator.writes_on(name) && name != "drop";
        let defined = terminator.effects.defined.filter(|_| resumed).map(|local| local as usize);
        state.extend(entry.ones().filter(|&local| Some(local) != defined));
    }
    state
}

/// Backwards over one statement.
fn step_back(state: &mut State, effects: &Effects) {
    if let Some(local) = effects.defined {
        state.set(local as usize, false);
    }
    insert(state, &effects.used);
}

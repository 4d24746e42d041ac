//! Which locals a coroutine must store: the analyses of `rustc_mir_transform::coroutine` and
//! `rustc_mir_dataflow::impls`, done again on a dump.
//!
//! They are done again because a scheme may change the body first: see [`Body::parse_relocated`]. On an unchanged
//! body they must find what the compiler found, [`Saved`], and every run of the lab compares the two.

mod borrowed;
mod live;
mod storage;

use fixedbitset::FixedBitSet;

use crate::mir::saved::Saved;
use crate::mir::{Body, Effects, Local, SELF};

/// Where storage ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageEnds {
    /// As in rustc: with the scope, or where the value is moved away.
    WithMove,
    /// With the scope only: what a block of its own could make of it.
    WithScope,
}

/// What a body must store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The locals that are stored, ascending; the indices in `saved` are positions here.
    pub locals: Vec<Local>,
    /// The variants and the conflicts.
    pub saved: Saved,
}

/// Locals of the states of all blocks.
type State = FixedBitSet;

/// The analyses. The last `captures` locals are relocated captures, which have no storage statements and yet are not
/// stored for life.
#[must_use]
pub fn analyse(body: &Body, captures: usize, ends: StorageEnds) -> Stored {
    let locals = body.locals as usize;
    let borrowed = borrowed::at_entries(body);
    let required = storage::at_entries(body, &borrowed, ends);
    let live = live::at_ends(body);

    let mut saved = FixedBitSet::with_capacity(locals);
    let mut suspended = Vec::new();
    for (number, block) in body.blocks.iter().enumerate() {
        if !block.terminator.suspends {
            continue;
        }
        let mut stored = FixedBitSet::with_capacity(locals);
        if let (Some(required), Some(borrowed)) = (&required[number], &borrowed[number]) {
            let (mut required, mut borrowed) = (required.clone(), borrowed.clone());
            for effects in &block.statements {
                storage::statement(&mut required, effects, &borrowed, ends);
                borrowed::step(&mut borrowed, effects);
            }
            storage::before_terminator(&mut required, &block.terminator);
            stored = live[number].clone();
            stored.union_with(&borrowed);
            stored.intersect_with(&required);
            stored.set(SELF as usize, false);
        }
        saved.union_with(&stored);
        suspended.push(stored);
    }

    let mut rows = conflicts(body, &borrowed, &required, &saved, ends);
    let always = stored_for_life(body, captures);
    let positions: Vec<usize> = saved.ones().collect();
    let position = |local: usize| positions.binary_search(&local).expect("it is saved");
    let variants = std::iter::repeat_n(Vec::new(), 3)
        .chain(suspended.iter().map(|stored| stored.ones().map(position).collect()))
        .collect();
    let conflicts = positions
        .iter()
        .map(|&local| {
            let row = &mut rows[local];
            if always.contains(local) {
                row.union_with(&saved);
            }
            row.intersect_with(&saved);
            let mut compact = FixedBitSet::with_capacity(positions.len());
            compact.extend(row.ones().map(position));
            compact
        })
        .collect();
    Stored {
        locals: positions.iter().map(|&local| local as Local).collect(),
        saved: Saved { count: positions.len(), variants, conflicts },
    }
}

/// For each saved local those that need storage at a point where it does.
fn conflicts(
    body: &Body,
    borrowed: &[Option<State>],
    required: &[Option<State>],
    saved: &State,
    ends: StorageEnds,
) -> Vec<State> {
    let locals = body.locals as usize;
    let mut rows = vec![FixedBitSet::with_capacity(locals); locals];
    for local in saved.ones() {
        rows[local].insert(local);
    }
    let mut noted = std::collections::HashSet::new();
    let mut note = |required: &State| {
        let mut now = required.clone();
        now.intersect_with(saved);
        if !now.is_clear() && noted.insert(now.clone()) {
            for local in now.ones() {
                rows[local].union_with(&now);
            }
        }
    };
    for (number, block) in body.blocks.iter().enumerate() {
        let (Some(required), Some(borrowed)) = (&required[number], &borrowed[number]) else {
            continue;
        };
        if block.terminator.unreachable {
            continue;
        }
        let (mut required, mut borrowed) = (required.clone(), borrowed.clone());
        for effects in &block.statements {
            storage::before(&mut required, effects);
            note(&required);
            storage::moves(&mut required, effects, &borrowed, ends);
            borrowed::step(&mut borrowed, effects);
        }
        storage::before_terminator(&mut required, &block.terminator);
        note(&required);
    }
    rows
}

/// The locals without storage statements, which are stored from the start to the end.
fn stored_for_life(body: &Body, captures: usize) -> State {
    let locals = body.locals as usize;
    let mut always = FixedBitSet::with_capacity(locals);
    always.insert_range(..locals - captures);
    for effects in body.blocks.iter().flat_map(|block| &block.statements) {
        for local in [effects.dead, effects.live].into_iter().flatten() {
            always.set(local as usize, false);
        }
    }
    always
}

/// Adds locals to a state.
fn insert(state: &mut State, locals: &[Local]) {
    for &local in locals {
        state.insert(local as usize);
    }
}

/// Runs a forward analysis to its fixed point: the states at the entries of blocks that are reached.
fn forward(
    body: &Body,
    start: State,
    transfer: impl Fn(usize, &mut State),
    edge: impl Fn(&crate::mir::Terminator, &str, &mut State),
) -> Vec<Option<State>> {
    let mut entries: Vec<Option<State>> = vec![None; body.blocks.len()];
    entries[0] = Some(start);
    let mut queue = std::collections::VecDeque::from([0]);
    let mut queued = vec![false; body.blocks.len()];
    while let Some(number) = queue.pop_front() {
        queued[number] = false;
        let mut state = entries[number].clone().expect("it is queued once it has a state");
        transfer(number, &mut state);
        let terminator = &body.blocks[number].terminator;
        for (name, target) in &terminator.targets {
            let mut state = state.clone();
            edge(terminator, name, &mut state);
            let Some(entry) = entries.get_mut(*target) else { continue };
            let grown = match entry {
                None => {
                    *entry = Some(state);
                    true
                }
                Some(entry) if state.is_subset(entry) => false,
                Some(entry) => {
                    entry.union_with(&state);
                    true
                }
            };
            if grown && !queued[*target] {
                queued[*target] = true;
                queue.push_back(*target);
            }
        }
    }
    entries
}

/// The locals that an effect list of a terminator or statement writes.
fn written(effects: &Effects) -> Option<usize> {
    effects.written.map(|local| local as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = include_str!("../../tests/dumps/looped.before.mir");
    const RESUME: &str = include_str!("../../tests/dumps/looped.resume.mir");

    #[test]
    fn it_finds_what_the_compiler_found() {
        let stored = analyse(&Body::parse(BEFORE).unwrap(), 0, StorageEnds::WithMove);
        assert_eq!(stored.saved, Saved::parse(RESUME).unwrap());
    }

    #[test]
    fn without_its_moves_it_finds_something_else() {
        let stored = analyse(&Body::parse(BEFORE).unwrap(), 0, StorageEnds::WithScope);
        assert_ne!(stored.saved, Saved::parse(RESUME).unwrap());
    }

    #[test]
    fn a_capture_that_is_moved_into_a_local_is_not_stored_itself() {
        let body = Body::parse_relocated(BEFORE, 2).unwrap();
        let stored = analyse(&body, 2, StorageEnds::WithMove);
        assert!(stored.locals.iter().all(|&local| local < body.locals - 2), "{:?}", stored.locals);
        assert_eq!(stored.saved, Saved::parse(RESUME).unwrap());
    }
}

//! One coroutine's memory over its suspensions, as it is today.

use crate::model::rustc;
use crate::program::{Coroutine, Item, Place, Program};

/// The states before the first suspension's.
const RESERVED: usize = 3;

/// A coroutine's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// In bytes.
    pub size: u64,
    /// In the order of the source, more or less.
    pub suspensions: Vec<Suspended>,
    /// The captures that are stored for life although the body moved them into variables, which are stored, too.
    pub doubled: Vec<(String, u64)>,
}

/// The memory at one suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// Where in the source.
    pub place: Place,
    /// By offset.
    pub pieces: Vec<Piece>,
}

/// Bytes that belong to something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// From the start.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
    /// Of the variable.
    pub name: String,
    /// Whether it is needed at this suspension.
    pub use_: Use,
}

/// Whether bytes are needed at a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// They are.
    Live,
    /// They are kept for another suspension, or were moved out long ago.
    Dead,
    /// They are the number of the state.
    State,
}

impl Suspended {
    /// The bytes of one use.
    #[must_use]
    pub fn bytes(&self, use_: Use) -> u64 {
        self.pieces.iter().filter(|piece| piece.use_ == use_).map(|piece| piece.size).sum()
    }

    /// The bytes that belong to nothing here: padding, and what other suspensions need.
    #[must_use]
    pub fn free(&self, size: u64) -> u64 {
        size.saturating_sub(self.pieces.iter().map(|piece| piece.size).sum())
    }
}

/// The memory of a coroutine.
#[must_use]
pub fn detail(program: &Program, found: &Coroutine) -> Detail {
    let extent = |item: &Item| {
        let ty = program.types.get(item.ty);
        crate::model::Extent { size: ty.size, align: ty.align }
    };
    let captures: Vec<_> = found.captures.iter().map(extent).collect();
    let locals: Vec<_> = found.locals.iter().map(extent).collect();
    let layout = rustc::layout(&captures, &locals, &found.saved);
    let new = &found.relocated;
    let suspensions = found
        .suspensions
        .iter()
        .enumerate()
        .map(|(i, place)| {
            let stored = &found.saved.variants[RESERVED + i];
            // A body that uses a capture where it is stores it as long as it needs it.
            let is_used = |capture: &usize| {
                new.slots.get(capture).is_some_and(|local| {
                    new.in_place[*local] && new.saved.variants[RESERVED + i].contains(local)
                })
            };
            let of_captures = (0..captures.len()).map(|capture| Piece {
                offset: layout.captures[capture],
                size: captures[capture].size,
                name: found.captures[capture].name.clone(),
                use_: if is_used(&capture) { Use::Live } else { Use::Dead },
            });
            let kept = (0..locals.len())
                .filter(|local| stored.contains(local) || layout.promoted.contains(*local));
            let of_locals = kept.map(|local| Piece {
                offset: layout.locals[local],
                size: locals[local].size,
                name: found.locals[local].name.clone(),
                use_: if stored.contains(&local) { Use::Live } else { Use::Dead },
            });
            let state = Piece {
                offset: layout.state,
                size: crate::model::Extent::of_state(found.saved.variants.len()).size,
                name: "state".to_owned(),
                use_: Use::State,
            };
            let mut pieces: Vec<Piece> =
                of_captures.chain(of_locals).filter(|piece| piece.size > 0).collect();
            pieces.push(state);
            pieces.sort();
            Suspended { place: place.clone(), pieces }
        })
        .collect();
    Detail {
        size: layout.extent.size,
        suspensions,
        doubled: (found.doubled.iter())
            .map(|&capture| (found.captures[capture].name.clone(), captures[capture].size))
            .filter(|(_, size)| *size > 0)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::recorded::{RESUME_TEXT, SIZE, program};

    #[test]
    fn every_byte_of_a_recorded_coroutine_is_live_dead_or_free() {
        let program = program(SIZE, RESUME_TEXT);
        let found = program.coroutines.values().next().unwrap();
        let detail = detail(&program, found);
        assert_eq!((detail.size, detail.doubled), (SIZE, vec![("b".to_owned(), 480)]));
        let bytes: Vec<[u64; 4]> = detail
            .suspensions
            .iter()
            .map(|at| {
                let of = |use_| at.bytes(use_);
                [of(Use::Live), of(Use::Dead), of(Use::State), at.free(SIZE)]
            })
            .collect();
        // Dead are the captures, at the second also `b` and `t`, which the first needs.
        assert_eq!(bytes, [[1477, 484, 1, 6], [985, 972, 1, 10]]);
        for suspended in detail.suspensions {
            let mut pieces = suspended.pieces.windows(2);
            assert!(pieces.all(|two| two[0].offset + two[0].size <= two[1].offset));
        }
    }
}

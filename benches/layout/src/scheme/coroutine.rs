//! The layout of `cps-core`: what a coroutine would be if it were one of this project's.
//!
//! ```text
//!   callee, in its caller's frame          value: a root that may have been polled or not
//!   ┌─────────────┬──────────────────┐     ┌────────┬────────┬──────────────────────────────┐
//!   │ header      │ future           │     │ driver │ header │ arguments │ future │ result  │
//!   └─────────────┴──────────────────┘     └────────┴────────┴──────────────────────────────┘
//! ```
//!
//! The future has captured nothing: its arguments are on the host stack until its first poll has moved them into
//! locals. It begins with a suspension of its own, that stores nothing, in which it gets them.

use fixedbitset::FixedBitSet;

use super::{Scheme, Sizes};
use crate::mir::saved::Saved;
use crate::model::{Extent, rustc};
use crate::program::Coroutine;

/// A frame's header: the vtable, and the caller.
pub const HEADER: u64 = 16;

/// What is before the root frame, in the default build of `cps-core`.
pub const DRIVER: u64 = 40;

const WORD: Extent = Extent { size: 8, align: 8 };

/// The header of frames, in a scheme that has them.
pub(super) fn header(scheme: Scheme) -> Option<Extent> {
    match scheme {
        Scheme::Coroutine => Some(Extent { size: HEADER, align: WORD.align }),
        Scheme::ShortHeader => Some(Extent { size: HEADER / 2, align: WORD.align }),
        _ => None,
    }
}

impl Sizes<'_> {
    /// The frame of a callee that lies in its caller's. (A result that does not fit there is on the host stack.)
    pub(super) fn frame(&mut self, found: &Coroutine) -> Extent {
        if let Some(&known) = self.frames.get(&found.ty) {
            return known;
        }
        self.frames.insert(found.ty, self.real(found.ty));
        let content = self.future(found);
        let frame = header(self.scheme).unwrap_or(Extent::EMPTY).then(content).padded();
        self.frames.insert(found.ty, frame);
        frame
    }

    /// The whole of a chain that is a value.
    pub(super) fn root(&mut self, found: &Coroutine) -> Extent {
        let captures = self.of_items(&found.captures);
        let arguments = rustc::together(&captures);
        let content = self.future(found).or(self.result(found)).or(arguments).or(WORD);
        let frame = header(self.scheme).unwrap_or(Extent::EMPTY).then(content).padded();
        Extent { size: DRIVER, align: WORD.align }.then(frame).padded()
    }

    fn result(&mut self, found: &Coroutine) -> Extent {
        found.output.map_or(Extent::EMPTY, |output| self.of(output))
    }

    fn future(&mut self, found: &Coroutine) -> Extent {
        let (locals, saved) = found.relocated.as_coroutine();
        let (mut locals, saved) = (self.of_items(locals), with_entry(saved));
        locals.push(Extent::EMPTY);
        rustc::layout(&[], &locals, &saved).extent
    }
}

/// With the suspension in which a body gets its arguments. What it awaits there has no size, but is a local of a
/// variant of its own.
pub(crate) fn with_entry(saved: &Saved) -> Saved {
    let count = saved.count + 1;
    let mut variants = saved.variants.clone();
    variants.insert(3, vec![saved.count]);
    let mut conflicts: Vec<FixedBitSet> = saved
        .conflicts
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row.grow(count);
            row
        })
        .collect();
    let mut entry = FixedBitSet::with_capacity(count);
    entry.insert(saved.count);
    conflicts.push(entry);
    Saved { count, variants, conflicts }
}

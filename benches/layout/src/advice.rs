//! What a person can do about a coroutine's size.

use crate::mir::saved::Saved;
use crate::model::{Extent, rustc};
use crate::program::{Coroutine, Place};
use crate::scheme::{HEADER, Scheme, Sizes, with_entry};
use fixedbitset::FixedBitSet;

/// Blocks of a coroutine, each packed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The first and the last suspension of each block.
    pub lines: Vec<(Place, Place)>,
    /// How many bytes they save together, of a coroutine of `cps-core`.
    pub saves: u64,
}

/// Less is not worth a block.
const WORTHWHILE: u64 = 64;

const WORD: Extent = Extent { size: 8, align: 8 };

/// The states before the first suspension's.
const RESERVED: usize = 3;

/// What a coroutine stores, and where it suspends.
#[derive(Clone)]
struct Body {
    locals: Vec<Extent>,
    saved: Saved,
}

/// The blocks of a coroutine that would be smaller with each of them as a coroutine of its own, awaited on the spot
/// (`coroutine_block!`; `pack!` may need some bytes more, for ways out of the block). What is stored over several
/// suspensions of a block, and outside of none, is then stored in the block, and no longer kept for the life of the
/// whole.
///
/// `sizes` must be those of [`Scheme::Coroutine`].
///
/// # Panics
/// If they are others.
pub fn blocks(sizes: &mut Sizes<'_>, found: &Coroutine) -> Option<Blocks> {
    assert_eq!(sizes.scheme(), Scheme::Coroutine);
    let (locals, saved) = found.relocated.as_coroutine();
    let body = Body { locals: sizes.of_items(locals), saved: saved.clone() };
    let whole = body.size();
    let candidates = candidates(&body);
    // All together first: one block alone may bring nothing, since the others' locals keep their places.
    let (together, alone) =
        (grown(&body, disjoint(&candidates), &candidates), grown(&body, Vec::new(), &candidates));
    let (chosen, best) = if alone.1 < together.1 { alone } else { together };
    let saves = whole.saturating_sub(best);
    (saves >= WORTHWHILE).then(|| Blocks {
        lines: chosen
            .iter()
            .map(|&(first, last)| {
                (found.suspensions[first].clone(), found.suspensions[last].clone())
            })
            .collect(),
        saves,
    })
}

/// From the first to the last of some suspensions, by their numbers.
type Range = (usize, usize);

fn are_apart(a: Range, b: Range) -> bool {
    a.1 < b.0 || b.1 < a.0
}

/// Ranges of suspensions over which some local is stored that is kept for life; those of large locals first.
fn candidates(body: &Body) -> Vec<Range> {
    let layout = rustc::layout(&[], &body.locals, &body.saved);
    let mut promoted: Vec<usize> = layout.promoted.ones().collect();
    promoted.sort_by_key(|&local| std::cmp::Reverse(body.locals[local].size));
    let mut ranges = Vec::new();
    let all = body.saved.variants.len() - RESERVED;
    for local in promoted {
        let mut stored = (0..all).filter(|i| body.saved.variants[RESERVED + i].contains(&local));
        let Some(first) = stored.next() else { continue };
        let last = stored.next_back().unwrap_or(first);
        // A block around all of it is the coroutine itself.
        let is_whole = (first, last) == (0, all - 1);
        let is_new = !ranges.contains(&(first, last));
        if body.locals[local].size > WORD.size && first < last && !is_whole && is_new {
            ranges.push((first, last));
        }
    }
    ranges
}

/// As many as are apart from those before them.
fn disjoint(ranges: &[Range]) -> Vec<Range> {
    let mut chosen: Vec<Range> = Vec::new();
    for &range in ranges {
        if chosen.iter().all(|&other| are_apart(range, other)) {
            chosen.push(range);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Some ranges without those that bring nothing, and with others that bring something; and the size.
fn grown(body: &Body, mut chosen: Vec<Range>, candidates: &[Range]) -> (Vec<Range>, u64) {
    let mut best = packed(body, &chosen).size();
    let mut at = 0;
    while at < chosen.len() {
        let mut without = chosen.clone();
        without.remove(at);
        let size = packed(body, &without).size();
        if size <= best {
            (chosen, best) = (without, size);
        } else {
            at += 1;
        }
    }
    for &range in candidates {
        if chosen.iter().any(|&other| !are_apart(range, other)) {
            continue;
        }
        let mut with = chosen.clone();
        with.push(range);
        with.sort_unstable();
        let size = packed(body, &with).size();
        if size < best {
            (chosen, best) = (with, size);
        }
    }
    (chosen, best)
}

/// With some ranges of suspensions packed by themselves.
fn packed(body: &Body, ranges: &[Range]) -> Body {
    let mut body = body.clone();
    // From the last: so those before keep their numbers.
    for &range in ranges.iter().rev() {
        body = body.pack(range);
    }
    body
}

impl Body {
    fn size(&self) -> u64 {
        let mut locals = self.locals.clone();
        locals.push(Extent::EMPTY);
        rustc::layout(&[], &locals, &with_entry(&self.saved)).extent.size
    }

    /// With the suspensions from the first to the last of a range replaced by that of an inner coroutine.
    fn pack(&self, (first, last): Range) -> Self {
        let range = RESERVED + first..=RESERVED + last;
        let stored_in = |local: usize| {
            let variants = self.saved.variants.iter().enumerate();
            variants.filter(move |(_, stored)| stored.contains(&local)).map(|(variant, _)| variant)
        };
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..self.saved.count)
            .partition(|&local| stored_in(local).all(|variant| range.contains(&variant)));
        // The block has a reference to what is outside of it, for all that it knows.
        let around: Vec<usize> = (outside.iter().copied())
            .filter(|&local| stored_in(local).any(|variant| range.contains(&variant)))
            .collect();
        let mut inner =
            self.part(&inside, |variant| variant < RESERVED || range.contains(&variant));
        for _ in &around {
            inner.add(WORD, |variant| variant >= RESERVED, |_| true);
        }
        let header = Extent { size: HEADER, align: WORD.align };
        let content = rustc::layout(
            &[],
            &[&inner.locals[..], &[Extent::EMPTY]].concat(),
            &with_entry(&inner.saved),
        );
        let frame = header.then(content.extent.or(WORD)).padded();

        let mut outer =
            self.part(&outside, |variant| !range.contains(&variant) || variant == *range.start());
        let start = *range.start();
        outer.saved.variants[start] =
            (0..outside.len()).filter(|&i| around.contains(&outside[i])).collect();
        let conflicts = |i: usize| {
            around.contains(&outside[i])
                || inside.iter().any(|&local| self.saved.conflicts[local].contains(outside[i]))
        };
        outer.add(frame, |variant| variant == start, conflicts);
        outer
    }

    /// Some of the locals, in some of the variants.
    fn part(&self, locals: &[usize], variants: impl Fn(usize) -> bool) -> Self {
        let position = |local: &usize| locals.iter().position(|other| other == local);
        let kept = self.saved.variants.iter().enumerate().filter(|(variant, _)| variants(*variant));
        let conflicts = locals.iter().map(|&local| {
            let mut row = FixedBitSet::with_capacity(locals.len());
            row.extend(self.saved.conflicts[local].ones().filter_map(|other| position(&other)));
            row
        });
        Self {
            locals: locals.iter().map(|&local| self.locals[local]).collect(),
            saved: Saved {
                count: locals.len(),
                conflicts: conflicts.collect(),
                variants: kept
                    .map(|(_, stored)| stored.iter().filter_map(position).collect())
                    .collect(),
            },
        }
    }

    /// One more local, in some variants, in conflict with some of the others.
    fn add(
        &mut self,
        extent: Extent,
        variants: impl Fn(usize) -> bool,
        conflicts: impl Fn(usize) -> bool,
    ) {
        let new = self.saved.count;
        self.locals.push(extent);
        self.saved.count += 1;
        for (variant, stored) in self.saved.variants.iter_mut().enumerate() {
            if variants(variant) {
                stored.push(new);
            }
        }
        let mut row = FixedBitSet::with_capacity(new + 1);
        row.insert(new);
        for (other, others) in self.saved.conflicts.iter_mut().enumerate() {
            others.grow(new + 1);
            if conflicts(other) {
                others.insert(new);
                row.insert(other);
            }
        }
        self.saved.conflicts.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks in sequence, each with a local of its own over two suspensions.
    fn in_sequence(blocks: usize) -> Body {
        let alone = |local| {
            let mut row = FixedBitSet::with_capacity(blocks);
            row.insert(local);
            row
        };
        let suspended = (0..blocks).flat_map(|local| [vec![local], vec![local]]);
        Body {
            locals: vec![Extent { size: 1024, align: 1 }; blocks],
            saved: Saved {
                count: blocks,
                variants: std::iter::repeat_n(Vec::new(), RESERVED).chain(suspended).collect(),
                conflicts: (0..blocks).map(alone).collect(),
            },
        }
    }

    #[test]
    fn blocks_in_sequence_share_memory_once_each_is_packed() {
        let body = in_sequence(4);
        assert_eq!(body.size(), 4 * 1024 + 1);
        let ranges = disjoint(&candidates(&body));
        assert_eq!(ranges, [(0, 1), (2, 3), (4, 5), (6, 7)]);
        // One alone brings nothing.
        assert!(packed(&body, &ranges[..1]).size() >= body.size());
        let all = packed(&body, &ranges).size();
        assert!(all < 1024 + 64, "{all}");
    }

    #[test]
    fn what_is_stored_around_a_block_stays_outside() {
        let mut body = in_sequence(2);
        body.add(WORD, |variant| variant >= RESERVED, |_| true);
        let packed = body.pack((0, 1));
        assert_eq!(packed.locals[..2], [Extent { size: 1024, align: 1 }, WORD]);
        assert_eq!(packed.saved.variants[RESERVED..], [vec![1, 2], vec![0, 1], vec![0, 1]]);
        // The payload, the header, a reference, and the state.
        assert_eq!(packed.locals[2].size, 1024 + 16 + 8 + 8);
    }
}

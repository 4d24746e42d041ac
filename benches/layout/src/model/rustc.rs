//! rustc's own layout of coroutines: `rustc_abi::layout::{univariant, coroutine}`.
//!
//! Niches are left out. Those of captures change the order within a group of equal alignment and never a size; stored
//! locals are `MaybeUninit` and have none.

use fixedbitset::FixedBitSet;

use super::Extent;
use crate::mir::saved::Saved;

/// Where a coroutine has what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Of the whole.
    pub extent: Extent,
    /// The size of the part that all variants have.
    pub prefix: u64,
    /// Of each capture.
    pub captures: Vec<u64>,
    /// Of each stored local.
    pub locals: Vec<u64>,
    /// Of the number of the state.
    pub state: u64,
    /// The locals that are in the prefix.
    pub promoted: FixedBitSet,
}

/// The layout of a coroutine that has these captures and stored locals.
#[must_use]
pub fn layout(captures: &[Extent], locals: &[Extent], saved: &Saved) -> Layout {
    let promotion = Promotion::of(saved, false);
    let promoted: Vec<usize> = promotion.promoted.ones().collect();
    let mut fields = captures.to_vec();
    fields.push(Extent::of_state(saved.variants.len()));
    fields.extend(promoted.iter().map(|&local| locals[local]));
    let (prefix, offsets) = prefix(&fields);
    let mut places = vec![0; locals.len()];
    for (&local, &offset) in promoted.iter().zip(&offsets[captures.len() + 1..]) {
        places[local] = offset;
    }
    let mut whole = prefix;
    for variant in &saved.variants {
        let own: Vec<usize> =
            variant.iter().copied().filter(|&l| !promotion.promoted.contains(l)).collect();
        let fields: Vec<Extent> = own.iter().map(|&local| locals[local]).collect();
        let (extent, offsets) = behind(prefix, &fields);
        for (&local, offset) in own.iter().zip(offsets) {
            places[local] = offset;
        }
        whole = whole.or(extent);
    }
    Layout {
        extent: whole.padded(),
        prefix: prefix.size,
        captures: offsets[..captures.len()].to_vec(),
        locals: places,
        state: offsets[captures.len()],
        promoted: promotion.promoted,
    }
}

/// Which locals go to the prefix.
pub(super) struct Promotion {
    pub(super) promoted: FixedBitSet,
    /// Fewer than two variants store anything of their own: then nothing is left to them.
    pub(super) all: bool,
}

impl Promotion {
    /// `unresumed` says that the first variant has fields, too.
    pub(super) fn of(saved: &Saved, unresumed: bool) -> Self {
        let mut variant_of: Vec<Option<usize>> = vec![None; saved.count];
        let mut promoted = FixedBitSet::with_capacity(saved.count);
        for (variant, locals) in saved.variants.iter().enumerate() {
            for &local in locals {
                match variant_of[local] {
                    None => variant_of[local] = Some(variant),
                    Some(other) if other != variant => promoted.insert(local),
                    Some(_) => {}
                }
            }
        }
        // Of two that need storage at the same time in different variants, one must go.
        let weight = |local: usize| saved.conflicts[local].count_ones(..);
        for a in 0..saved.count {
            for b in saved.conflicts[a].ones() {
                if promoted.contains(a) {
                    break;
                }
                if promoted.contains(b) || variant_of[a] == variant_of[b] {
                    continue;
                }
                promoted.insert(if weight(a) > weight(b) { a } else { b });
            }
        }
        let mut used = FixedBitSet::with_capacity(saved.variants.len());
        used.extend(
            (0..saved.count).filter(|&l| !promoted.contains(l)).filter_map(|l| variant_of[l]),
        );
        let all = used.count_ones(..) + usize::from(unresumed) < 2;
        if all {
            promoted.insert_range(..);
        }
        Self { promoted, all }
    }
}

/// The extent of a struct with these fields.
#[must_use]
pub fn together(fields: &[Extent]) -> Extent {
    prefix(fields).0
}

/// The logarithm of the largest alignment that a field of this size or alignment fills.
fn fills(field: Extent) -> u32 {
    let largest = field.size.max(field.align);
    if largest == 0 { u64::BITS } else { largest.trailing_zeros() }
}

/// Fields by descending alignment.
pub(super) fn prefix(fields: &[Extent]) -> (Extent, Vec<u64>) {
    let align = fields.iter().map(|field| field.align).max().unwrap_or(1);
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(fills(fields[i]).min(align.trailing_zeros())));
    let mut offsets = vec![0; fields.len()];
    let mut end = Extent::EMPTY;
    for i in order {
        offsets[i] = end.size.next_multiple_of(fields[i].align);
        end = end.then(fields[i]);
    }
    (end.padded(), offsets)
}

/// Fields by ascending alignment, behind a prefix.
pub(super) fn behind(prefix: Extent, fields: &[Extent]) -> (Extent, Vec<u64>) {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| fills(fields[i]));
    let mut offsets = vec![0; fields.len()];
    let mut end = prefix.padded();
    for i in order {
        offsets[i] = end.size.next_multiple_of(fields[i].align);
        end = end.then(fields[i]);
    }
    (end.padded(), offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: Extent = Extent { size: 8, align: 8 };

    fn saved(count: usize, suspended: &[&[usize]], conflicts: &[(usize, usize)]) -> Saved {
        let mut rows = vec![FixedBitSet::with_capacity(count); count];
        for &(a, b) in conflicts {
            rows[a].insert(b);
            rows[b].insert(a);
        }
        let variants = std::iter::repeat_n(Vec::new(), 3)
            .chain(suspended.iter().map(|variant| variant.to_vec()))
            .collect();
        Saved { count, variants, conflicts: rows }
    }

    #[test]
    fn the_size_of_a_recorded_coroutine_is_that_of_the_compiler() {
        let text = include_str!("../../tests/dumps/looped.resume.mir");
        let extent = |size, align| Extent { size, align };
        let (big, leaf) = (extent(480, 8), extent(976, 8));
        let locals = [big, WORD, extent(8, 4), extent(4, 4), leaf, WORD, leaf, Extent::BYTE];
        let layout = layout(&[big, extent(4, 4)], &locals, &Saved::parse(text).unwrap());
        assert_eq!(layout.extent, extent(1968, 8));
        assert_eq!(layout.locals, [480, 960, 980, 976, 992, 976, 984, 973]);
        assert_eq!(layout.captures, [0, 968]);
    }

    #[test]
    fn a_local_over_two_suspensions_is_kept_for_life() {
        let both = saved(3, &[&[0, 1], &[0, 2]], &[(0, 1), (0, 2)]);
        let layout = layout(&[], &[WORD; 3], &both);
        assert_eq!((layout.promoted.ones().collect::<Vec<_>>(), layout.prefix), (vec![0], 16));
        assert_eq!(layout.extent.size, 24);
        assert_eq!(layout.locals[1], layout.locals[2]);
    }

    #[test]
    fn locals_of_different_suspensions_that_conflict_share_nothing() {
        let conflicting = saved(2, &[&[0], &[1]], &[(0, 1)]);
        assert_eq!(layout(&[], &[WORD; 2], &conflicting).extent.size, 24);
        let apart = saved(2, &[&[0], &[1]], &[]);
        assert_eq!(layout(&[], &[WORD; 2], &apart).extent.size, 16);
    }
}

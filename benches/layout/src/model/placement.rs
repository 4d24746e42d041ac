//! Placing what may overlap: the interference graph of what a coroutine stores, packed by first fit.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;

use super::Extent;
use crate::mir::saved::Saved;

/// What is placed, and what may not overlap what.
#[derive(Clone, Debug, Default)]
pub struct Items {
    extents: Vec<Extent>,
    /// For each item the others that it must not overlap; symmetric once placed.
    apart: Vec<Vec<usize>>,
}

impl Items {
    /// Adds an item, and gives its number.
    pub fn add(&mut self, extent: Extent) -> usize {
        self.extents.push(extent);
        self.apart.push(Vec::new());
        self.extents.len() - 1
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.extents.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Keeps each item of one list apart from each of another.
    pub fn keep_apart(&mut self, these: &[usize], those: &[usize]) {
        for &a in these {
            for &b in those {
                if a != b {
                    self.apart[a].push(b);
                    self.apart[b].push(a);
                }
            }
        }
    }

    /// The memory that they need: the best of several orders, each by first fit.
    #[must_use]
    pub fn place(&self) -> Extent {
        let degree = |i: usize| self.apart[i].len() as u64 + 1;
        let by_size = self.place_in(|i| Reverse((self.extents[i].size, self.extents[i].align)));
        let by_align = self.place_in(|i| Reverse((self.extents[i].align, self.extents[i].size)));
        let by_weight =
            self.place_in(|i| Reverse((self.extents[i].size * degree(i), self.extents[i].align)));
        let align = self.extents.iter().map(|extent| extent.align).max().unwrap_or(1);
        Extent { size: by_size.min(by_align).min(by_weight), align }.padded()
    }

    fn place_in<K: Ord>(&self, key: impl Fn(usize) -> K) -> u64 {
        let mut order: Vec<usize> = (0..self.extents.len()).collect();
        order.sort_by_key(|&i| key(i));
        let mut places: Vec<Option<u64>> = vec![None; self.extents.len()];
        let mut end = 0;
        for item in order {
            let Extent { size, align } = self.extents[item];
            if size == 0 {
                continue;
            }
            let mut busy: Vec<(u64, u64)> = self.apart[item]
                .iter()
                .filter_map(|&other| {
                    Some((places[other]?, places[other]? + self.extents[other].size))
                })
                .collect();
            busy.sort_unstable();
            let mut at = 0u64;
            for (start, stop) in busy {
                if at.next_multiple_of(align) + size <= start {
                    break;
                }
                at = at.max(stop);
            }
            let at = at.next_multiple_of(align);
            places[item] = Some(at);
            end = end.max(at + size);
        }
        end
    }
}

/// Where the captures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captures {
    /// Beside all locals, for life.
    ForLife,
    /// Anywhere, before the first resume.
    BeforeStart,
    /// Where their locals are, so that nothing is moved at the start.
    InTheirLocals,
}

/// The extent of a coroutine if only what needs storage at the same time is kept apart.
#[must_use]
pub fn extent(
    captures: &[Extent],
    locals: &[Extent],
    saved: &Saved,
    slots: &BTreeMap<usize, usize>,
    place: Captures,
) -> Extent {
    let mut items = Items::default();
    let state = items.add(Extent::of_state(saved.variants.len()));
    let stored: Vec<usize> = locals.iter().map(|&extent| items.add(extent)).collect();
    items.keep_apart(&[state], &stored);
    keep_conflicts_apart(
        &mut items,
        &saved.conflicts,
        &stored.iter().map(|&i| vec![i]).collect::<Vec<_>>(),
    );
    let captured: Vec<usize> = captures
        .iter()
        .enumerate()
        .map(|(capture, &extent)| match slots.get(&capture) {
            Some(&local) if place == Captures::InTheirLocals => stored[local],
            _ => items.add(extent),
        })
        .collect();
    items.keep_apart(&captured, &captured);
    items.keep_apart(&[state], &captured);
    if place == Captures::ForLife {
        items.keep_apart(&captured, &stored);
    }
    items.place()
}

/// Keeps groups of items apart as the locals that they stand for.
pub fn keep_conflicts_apart(items: &mut Items, conflicts: &[FixedBitSet], groups: &[Vec<usize>]) {
    for (a, row) in conflicts.iter().enumerate() {
        for b in row.ones() {
            // The relation may hold one way only; apart is apart.
            if a < b || !conflicts[b].contains(a) {
                items.keep_apart(&groups[a], &groups[b]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: Extent = Extent { size: 8, align: 8 };

    #[test]
    fn only_what_is_kept_apart_needs_memory_of_its_own() {
        let mut items = Items::default();
        let all: Vec<usize> = (0..3).map(|_| items.add(WORD)).collect();
        assert_eq!(items.place(), WORD);
        items.keep_apart(&all[..1], &all[1..]);
        assert_eq!(items.place().size, 16);
        items.keep_apart(&all[1..], &all[1..]);
        assert_eq!(items.place().size, 24);
    }

    #[test]
    fn a_hole_is_filled() {
        let mut items = Items::default();
        let all =
            [items.add(WORD), items.add(Extent::BYTE), items.add(Extent { size: 4, align: 4 })];
        items.keep_apart(&all, &all);
        assert_eq!(items.place(), Extent { size: 16, align: 8 });
    }
}

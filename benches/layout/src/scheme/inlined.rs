//! One placement for a coroutine and all that it awaits, and the bound that no scheme can fall below.

use super::{Scheme, Sizes};
use crate::model::Extent;
use crate::model::placement::{Items, keep_conflicts_apart};
use crate::program::{AWAITED, Coroutine, Item};

/// Of a tree with more items than this, what is further down is placed by itself.
const ITEMS: usize = 2000;

/// The extent of a coroutine that is placed with what it awaits. Where that is worse than one at a time, it is not
/// done.
pub(super) fn extent(sizes: &mut Sizes<'_>, found: &Coroutine) -> Extent {
    let alone = sizes.alone(found);
    let mut items = Items::default();
    let mut left = ITEMS;
    add(sizes, found, &mut items, &mut left);
    let together = items.place();
    if together.size < alone.size { together } else { alone }
}

/// Adds the items of a coroutine, and gives their numbers.
fn add(
    sizes: &mut Sizes<'_>,
    found: &Coroutine,
    items: &mut Items,
    left: &mut usize,
) -> Vec<usize> {
    let program = sizes.program;
    let own = 1 + found.captures.len() + found.relocated.locals.len();
    *left = left.saturating_sub(own);
    let state = items.add(Extent::of_state(found.relocated.saved.variants.len()));
    let mut groups = Vec::new();
    for local in &found.relocated.locals {
        let awaited = program.coroutines.get(&local.ty).filter(|_| local.name == AWAITED);
        groups.push(match awaited {
            Some(awaited) if *left > 0 => add(sizes, awaited, items, left),
            _ => vec![items.add(sizes.of(local.ty))],
        });
    }
    keep_conflicts_apart(items, &found.relocated.saved.conflicts, &groups);
    let captures: Vec<usize> =
        found.captures.iter().map(|capture| items.add(sizes.of(capture.ty))).collect();
    items.keep_apart(&captures, &captures);
    let mut all: Vec<usize> = groups.concat();
    all.extend(captures);
    items.keep_apart(&[state], &all);
    all.push(state);
    all
}

/// The live bytes of the suspension with most, and a byte for the state.
pub(super) fn bound(sizes: &mut Sizes<'_>, found: &Coroutine) -> Extent {
    let size = live(sizes, found);
    let mut align = 1;
    for item in found.captures.iter().chain(&found.relocated.locals) {
        align = sizes.of(item.ty).align.max(align);
    }
    Extent { size, align }.padded()
}

fn live(sizes: &mut Sizes<'_>, found: &Coroutine) -> u64 {
    debug_assert_eq!(sizes.scheme, Scheme::Bound);
    if let Some(&known) = sizes.bounds.get(&found.ty) {
        return known;
    }
    sizes.bounds.insert(found.ty, 0);
    let captures: u64 = found.captures.iter().map(|capture| sizes.of(capture.ty).size).sum();
    let locals: Vec<u64> =
        found.relocated.locals.iter().map(|local| live_in(sizes, local)).collect();
    let suspended = found.relocated.saved.variants.iter();
    let most = suspended.map(|variant| variant.iter().map(|&local| locals[local]).sum()).max();
    let live = 1 + captures.max(most.unwrap_or(0));
    sizes.bounds.insert(found.ty, live);
    live
}

fn live_in(sizes: &mut Sizes<'_>, local: &Item) -> u64 {
    let program = sizes.program;
    match program.coroutines.get(&local.ty) {
        Some(awaited) if local.name == AWAITED => live(sizes, awaited),
        _ => sizes.of(local.ty).size,
    }
}

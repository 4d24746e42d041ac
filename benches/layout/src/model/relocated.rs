//! Captures as fields of the state before the first resume only, as rust-lang/rust#135527 proposes: a body moves them
//! into locals first, and these are stored where they are needed.

use std::collections::BTreeMap;

use super::Extent;
use super::rustc::{Promotion, behind, prefix};
use crate::mir::saved::Saved;

/// The extent of a coroutine whose body was analysed with its captures relocated.
///
/// `slots` gives for a capture the stored local that it becomes; where that is in the prefix, they share memory.
#[must_use]
pub fn extent(
    captures: &[Extent],
    locals: &[Extent],
    saved: &Saved,
    slots: &BTreeMap<usize, usize>,
) -> Extent {
    let Promotion { promoted, all } = Promotion::of(saved, !captures.is_empty());
    let mut fields = vec![Extent::of_state(saved.variants.len())];
    let mut unresumed: Vec<Extent> = Vec::new();
    if all {
        fields.extend(captures);
    } else {
        let own = captures.iter().enumerate().filter(|(capture, _)| {
            !slots.get(capture).is_some_and(|&local| promoted.contains(local))
        });
        unresumed.extend(own.map(|(_, extent)| extent));
    }
    fields.extend(promoted.ones().map(|local| locals[local]));
    let prefix = prefix(&fields).0;
    let suspended = saved.variants.iter().skip(3).map(|variant| {
        let own = variant.iter().filter(|&&local| !promoted.contains(local));
        own.map(|&local| locals[local]).collect::<Vec<_>>()
    });
    std::iter::once(unresumed)
        .chain(suspended)
        .map(|fields| behind(prefix, &fields).0)
        .fold(prefix, Extent::or)
        .padded()
}

//! All coroutines of a program under all schemes.

use std::collections::{BTreeMap, BTreeSet};

use crate::dwarf::TypeId;
use crate::program::{AWAITED, Program};
use crate::scheme::{Scheme, Sizes};

/// The sizes of all coroutines that are modelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Of each coroutine, by scheme, in bytes, where another awaits it ([`Sizes::awaited`]).
    pub coroutines: BTreeMap<TypeId, BTreeMap<Scheme, u64>>,
    /// Those that no other awaits: tasks, and what is boxed, joined or raced. As coroutines of `cps-core` they are
    /// roots, and take a driver each, [`DRIVER`](crate::scheme::DRIVER), besides.
    pub roots: BTreeSet<TypeId>,
}

/// What can be removed, by cause, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Causes {
    /// Captures that are stored for life.
    pub captures: i128,
    /// Locals over several awaits, stored for life.
    pub several_awaits: i128,
    /// What is awaited is packed by itself.
    pub nesting: i128,
    /// The rest, to the bound.
    pub rest: i128,
}

impl Totals {
    /// Of a program.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let locals = program.coroutines.values().flat_map(|found| &found.relocated.locals);
        let awaited: BTreeSet<TypeId> =
            locals.filter(|local| local.name == AWAITED).map(|local| local.ty).collect();
        let all = program.coroutines.keys().copied();
        let roots = all.filter(|ty| !awaited.contains(ty)).collect();
        let mut totals = Self { roots, ..Self::default() };
        for scheme in Scheme::ALL {
            let mut sizes = Sizes::new(program, scheme);
            for found in program.coroutines.values() {
                let size = sizes.awaited(found).size;
                totals.coroutines.entry(found.ty).or_default().insert(scheme, size);
            }
        }
        totals
    }

    /// The sum of all sizes under a scheme.
    #[must_use]
    pub fn bytes(&self, scheme: Scheme) -> u64 {
        self.coroutines.values().filter_map(|sizes| sizes.get(&scheme)).sum()
    }

    /// What can be removed, by cause.
    #[must_use]
    pub fn causes(&self) -> Causes {
        let bytes = |scheme| i128::from(self.bytes(scheme));
        let [today, relocated, both, inlined, bound] =
            [Scheme::Today, Scheme::Relocated, Scheme::Both, Scheme::Inlined, Scheme::Bound]
                .map(bytes);
        Causes {
            captures: today - relocated,
            several_awaits: relocated - both,
            nesting: both - inlined,
            rest: inlined - bound,
        }
    }

    /// The coroutines of at least so many bytes today, the largest first.
    #[must_use]
    pub fn largest(&self, least: u64) -> Vec<TypeId> {
        let today = |ty: &TypeId| self.coroutines[ty][&Scheme::Today];
        let mut largest: Vec<TypeId> =
            self.coroutines.keys().copied().filter(|ty| today(ty) >= least).collect();
        largest.sort_by_key(|ty| std::cmp::Reverse(today(ty)));
        largest
    }
}

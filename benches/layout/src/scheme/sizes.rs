//! The size of every type of a program under one scheme.

use std::collections::HashMap;

use super::{Scheme, coroutine, inlined};
use crate::dwarf::{Kind, TypeId};
use crate::model::placement::{self, Captures};
use crate::model::{Extent, relocated, rustc};
use crate::program::{AWAITED, Coroutine, Item, Program};

/// The extents of a program's types under one scheme.
///
/// A type that holds coroutines changes with them; all else is as the compiler has it. So is a coroutine that could not
/// be modelled.
#[derive(Debug)]
pub struct Sizes<'p> {
    pub(super) program: &'p Program,
    pub(super) scheme: Scheme,
    extents: HashMap<TypeId, Extent>,
    pub(super) frames: HashMap<TypeId, Extent>,
    pub(super) bounds: HashMap<TypeId, u64>,
    holders: HashMap<TypeId, bool>,
}

impl<'p> Sizes<'p> {
    /// Of one scheme.
    #[must_use]
    pub fn new(program: &'p Program, scheme: Scheme) -> Self {
        Self {
            program,
            scheme,
            extents: HashMap::new(),
            frames: HashMap::new(),
            bounds: HashMap::new(),
            holders: HashMap::new(),
        }
    }

    /// Whose sizes they are.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The extent of a type where it is held as a value.
    pub fn of(&mut self, ty: TypeId) -> Extent {
        if let Some(&known) = self.extents.get(&ty) {
            return known;
        }
        let program = self.program;
        let real = self.real(ty);
        // No type holds itself; but of two versions of a crate one may hold the other's type of the same name and size.
        self.extents.insert(ty, real);
        let extent = if self.scheme == Scheme::Today {
            real
        } else if let Some(found) = program.coroutines.get(&ty) {
            self.of_coroutine(found)
        } else if self.holds_coroutines(ty) {
            self.of_holder(ty, real)
        } else {
            real
        };
        self.extents.insert(ty, extent);
        extent
    }

    /// The extent of a coroutine where another awaits it.
    ///
    /// For a coroutine of `cps-core` that is a frame in its caller's. What holds it as a value holds a root, which is
    /// larger by the driver, and at least as large as the arguments: [`of`](Self::of).
    pub fn awaited(&mut self, found: &Coroutine) -> Extent {
        match coroutine::header(self.scheme) {
            Some(_) => self.frame(found),
            None => self.of(found.ty),
        }
    }

    /// The extent of something stored, by how it is held.
    pub(crate) fn of_item(&mut self, item: &Item) -> Extent {
        if item.name == AWAITED && coroutine::header(self.scheme).is_some() {
            let program = self.program;
            if let Some(found) = program.coroutines.get(&item.ty) {
                return self.frame(found);
            }
        }
        self.of(item.ty)
    }

    pub(crate) fn of_items(&mut self, items: &[Item]) -> Vec<Extent> {
        items.iter().map(|item| self.of_item(item)).collect()
    }

    /// The size of a coroutine by this scheme's rules, where it is a value.
    fn of_coroutine(&mut self, found: &Coroutine) -> Extent {
        match self.scheme {
            Scheme::Inlined => return inlined::extent(self, found),
            Scheme::Bound => return inlined::bound(self, found),
            Scheme::Coroutine | Scheme::ShortHeader => return self.root(found),
            Scheme::Today | Scheme::Relocated | Scheme::Overlapped | Scheme::Both => {}
        }
        self.alone(found)
    }

    /// The rules of the schemes that look at one coroutine at a time, for the others those of `both`.
    pub(super) fn alone(&mut self, found: &Coroutine) -> Extent {
        let captures = self.of_items(&found.captures);
        let new = &found.relocated;
        match self.scheme {
            Scheme::Today => {
                let locals = self.of_items(&found.locals);
                rustc::layout(&captures, &locals, &found.saved).extent
            }
            Scheme::Relocated => {
                let locals = self.of_items(&new.locals);
                relocated::extent(&captures, &locals, &new.saved, &new.slots)
            }
            Scheme::Overlapped => {
                let (locals, place) = (self.of_items(&found.locals), Captures::ForLife);
                placement::extent(&captures, &locals, &found.saved, &new.slots, place)
            }
            _ => {
                let (locals, place) = (self.of_items(&new.locals), Captures::BeforeStart);
                placement::extent(&captures, &locals, &new.saved, &new.slots, place)
            }
        }
    }

    /// As the compiler has it.
    pub(super) fn real(&self, ty: TypeId) -> Extent {
        let ty = self.program.types.get(ty);
        Extent { size: ty.size, align: ty.align }
    }

    /// Whether a coroutine that can be modelled is in it.
    pub(super) fn holds_coroutines(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.holders.get(&ty) {
            return known;
        }
        let program = self.program;
        self.holders.insert(ty, false);
        let holds = match &program.types.get(ty).kind {
            Kind::Coroutine => program.coroutines.contains_key(&ty),
            Kind::Leaf | Kind::Function => false,
            Kind::Array(element, _) => self.holds_coroutines(*element),
            Kind::Struct(fields) | Kind::Choice(fields) => {
                fields.iter().any(|field| self.holds_coroutines(field.ty))
            }
        };
        self.holders.insert(ty, holds);
        holds
    }

    /// A struct or enum changes by as much as its fields, or by as much as its largest one.
    fn of_holder(&mut self, ty: TypeId, real: Extent) -> Extent {
        let program = self.program;
        let (old, new, least) = match &program.types.get(ty).kind {
            Kind::Array(element, count) => {
                let element = self.of(*element);
                return Extent { size: element.size * count, align: real.align };
            }
            Kind::Struct(fields) => {
                let old: u64 = fields.iter().map(|field| self.real(field.ty).size).sum();
                let new: Vec<u64> = fields.iter().map(|field| self.of(field.ty).size).collect();
                (old, new.iter().sum::<u64>(), new.into_iter().max().unwrap_or(0))
            }
            Kind::Choice(fields) => {
                let old = fields.iter().map(|field| self.real(field.ty).size).max().unwrap_or(0);
                let new = fields.iter().map(|field| self.of(field.ty).size).max().unwrap_or(0);
                (old, new, new)
            }
            Kind::Leaf | Kind::Function | Kind::Coroutine => return real,
        };
        let size = (real.size + new).saturating_sub(old).max(least);
        // (A coroutine's alignment may be higher than before, but no lower one is given to its holder.)
        let align = self.align_of(ty).max(real.align);
        Extent { size, align }.padded()
    }

    fn align_of(&mut self, ty: TypeId) -> u64 {
        let program = self.program;
        match &program.types.get(ty).kind {
            Kind::Struct(fields) | Kind::Choice(fields) => {
                fields.iter().map(|field| self.of(field.ty).align).max().unwrap_or(1)
            }
            _ => 1,
        }
    }
}

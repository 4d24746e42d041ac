//! A program: the types of its coroutines, from debug information, joined with what the compiler found out about their
//! definitions, from dumps.

pub mod dumps;
mod join;
#[cfg(test)]
pub(crate) mod recorded;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use fixedbitset::FixedBitSet;

use crate::dwarf::{self, TypeId, Types};
use crate::mir::saved::Saved;
use dumps::Dumps;

/// A coroutine of a program, with everything that the schemes need.
#[derive(Clone, Debug)]
pub struct Coroutine {
    /// Its type.
    pub ty: TypeId,
    /// What it has captured: the arguments of an `async fn`.
    pub captures: Vec<Item>,
    /// What it stores today.
    pub locals: Vec<Item>,
    /// When.
    pub saved: Saved,
    /// The captures that are in a stored local, too.
    pub doubled: Vec<usize>,
    /// What it would store if it moved its captures into locals first.
    pub relocated: Relocated,
    /// Where it suspends.
    pub suspensions: Vec<Place>,
    /// The type of its result, if there is code that resumes it.
    pub output: Option<TypeId>,
}

/// What a coroutine would store if it moved its captures into locals first.
#[derive(Clone, Debug)]
pub struct Relocated {
    /// What.
    pub locals: Vec<Item>,
    /// For each of these whether it is a capture that the body uses without moving it into a variable.
    pub in_place: Vec<bool>,
    /// When.
    pub saved: Saved,
    /// For a capture the stored local that it becomes.
    pub slots: BTreeMap<usize, usize>,
    /// For each stored local those that a block around it would have to keep apart from it.
    pub scoped: Vec<FixedBitSet>,
    /// What a coroutine of `cps-core` stores, and when, if that is something else: it moves what is copied only once.
    pub moved_once: Option<(Vec<Item>, Saved)>,
}

impl Relocated {
    /// What a coroutine of `cps-core` stores, and when.
    #[must_use]
    pub fn as_coroutine(&self) -> (&[Item], &Saved) {
        match &self.moved_once {
            Some((locals, saved)) => (locals, saved),
            None => (&self.locals, &self.saved),
        }
    }
}

/// Something that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// In the source, or a number that rustc gave it. `__awaitee` is what is awaited.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
}

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u64,
}

/// The name that rustc gives to what is awaited.
pub const AWAITED: &str = "__awaitee";

/// Why a type could not be modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// There is no dump of its definition.
    Dump,
    /// The dump is of another version of it.
    Other,
    /// Debug information confuses members that have one name.
    Names,
    /// The dump of its relocated body stores a local whose type is unknown.
    Local,
}

impl Missing {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dump => "no dump of its definition",
            Self::Other => "the dump does not fit the type",
            Self::Names => "several of its members have one name",
            Self::Local => "the type of a local is unknown",
        }
    }
}

/// What is known about a program.
#[derive(Debug)]
pub struct Program {
    /// All types that are in coroutines.
    pub types: Types,
    /// The coroutines that can be modelled.
    pub coroutines: BTreeMap<TypeId, Coroutine>,
    /// The others.
    pub missing: BTreeMap<TypeId, Missing>,
    /// What was compared with what the compiler found out.
    pub checked: Checked,
}

/// The comparisons with the compiler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Definitions for which the analyses find what the compiler found.
    pub definitions: usize,
    /// Files of those for which they do not.
    pub other_liveness: Vec<String>,
    /// Dumps that could not be read, and why.
    pub unreadable: Vec<String>,
    /// Types for which the model gives the compiler's size and alignment.
    pub types: usize,
    /// The others: the name, the model's size and alignment, and the compiler's.
    pub other_size: Vec<(String, crate::model::Extent, crate::model::Extent)>,
}

impl Checked {
    /// Whether everything is as the compiler has it.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.other_liveness.is_empty() && self.unreadable.is_empty() && self.other_size.is_empty()
    }
}

impl Program {
    /// Reads a program and its dumps.
    ///
    /// # Errors
    /// If the program or the directory of its dumps cannot be read.
    pub fn read(binary: &Path, mut dumps: Dumps) -> Result<Self> {
        Ok(join::join(dwarf::read(binary)?, &mut dumps))
    }
}

//! Types without their debug information: what of them matters for where things lie.

use std::collections::{BTreeMap, HashMap};

/// The number of a type in [`Types`].
pub type TypeId = usize;

/// A type of the program.
#[derive(Clone, Debug)]
pub struct Type {
    /// With its path and its arguments.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// In bytes.
    pub align: u64,
    /// What it is made of.
    pub kind: Kind,
}

/// What a type is made of.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing that could be laid out in another way.
    Leaf,
    /// A function, or a pointer to one: debug information does not tell them apart. A function has no size.
    Function,
    /// All of its fields.
    Struct(Vec<Field>),
    /// One of its fields, or of its variants' fields.
    Choice(Vec<Field>),
    /// So many of one type.
    Array(TypeId, u64),
    /// A state machine.
    Coroutine,
}

/// A member of a type, or of a variant.
#[derive(Clone, Debug)]
pub struct Field {
    /// In the source, or a number that rustc gave it.
    pub name: String,
    /// In bytes.
    pub offset: u64,
    /// Its type.
    pub ty: TypeId,
}

/// A coroutine's type.
#[derive(Clone, Debug)]
pub struct CoroutineType {
    /// The type.
    pub ty: TypeId,
    /// Where it is defined: the crate, modules, functions, and itself.
    pub path: Vec<String>,
    /// By discriminant: not started, returned, panicked, and one for each suspension.
    pub variants: Vec<Variant>,
    /// What it returns, if there is code that resumes it.
    pub output: Option<TypeId>,
    /// The variables of that code.
    pub variables: Vec<Variable>,
}

/// A variable in the code of a coroutine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// In the source.
    pub name: String,
    /// Where it is declared.
    pub line: u64,
    /// Its type.
    pub ty: TypeId,
}

/// A state of a coroutine.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The file of the suspension.
    pub file: String,
    /// Its line.
    pub line: u64,
    /// What is stored: first the locals, in rustc's order, and then the captures.
    pub fields: Vec<Field>,
}

/// All types that are in coroutines of a program, and these.
#[derive(Clone, Debug, Default)]
pub struct Types {
    list: Vec<Type>,
    by_name: HashMap<(String, u64, u64), TypeId>,
    /// The compiler, as it names itself.
    pub compiler: String,
    /// The coroutines, by type.
    pub coroutines: BTreeMap<TypeId, CoroutineType>,
}

impl Types {
    /// A type.
    ///
    /// # Panics
    /// If the number is not from here.
    #[must_use]
    pub fn get(&self, ty: TypeId) -> &Type {
        &self.list[ty]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a type, or finds it again. Units describe a type in full, or as a leaf: the full one counts.
    pub fn intern(&mut self, ty: Type) -> TypeId {
        let key = (ty.name.clone(), ty.size, ty.align);
        if let Some(&known) = self.by_name.get(&key) {
            if matches!(self.list[known].kind, Kind::Leaf) {
                self.list[known] = ty;
            }
            return known;
        }
        self.list.push(ty);
        self.by_name.insert(key, self.list.len() - 1);
        self.list.len() - 1
    }
}

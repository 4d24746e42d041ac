//! For tests: the coroutine of which the dumps in `tests/dumps` are, with the types that it had.

use std::path::Path;

use super::Program;
use super::dumps::{BEFORE, Dumps, RESUME};
use super::join::join;
use crate::dwarf::{CoroutineType, Field, Kind, Type, Types, Variant};

pub(crate) const BEFORE_TEXT: &str = include_str!("../../tests/dumps/looped.before.mir");
pub(crate) const RESUME_TEXT: &str = include_str!("../../tests/dumps/looped.resume.mir");

/// The size that the compiler gave it.
pub(crate) const SIZE: u64 = 1968;

/// The program, if the compiler had given its coroutine this size, and this had been the second dump.
pub(crate) fn program(size: u64, resume: &str) -> Program {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "s1.looped-{closure#0}", resume);
    join(types(size), &mut Dumps::list(directory.path(), |_| true).unwrap())
}

/// Writes the dumps of a definition.
pub(crate) fn write(directory: &Path, definition: &str, resume: &str) {
    std::fs::write(directory.join(format!("{definition}{BEFORE}")), BEFORE_TEXT).unwrap();
    std::fs::write(directory.join(format!("{definition}{RESUME}")), resume).unwrap();
}

fn types(size: u64) -> Types {
    let mut types = Types::default();
    let mut leaf = |name: &str, size, align| {
        types.intern(Type { name: name.to_owned(), size, align, kind: Kind::Leaf })
    };
    let (big, word, half) = (leaf("Big", 480, 8), leaf("usize", 8, 8), leaf("u32", 4, 4));
    let (range, awaited, flag) =
        (leaf("Range", 8, 4), leaf("s1::leaf", 976, 8), leaf("bool", 1, 1));
    let name = "s1::looped::{async_fn_env#0}".to_owned();
    let ty = types.intern(Type { name, size, align: 8, kind: Kind::Coroutine });
    let field = |(name, offset, ty): &(&str, u64, usize)| Field {
        name: (*name).to_owned(),
        offset: *offset,
        ty: *ty,
    };
    let variant = |line, fields: &[(&str, u64, usize)]| Variant {
        file: "src/main.rs".to_owned(),
        line,
        fields: fields.iter().map(field).collect(),
    };
    let captures = [("b", 0, big), ("n", 968, half)];
    let first = [
        ("b", 480, big),
        ("t", 960, word),
        ("iter", 980, range),
        ("i", 976, half),
        ("__awaitee", 992, awaited),
        ("__5", 973, flag),
    ];
    let second = [("__0", 976, word), ("__awaitee", 984, awaited), ("__2", 973, flag)];
    let variants =
        [&captures[..], &captures, &captures, &first, &second].map(|fields| variant(6, fields));
    let path = ["s1", "looped", "{async_fn_env#0}"].map(str::to_owned);
    let coroutine = CoroutineType {
        ty,
        path: path.into(),
        variants: variants.into(),
        output: None,
        variables: Vec::new(),
    };
    types.coroutines.insert(ty, coroutine);
    types
}

//! The whole way, from a build to sizes, with a program whose sizes are known: `lab-shapes`.
//!
//! It compiles that program once, with the rustc that is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use lab_layout::advice;
use lab_layout::build::{Build, Built};
use lab_layout::mir::READ_FOR;
use lab_layout::program::Program;
use lab_layout::scheme::{Scheme, Sizes};

/// A function and today's size, which tell the types of one generic function apart.
type Known = (String, u64);

struct Shapes {
    program: Program,
    /// What the program printed: what its coroutines take.
    coroutines: BTreeMap<Known, u64>,
    /// The size of the coroutine with two blocks, each packed by itself.
    packed: u64,
}

/// The program, or none if rustc is one whose dumps the parser was not read for.
fn shapes() -> Option<&'static Shapes> {
    static SHAPES: OnceLock<Option<Shapes>> = OnceLock::new();
    SHAPES.get_or_init(build).as_ref()
}

fn build() -> Option<Shapes> {
    let rustc = Command::new("rustc").arg("--version").output().expect("rustc runs").stdout;
    let rustc = String::from_utf8(rustc).unwrap();
    if !READ_FOR.iter().any(|version| rustc.starts_with(&format!("rustc {version}."))) {
        eprintln!("SKIPPED: the dumps of {} were not read", rustc.trim());
        return None;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes/Cargo.toml");
    let build = Build { manifest_path: Some(manifest), ..Build::default() };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let wrapper = Path::new(env!("CARGO_BIN_EXE_lab-layout-rustc"));
    let Built { name, binary, dumps } = build.run(directory.path(), wrapper).unwrap();
    assert_eq!(name, "lab-shapes");
    let output = Command::new(&binary).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let (packed, known): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("packed "));
    let packed = packed[0]["packed ".len()..].parse().unwrap();
    let coroutines = known.into_iter().map(|line| {
        let (plain, rest) = line.split_once(' ').unwrap();
        let (direct, ty) = rest.split_once(' ').unwrap();
        ((function(ty), plain.parse().unwrap()), direct.parse().unwrap())
    });
    let coroutines = coroutines.collect();
    Some(Shapes { program: Program::read(&binary, dumps).unwrap(), coroutines, packed })
}

/// A type's path without arguments, and without its last part, which debug information calls otherwise.
fn function(ty: &str) -> String {
    let mut depth = 0;
    let path: String = ty
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '<');
            let kept = depth == 0;
            depth -= i32::from(*c == '>');
            kept
        })
        .collect();
    path.rsplit_once("::").expect("a function is in a crate").0.to_owned()
}

/// The sizes of each function's types under a scheme, by today's.
fn sizes(program: &Program, scheme: Scheme) -> BTreeMap<Known, BTreeSet<u64>> {
    let mut sizes = Sizes::new(program, scheme);
    let mut all: BTreeMap<Known, BTreeSet<u64>> = BTreeMap::new();
    for &ty in program.coroutines.keys() {
        let known = program.types.get(ty);
        all.entry((function(&known.name), known.size)).or_default().insert(sizes.of(ty).size);
    }
    all
}

#[test]
fn the_model_gives_the_size_of_every_type_and_the_analyses_that_of_every_definition() {
    let Some(Shapes { program, .. }) = shapes() else { return };
    assert!(program.checked.is_right(), "{:#?}", program.checked);
    assert!(program.missing.is_empty(), "{:?}", program.missing);
    assert_eq!(program.checked.types, program.types.coroutines.len());
    assert!(program.checked.types > 100, "{}", program.checked.types);
    assert!(program.checked.definitions > 50, "{}", program.checked.definitions);
    assert!(READ_FOR.iter().any(|v| program.types.compiler.starts_with(&format!("rustc {v}."))));
}

#[test]
fn a_coroutine_of_cps_core_is_as_large_as_predicted() {
    let Some(Shapes { program, coroutines, .. }) = shapes() else { return };
    let predicted = sizes(program, Scheme::Coroutine);
    assert!(coroutines.len() > 35, "{}", coroutines.len());
    for (known, size) in coroutines {
        let predicted = predicted.get(known).unwrap_or_else(|| panic!("{known:?} is not found"));
        assert_eq!(*predicted, BTreeSet::from([*size]), "{known:?}");
    }
}

/// What the tests of rust-lang/rust#135527 print, `large-arg` and `async-awaiting-fut`: in `.classic.stdout` and in
/// `.relocate.stdout`.
#[test]
fn published_sizes_of_relocated_captures_are_those_of_the_model() {
    let Some(Shapes { program, .. }) = shapes() else { return };
    let relocated = sizes(program, Scheme::Relocated);
    let published = [
        ("handed_down", 3076, 1028),
        ("first", 3075, 1027),
        ("second", 2050, 1026),
        ("third", 1025, 1025),
        ("in_a_loop", 3078, 2053),
        ("awaits", 3077, 2052),
        ("unused", 1025, 1025),
        ("nothing", 1, 1),
    ];
    for (name, today, after) in published {
        let known = (format!("lab_shapes::published::{name}"), today);
        assert_eq!(relocated.get(&known), Some(&BTreeSet::from([after])), "{known:?}");
    }
}

#[test]
fn the_blocks_that_are_advised_save_what_is_said() {
    let Some(Shapes { program, packed, .. }) = shapes() else { return };
    let mut sizes = Sizes::new(program, Scheme::Coroutine);
    let mut of = |name: &str| {
        let found = program.coroutines.values().find(|found| {
            function(&program.types.get(found.ty).name) == format!("lab_shapes::nested::{name}")
        });
        let found = found.expect("it is in the program");
        (sizes.of(found.ty).size, advice::blocks(&mut sizes, found))
    };
    let (whole, advised) = of("blocks2");
    let advised = advised.expect("there are two blocks");
    assert_eq!((advised.lines.len(), whole - advised.saves), (2, *packed));
    assert_eq!(of("sequence4").1, None);
}

#[test]
fn no_scheme_needs_more_than_the_one_before_nor_less_than_the_bound() {
    let Some(Shapes { program, .. }) = shapes() else { return };
    let order = [Scheme::Both, Scheme::Inlined, Scheme::Bound];
    let mut sizes = order.map(|scheme| Sizes::new(program, scheme));
    for &ty in program.coroutines.keys() {
        let sizes = sizes.each_mut().map(|sizes| sizes.of(ty).size);
        assert!(sizes.is_sorted_by(|a, b| a >= b), "{}: {sizes:?}", program.types.get(ty).name);
    }
}

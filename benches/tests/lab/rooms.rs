//! The rooms of the lab's packages: modules that depend on each other in one direction only.
//!
//! Rooms are the modules at the top of a package, and the experiments below theirs. What is looked at is
//! the text: a path that begins with `crate::`, or with `super::` where that is the parent of the
//! rooms. Between packages there are no circles anyway, or Cargo would refuse them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where rooms are, and how they name each other.
const HOUSES: [(&str, &str); 8] = [
    ("layout/src", "crate::"),
    ("work/src", "crate::"),
    ("programs/src", "crate::"),
    ("runtimes/src", "crate::"),
    ("strategies/src", "crate::"),
    ("src", "crate::"),
    ("src/experiment", "crate::experiment::"),
    ("src/layout", "crate::layout::"),
];

/// The files that put the rooms of a house together.
const DOORS: [&str; 3] = ["lib.rs", "main.rs", "mod.rs"];

type Rooms = BTreeMap<String, BTreeSet<String>>;

/// All Rust files below a path.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.extend((path.extension() == Some("rs".as_ref())).then(|| path.to_owned()));
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        files(&entry.unwrap().path(), found);
    }
}

/// The text without comments that fill a line.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of what is behind a `::`: of one path, or of each in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in group.char_indices() {
        match c {
            ',' if depth == 0 => {
                names.push(name(&group[start..i]));
                start = i + 1;
            }
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..i]));
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

/// What a text names behind each `prefix`.
fn named(text: &str, prefix: &str) -> Vec<String> {
    text.match_indices(prefix)
        .filter(|(i, _)| {
            let before = text[..*i].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
        .flat_map(|(i, _)| first_names(&text[i + prefix.len()..]))
        .collect()
}

/// The rooms of a house, each with those that it depends on.
fn rooms(house: &Path, prefix: &str) -> Rooms {
    let mut rooms = Rooms::new();
    for entry in fs::read_dir(house).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if DOORS.contains(&name) || !(path.is_dir() || name.ends_with(".rs")) {
            continue;
        }
        let mut all = Vec::new();
        files(&path, &mut all);
        let mut uses = BTreeSet::new();
        for file in all {
            let text = code(&file);
            uses.extend(named(&text, prefix));
            // In the room's own file, `super` is the house.
            if file == path || file == path.join("mod.rs") {
                uses.extend(named(&text, "super::"));
            }
        }
        rooms.insert(name.trim_end_matches(".rs").to_owned(), uses);
    }
    let names: BTreeSet<String> = rooms.keys().cloned().collect();
    for (name, uses) in &mut rooms {
        uses.retain(|used| names.contains(used) && used != name);
    }
    rooms
}

/// The rooms that are left when those are taken away that depend on no other, again and again: empty
/// unless there is a circle.
fn circle(mut rooms: Rooms) -> Rooms {
    loop {
        let free: Vec<String> = rooms
            .iter()
            .filter(|(_, uses)| uses.iter().all(|used| !rooms.contains_key(used)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            return rooms;
        }
        rooms.retain(|name, _| !free.contains(name));
    }
}

#[test]
fn rooms_depend_on_each_other_in_one_direction() {
    for (house, prefix) in HOUSES {
        let rooms = rooms(&Path::new(env!("CARGO_MANIFEST_DIR")).join(house), prefix);
        assert!(rooms.len() > 2, "{house}: {rooms:?}");
        let left = circle(rooms);
        assert!(left.is_empty(), "a circle in {house}, among: {left:#?}");
    }
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let house = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(house.path().join(name), text).unwrap();
    write("lib.rs", "use crate::a;");
    write("a.rs", "// crate::c\nuse crate::{\n    b::{c, d},\n    x,\n};\n");
    write("b.rs", "use super::c::Thing;\n");
    write("c.rs", "use other::crate_a::a;\n");
    let found = rooms(house.path(), "crate::");
    assert_eq!(found["a"], BTreeSet::from(["b".to_owned()]));
    assert_eq!(found["b"], BTreeSet::from(["c".to_owned()]));
    assert!(circle(found).is_empty());
    write("c.rs", "fn f() { $crate::a::g() }\n");
    assert_eq!(circle(rooms(house.path(), "crate::")).len(), 3);
}

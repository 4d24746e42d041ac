//! Arguments of a `Copy` type that a body passes on once.
//!
//! The attribute of `cps-core` holds such an argument in a wrapper that is not `Copy`, so that passing it on is a move,
//! and its memory is free from then on (`cps-core/macros/src/moved_once.rs`). In a plain body it is copied, and stays.

use super::Local;
use super::body::{Lines, targets_of};
use super::place::{locals, whole_local, without_strings};

/// The lines at which such an argument is copied for the last time: block and index.
pub(super) fn copies(lines: &Lines<'_>) -> Vec<(usize, usize)> {
    let all = || {
        lines.iter().enumerate().flat_map(|(block, lines)| {
            lines.iter().enumerate().map(move |(index, line)| (block, index, *line))
        })
    };
    let arguments = all().filter_map(|(_, _, line)| {
        let (local, value) = line.split_once(" = copy (_1.")?;
        // A whole capture: nothing follows its bracket.
        (value.ends_with(')') && !value.contains(").")).then_some(whole_local(local)?)
    });
    let mut found = Vec::new();
    for argument in arguments.collect::<Vec<_>>() {
        let mut reads = all().filter(|(_, _, line)| {
            !line.starts_with("Storage")
                && !line.starts_with(&format!("_{argument} = copy (_1."))
                && locals(&without_strings(line)).any(|(_, _, local)| local == argument)
        });
        let (Some((block, index, line)), None) = (reads.next(), reads.next()) else { continue };
        let copy = line.strip_suffix(&format!(" = copy _{argument}")).and_then(whole_local);
        let passed = |copied: Local| {
            let moved = format!("move _{copied}");
            all().any(|(_, _, line)| {
                line.split_once(&moved).is_some_and(|(before, after)| {
                    is_in_a_call(before) && after.starts_with([',', ')'])
                })
            })
        };
        if copy.is_some_and(passed) && !in_a_loop(lines, block) {
            found.push((block, index));
        }
    }
    found
}

/// Whether a line is, behind this text, among the arguments of a call, and not in a tuple, an array or braces.
fn is_in_a_call(before: &str) -> bool {
    let mut open = Vec::new();
    for (at, byte) in before.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => open.push(at),
            b')' | b']' | b'}' => drop(open.pop()),
            _ => {}
        }
    }
    open.last()
        .is_some_and(|&at| before[at..].starts_with('(') && !before[..at].ends_with([' ', '(']))
}

/// Whether a block can be reached from itself.
fn in_a_loop(lines: &Lines<'_>, block: usize) -> bool {
    let mut seen = vec![false; lines.len()];
    let mut next = targets_of(lines, block);
    while let Some(target) = next.pop() {
        if target == block {
            return true;
        }
        if !std::mem::replace(&mut seen[target], true) {
            next.extend(targets_of(lines, target));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines<'a>(blocks: &[&'a [&'a str]]) -> Lines<'a> {
        blocks.iter().map(|block| block.to_vec()).collect()
    }

    const ARGUMENT: &str = "_3 = copy (_1.0: [u8; N])";

    #[test]
    fn an_argument_that_is_passed_on_once_is_found() {
        let passed =
            lines(&[&[ARGUMENT, "_5 = copy _3", "_6 = f(move _5) -> [return: bb1]"], &["return"]]);
        assert_eq!(copies(&passed), [(0, 1)]);
    }

    #[test]
    fn one_that_is_used_twice_or_in_a_loop_or_in_part_is_not() {
        let twice = lines(&[&[ARGUMENT, "_5 = copy _3", "_7 = &_3", "_6 = f(move _5) -> bb1"]]);
        assert!(copies(&twice).is_empty());
        let looped = lines(&[
            &[ARGUMENT, "goto -> bb1"],
            &["_5 = copy _3", "_6 = f(move _5) -> [return: bb1, unwind: bb2]"],
            &["resume"],
        ]);
        assert!(copies(&looped).is_empty());
        let part =
            lines(&[&["_3 = copy (_1.0: (u8,)).0", "_5 = copy _3", "_6 = f(move _5) -> bb1"]]);
        assert!(copies(&part).is_empty());
    }
}

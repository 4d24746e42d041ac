//! The blocks of a body, from a dump of `coroutine_before`.

use anyhow::{Context as _, Result, ensure};

use super::place::{closing, locals, whole_local};
use super::{Effects, Local, moved_once};

/// A coroutine's body before it becomes a state machine.
#[derive(Clone, Debug)]
pub struct Body {
    /// By number.
    pub blocks: Vec<Block>,
    /// One more than the highest number of a local.
    pub locals: Local,
    /// For each captured variable the local that it is moved into first, if that is what the body does with it.
    pub fed: Vec<(usize, Local)>,
    /// The same, if the captured variable is copied: it is of a `Copy` type.
    pub copied: Vec<(usize, Local)>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The effects of its statements.
    pub statements: Vec<Effects>,
    /// How it ends.
    pub terminator: Terminator,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub struct Terminator {
    /// What it does besides.
    pub effects: Effects,
    /// Whether it is a suspension.
    pub suspends: bool,
    /// Whether it is a call: what it writes is written where the call returns.
    pub call: bool,
    /// Whether it is never reached.
    pub unreachable: bool,
    /// Where it leads to: what the edge is called (`return`, `unwind`, `resume`, …), and the block.
    pub targets: Vec<(String, usize)>,
}

impl Terminator {
    /// Whether what the terminator writes is written on an edge of this name.
    ///
    /// (A dump does not name an edge that is the only one: for a call that is unwinding, for a suspension resuming.)
    #[must_use]
    pub fn writes_on(&self, edge: &str) -> bool {
        (self.call && edge == "return")
            || (self.suspends && matches!(edge, "resume" | "drop" | "goto"))
    }
}

impl Body {
    /// The body in a dump.
    ///
    /// # Errors
    /// If the text is not what rustc wrote when this was made.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text, None)
    }

    /// The same body, if it first moved each of its `captures` into a local of its own, and then used that. These
    /// locals are the last ones: that of capture `i` is `body.locals - captures + i`.
    ///
    /// # Errors
    /// If the text is not what rustc wrote when this was made.
    pub fn parse_relocated(text: &str, captures: usize) -> Result<Self> {
        Self::read(text, Some(Relocation { captures, moved_once: false }))
    }

    /// The same, if it moved arguments of a `Copy` type where it passes them on for the only time. `None` if it has no
    /// such argument.
    ///
    /// # Errors
    /// If the text is not what rustc wrote when this was made.
    pub fn parse_moved_once(text: &str, captures: usize) -> Result<Option<Self>> {
        if moved_once::copies(&lines(text)?.0).is_empty() {
            return Ok(None);
        }
        Self::read(text, Some(Relocation { captures, moved_once: true })).map(Some)
    }

    fn read(text: &str, relocation: Option<Relocation>) -> Result<Self> {
        let (raw, first_free) = lines(text)?;
        let mut body =
            Self { blocks: Vec::new(), locals: first_free, fed: Vec::new(), copied: Vec::new() };
        for line in raw.iter().flatten() {
            let highest = locals(line).map(|(_, _, local)| local).max().unwrap_or(0);
            body.locals = body.locals.max(highest + 1);
            body.note_fed(line);
        }
        let base = body.locals;
        let moved = match relocation {
            Some(Relocation { moved_once: true, .. }) => moved_once::copies(&raw),
            _ => Vec::new(),
        };
        let text_of = |block: usize, index: usize| {
            let line = raw[block][index];
            if relocation.is_none() {
                line.to_owned()
            } else if moved.contains(&(block, index)) {
                line.replace(" = copy ", " = move ")
            } else {
                with_captures_as_locals(line, base)
            }
        };
        for (number, lines) in raw.iter().enumerate() {
            let last =
                lines.len().checked_sub(1).with_context(|| format!("block {number} is empty"))?;
            body.blocks.push(Block {
                statements: (0..last).map(|i| Effects::of_statement(&text_of(number, i))).collect(),
                terminator: terminator(&text_of(number, last))
                    .with_context(|| format!("the end of block {number}: {}", lines[last]))?,
            });
        }
        if let Some(Relocation { captures, .. }) = relocation {
            let captures = Local::try_from(captures)?;
            let entry = (base..base + captures).map(|local| Effects {
                written: Some(local),
                defined: Some(local),
                ..Effects::default()
            });
            body.blocks[0].statements.splice(0..0, entry);
            body.locals += captures;
        }
        Ok(body)
    }

    /// `_3 = move (_1.0: Big)`: capture 0 goes into local 3.
    fn note_fed(&mut self, line: &str) {
        for (how, fed) in [(" = move (_1.", &mut self.fed), (" = copy (_1.", &mut self.copied)] {
            let Some((local, value)) = line.split_once(how) else { continue };
            let capture = value.split(':').next().and_then(|index| index.parse().ok());
            let is_whole = value.ends_with(')') && !value.contains(").");
            if let (Some(capture), Some(local), true) = (capture, whole_local(local), is_whole) {
                if !fed.iter().any(|(known, _)| *known == capture) {
                    fed.push((capture, local));
                }
            }
        }
    }
}

/// How a body is changed before it is analysed.
#[derive(Clone, Copy)]
struct Relocation {
    captures: usize,
    moved_once: bool,
}

/// The lines of each block, without semicolons.
pub(super) type Lines<'a> = Vec<Vec<&'a str>>;

/// The lines of all blocks, and one more than the highest local that is declared.
fn lines(text: &str) -> Result<(Lines<'_>, Local)> {
    let mut lines = text.lines();
    ensure!(lines.any(|line| line.starts_with("fn ")), "there is no function in the dump");
    let mut first_free = super::RESUMED_WITH + 1;
    let mut raw = Lines::new();
    let mut open = false;
    for line in lines {
        if let Some(rest) = line.strip_prefix("    bb") {
            let number = rest.split([':', ' ']).next().unwrap_or_default();
            ensure!(number.parse() == Ok(raw.len()), "block {number} is out of order");
            raw.push(Vec::new());
            open = true;
        } else if line == "    }" {
            open = false;
        } else if open {
            let code = line.split(";  //").next().unwrap_or(line).trim_end_matches(';').trim();
            if !code.is_empty() && !code.starts_with("//") {
                raw.last_mut().expect("a block is open").push(code);
            }
        } else if let Some(declared) = declared(line) {
            first_free = first_free.max(declared + 1);
        }
    }
    ensure!(!raw.is_empty(), "there are no blocks in the dump");
    Ok((raw, first_free))
}

/// The blocks that a block leads to.
pub(super) fn targets_of(lines: &Lines<'_>, block: usize) -> Vec<usize> {
    let end = lines[block].last().and_then(|line| terminator(line).ok());
    let targets = end.map_or_else(Vec::new, |end| end.targets);
    targets.into_iter().map(|(_, target)| target).filter(|&target| target < lines.len()).collect()
}

/// The local of a declaration, `let mut _5: T;`.
fn declared(line: &str) -> Option<Local> {
    let rest = line.trim_start().strip_prefix("let ")?;
    let rest = rest.strip_prefix("mut ").unwrap_or(rest);
    locals(rest).next().filter(|(start, ..)| *start == 0).map(|(_, _, local)| local)
}

/// Replaces each `(_1.i: T)` by the local `base + i`.
fn with_captures_as_locals(text: &str, base: Local) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("(_1.") {
        let index = rest[start + "(_1.".len()..].split(':').next().and_then(|i| i.parse().ok());
        let (Some(index), Some(end)) = (index, closing(rest, start)) else {
            out.push_str(&rest[..start + 1]);
            rest = &rest[start + 1..];
            continue;
        };
        let index: Local = index;
        out.push_str(&rest[..start]);
        out.push_str(&format!("_{}", base + index));
        rest = &rest[end..];
    }
    out + rest
}

fn terminator(line: &str) -> Result<Terminator> {
    let (code, targets) = match line.rfind(" -> ") {
        // A function pointer's type may be the last thing in a line.
        Some(at) if is_targets(&line[at + 4..]) => (&line[..at], targets(&line[at + 4..])?),
        _ => match line.find(" unwind ").filter(|_| line.starts_with("drop(")) {
            Some(at) => (&line[..at], Vec::new()),
            None => (line, Vec::new()),
        },
    };
    let effects = Effects::of_terminator(code);
    let suspends = code.contains(" = yield(");
    Ok(Terminator {
        call: effects.written.is_some() && !suspends,
        unreachable: code.starts_with("unreachable"),
        suspends,
        effects,
        targets,
    })
}

fn is_targets(text: &str) -> bool {
    text.starts_with("bb")
        || text.starts_with('[') && text.ends_with(']')
        || text.starts_with("unwind ")
}

/// `bb3`, or `[return: bb3, unwind: bb4]`, `[0: bb1, otherwise: bb2]`.
fn targets(text: &str) -> Result<Vec<(String, usize)>> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    let mut targets = Vec::new();
    for target in inner.split(", ") {
        let (name, block) = target.split_once(": ").unwrap_or(("goto", target));
        if let Some(number) = block.strip_prefix("bb") {
            targets.push((name.to_owned(), number.parse().with_context(|| target.to_owned())?));
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = include_str!("../../tests/dumps/looped.before.mir");

    #[test]
    fn a_dump_has_blocks_suspensions_and_fed_captures() {
        let body = Body::parse(DUMP).unwrap();
        assert_eq!((body.blocks.len(), body.locals), (93, 63));
        assert_eq!(body.blocks.iter().filter(|block| block.terminator.suspends).count(), 2);
        assert_eq!((body.fed, body.copied), (vec![(0, 3)], vec![(1, 4)]));
        assert_eq!(
            body.blocks[14].terminator.targets,
            [("resume".to_owned(), 16), ("drop".to_owned(), 38)]
        );
    }

    #[test]
    fn relocated_captures_are_locals_of_the_entry() {
        let body = Body::parse_relocated(DUMP, 2).unwrap();
        assert_eq!(body.locals, 65);
        assert_eq!(body.blocks[0].statements[0].defined, Some(63));
        let moved: Vec<_> =
            body.blocks[0].statements.iter().flat_map(|e| e.moved.iter().copied()).collect();
        assert!(moved.contains(&63), "{moved:?}");
    }

    #[test]
    fn a_cut_dump_is_an_error() {
        assert!(Body::parse("").is_err());
        assert!(Body::parse("fn f() {\n    bb0: {\n    }\n}\n").is_err());
        assert!(Body::parse("fn f() {\n    bb1: {\n        return;\n    }\n}\n").is_err());
    }
}

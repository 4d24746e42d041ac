//! Whether a function that was made a coroutine does what an `async fn` of the same text does:
//! `peers/differential.rs`, a program that compares them in one process.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::build::Unit;
use super::toolchain::Toolchain;
use crate::foreign::run;

/// How functions become coroutines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// As in the strategy `llvm-coro`, with a frame for each coroutine.
    Heap,
    /// The same with the frames of callees in their callers'.
    Elided,
    /// As in the strategy `llvm-coro-inlined`.
    Inlined,
    /// They run when they are created, to the first suspension, and not when they are awaited.
    Eager,
    /// The same, and what rustc says of functions is left as it is, though it is false of coroutines.
    EagerWithAttributes,
}

impl Lowering {
    fn unit(self) -> Unit {
        let plain = Unit {
            file: "differential.rs",
            source: include_str!("peers/differential.rs"),
            is_library: false,
            cfgs: &["count"],
            options: "",
        };
        let eager = &["count", "eager"];
        match self {
            Lowering::Heap => plain,
            Lowering::Elided => Unit { options: "elide", ..plain },
            Lowering::Inlined => Unit { cfgs: &["count", "inlined"], ..plain },
            Lowering::Eager => Unit { cfgs: eager, options: "eager", ..plain },
            Lowering::EagerWithAttributes => {
                Unit { cfgs: eager, options: "eager;keep-attributes", ..plain }
            }
        }
    }
}

/// What the program has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many cases there were: inputs, times of cancelling, points that panic.
    pub cases: u64,
    /// In how many of them the results or the order of drops differ.
    pub different: u64,
    /// Frames that were never freed.
    pub frames: u64,
    /// What the program has said of the first case that differs.
    pub first: Option<String>,
}

/// Whether there are the tools for it.
///
/// # Errors
/// What is missing.
pub fn available() -> Result<()> {
    Toolchain::find().map(drop)
}

/// Builds and runs the program.
///
/// # Errors
/// If a tool is missing or fails, or the program does.
pub fn differential(lowering: Lowering) -> Result<Outcome> {
    let program = Toolchain::find()?.built(&lowering.unit())?;
    let printed = run(&mut Command::new(program))?;
    let summary = printed.lines().last().unwrap_or_default();
    let count = |name: &str| {
        let mut words = summary.split_whitespace().filter_map(|word| word.strip_prefix(name));
        words.next().and_then(|n| n.parse().ok()).with_context(|| format!("{name} in {summary:?}"))
    };
    Ok(Outcome {
        cases: count("cases=")?,
        different: count("different=")?,
        frames: count("frames=")?,
        first: printed.lines().find(|line| line.starts_with("seed")).map(str::to_owned),
    })
}

//! The lab with a strategy and an experiment that are not its own.
//!
//! `cargo run --release -p lab-extension -- resume --quick` shows the strategy beside all others, `… -- cancel` runs the
//! experiment. Whatever `lab` can do, this program can: counts, reports, comparisons, tables of texts.

mod by_hand;
mod cancel;

use std::process::ExitCode;

use lab::cli::{Extension, main_with};

fn main() -> ExitCode {
    main_with(Extension { strategies: &[by_hand::ENTRY], experiments: &[&cancel::Cancel] })
}

//! The `lab` program; see the crate `lab` for its experiments.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}

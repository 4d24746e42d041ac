//! The wrapper of rustc alone, for the tests of this package. In the lab it is the program `lab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab_layout::build::wrapper::run().unwrap_or_else(|| {
        eprintln!(
            "error: this is a RUSTC_WRAPPER, and needs {}",
            lab_layout::build::wrapper::DUMPS
        );
        ExitCode::FAILURE
    })
}

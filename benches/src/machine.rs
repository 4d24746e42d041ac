//! What stands beside every figure: processor, compiler, source, command.

use std::process::Command;

/// The circumstances of a run.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Processor and number of hardware threads.
    pub processor: String,
    /// The Rust compiler.
    pub compiler: &'static str,
    /// The optimisation level of the measured code.
    pub opt_level: &'static str,
    /// Commit of the source tree that the lab was built from, as it is now.
    pub commit: String,
    /// The command line.
    pub command: String,
}

impl Machine {
    /// Asks the system. An unknown fact is `unknown`.
    #[must_use]
    pub fn here() -> Self {
        let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let commit = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])
            .output()
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let command = std::env::args().skip(1).fold("lab".to_owned(), |all, arg| all + " " + &arg);
        Self {
            processor: format!(
                "{} ({}, {threads} threads)",
                model.as_deref().unwrap_or("unknown processor"),
                std::env::consts::ARCH
            ),
            compiler: lab_strategies::COMPILER,
            opt_level: lab_strategies::OPT_LEVEL,
            commit: commit.unwrap_or_else(|| "unknown".to_owned()),
            command,
        }
    }

    /// All of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{}; {}, opt-level {}; commit {}; `{}`",
            self.processor, self.compiler, self.opt_level, self.commit, self.command
        )
    }
}

//! Finding `rustc`, and the tools of its own major version of LLVM.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::foreign::run;

/// The version of LLVM that the plugin is written for; the interface of plugins differs between any two.
const LLVM: u32 = 22;

/// The header without which there are no plugins.
const HEADER: &str = "llvm/Plugins/PassPlugin.h";

/// What peers are built by.
#[derive(Debug)]
pub(super) struct Toolchain {
    pub(super) opt: String,
    pub(super) llc: String,
    pub(super) clang: String,
    /// Where LLVM's headers are.
    pub(super) headers: PathBuf,
    /// The versions of `rustc` and of the tools.
    rustc: String,
    llvm: String,
    /// All that `rustc` says of its version.
    verbose: String,
}

impl Toolchain {
    /// Looks for all programs.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn find() -> Result<Self> {
        let verbose = run(Command::new("rustc").arg("-vV")).context("no rustc on the path")?;
        let line = |name: &str| {
            let mut values = verbose.lines().filter_map(|line| line.strip_prefix(name));
            values.next().with_context(|| format!("rustc -vV does not say {name}"))
        };
        let (rustc, its_llvm) = (line("release: ")?.to_owned(), line("LLVM version: ")?);
        let major: u32 = its_llvm.split('.').next().unwrap_or_default().parse()?;
        ensure!(
            major == LLVM,
            "rustc {rustc} has LLVM {its_llvm}, and the plugin is written for LLVM {LLVM}"
        );
        let [opt, llc, clang, config] = ["opt", "llc", "clang++", "llvm-config"].map(program);
        let tools = (|| Ok((opt?, llc?, clang?, config?)))();
        let (opt, llc, clang, config) = tools.map_err(|error: anyhow::Error| {
            anyhow!("{error}: apt-get install clang-{LLVM} llvm-{LLVM}-dev")
        })?;
        let headers = PathBuf::from(run(Command::new(&config).arg("--includedir"))?.trim());
        ensure!(headers.join(HEADER).is_file(), "no {HEADER} in {}", headers.display());
        let llvm = run(Command::new(&config).arg("--version"))?.trim().to_owned();
        Ok(Self { opt, llc, clang, headers, rustc, llvm, verbose })
    }

    /// What else than the sources decides what is built.
    pub(super) fn versions(&self) -> (&str, &str) {
        (&self.verbose, &self.llvm)
    }

    /// What the libraries are built by.
    pub(super) fn describe(&self) -> String {
        format!("rustc {} and LLVM {} -O3", self.rustc, self.llvm)
    }
}

/// A tool of LLVM on the path, by its name with the major version, or by its plain name if it has that version.
fn program(name: &str) -> Result<String> {
    for program in [format!("{name}-{LLVM}"), name.to_owned()] {
        let Ok(says) = run(Command::new(&program).arg("--version")) else { continue };
        // `llvm-config` says the number alone, the others a sentence that has "version" before it.
        let number = says.split_whitespace().skip_while(|word| *word != "version").nth(1);
        let number = number.unwrap_or(says.trim());
        if number.split('.').next() == Some(LLVM.to_string().as_str()) {
            return Ok(program);
        }
    }
    bail!("no {name} of LLVM {LLVM} on the path, which is rustc's");
}

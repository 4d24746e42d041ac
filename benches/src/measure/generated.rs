//! Programs that are written and compiled while the lab runs.
//!
//! They are packages of their own below the lab's build directory. What they depend on is built before the clock runs,
//! and with the versions that the lab itself was built with, so that nothing is downloaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use lab_work::paths;
use lab_work::repeated;
use lab_work::source::{self, Dialect, Size};

use crate::record::Params;

/// What the compiler is asked for. Everything else is as Cargo has it by default, except that nothing is kept for the
/// next build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `cargo check`
    Check,
    /// `cargo build`
    Debug,
    /// `cargo build --release`
    Release,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Check, Self::Debug, Self::Release];

    /// Its name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["check"],
            Self::Debug => &["build"],
            Self::Release => &["build", "--release"],
        }
    }
}

/// How far the compiler optimises, in Cargo's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub &'static str);

impl Level {
    /// A debug build, and release builds that optimise ever more.
    pub const ALL: [Self; 4] = [Self("0"), Self("1"), Self("s"), Self("3")];

    fn mode(self) -> Mode {
        if self.0 == "0" { Mode::Debug } else { Mode::Release }
    }
}

/// A package that is written anew for each program.
#[derive(Debug)]
pub struct Package {
    name: String,
    directory: PathBuf,
    dialect: Dialect,
}

impl Package {
    /// The package for one way of writing programs.
    ///
    /// # Errors
    /// If the sources of this project are not where they were when the lab was built, or nothing can be written.
    pub fn new(strategy: &str, dialect: Dialect) -> Result<Self> {
        let placement = dialect.placement.map(|placement| format!("-{}", placement.name()));
        let name = format!("{strategy}{}", placement.unwrap_or_default());
        let directory = paths::cache("lab-generated")?.join(&name);
        let project =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the project");
        let dependency = project.join("cps-core");
        ensure!(
            dependency.is_dir(),
            "the sources of cps-core are not in {}: build the lab where they are",
            dependency.display()
        );
        let dependencies = match dialect.with_cps_core {
            true => format!("cps-core = {{ path = {:?} }}\n", dependency.display().to_string()),
            false => String::new(),
        };
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n"
        );
        fs::create_dir_all(directory.join("src"))
            .with_context(|| format!("cannot create {}", directory.display()))?;
        fs::write(directory.join("Cargo.toml"), manifest)?;
        fs::copy(project.join("Cargo.lock"), directory.join("Cargo.lock"))
            .context("cannot copy Cargo.lock")?;
        Ok(Self { name, directory, dialect })
    }

    /// The parameters that tell its results from others.
    #[must_use]
    pub fn params(&self) -> Params {
        let placement = self.dialect.placement.map(|placement| placement.name());
        placement.into_iter().map(|name| ("placement".to_owned(), name.into())).collect()
    }

    /// Compiles a program of this size and returns the processor time that this took: Cargo, compiler and linker.
    ///
    /// # Errors
    /// If Cargo cannot be run, or fails.
    pub fn compile(&self, size: Size, mode: Mode) -> Result<Duration> {
        self.write(&source::program(&self.dialect, size))?;
        let before = processor_time_of_children()?;
        self.cargo(mode, &[])?;
        Ok(processor_time_of_children()? - before)
    }

    /// Compiles a program that [repeats](repeated) one thing, and returns where it lies: apart from those of other levels.
    ///
    /// # Errors
    /// If Cargo cannot be run, or fails.
    pub fn repeating(&self, level: Level) -> Result<PathBuf> {
        self.write(&repeated::program(&self.dialect))?;
        let Level(number) = level;
        let mode = level.mode();
        let setting = match mode {
            Mode::Release => Some(format!("profile.release.opt-level={}", quoted(number))),
            _ => None,
        };
        let options: Vec<&str> =
            setting.iter().flat_map(|setting| ["--config", setting.as_str()]).collect();
        self.cargo(mode, &options)?;
        let program = self.directory.join(format!("repeating-{number}"));
        fs::copy(self.program(mode), &program)
            .with_context(|| format!("cannot keep {}", program.display()))?;
        Ok(program)
    }

    fn write(&self, text: &str) -> Result<()> {
        let file = self.directory.join("src/main.rs");
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    fn cargo(&self, mode: Mode, options: &[&str]) -> Result<()> {
        let output = Command::new("cargo")
            .args(mode.arguments())
            .args(options)
            .args(["--quiet", "--offline", "--target-dir"])
            .arg(self.target())
            .current_dir(&self.directory)
            .env("CARGO_INCREMENTAL", "0")
            .output()
            .context("cannot run `cargo`")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            bail!("cargo {} of {} failed:\n{text}", mode.name(), self.name);
        }
        Ok(())
    }

    /// Runs what was compiled, and compares what it prints.
    ///
    /// # Errors
    /// If it fails or prints something else than it should.
    pub fn verify(&self, size: Size, mode: Mode) -> Result<()> {
        let output = Command::new(self.program(mode)).output().context("cannot run the program")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let expected = source::expected(size);
        ensure!(
            output.status.success() && printed == expected,
            "{} printed {printed:?}",
            self.name
        );
        Ok(())
    }

    /// The program that the last [`compile`](Self::compile) of this mode made.
    #[must_use]
    pub fn program(&self, mode: Mode) -> PathBuf {
        self.target().join(mode.name()).join(&self.name)
    }

    /// One for all packages, so that what they depend on is built once.
    fn target(&self) -> PathBuf {
        self.directory.with_file_name("target")
    }
}

/// A level as TOML has it: numbers are numbers.
fn quoted(level: &str) -> String {
    if level.parse::<u8>().is_ok() { level.to_owned() } else { format!("\"{level}\"") }
}

/// Of all child processes that have ended, and theirs.
fn processor_time_of_children() -> Result<Duration> {
    // `proc_pid_stat(5)`: in ticks, of which Linux shows 100 a second on every machine.
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string("/proc/self/stat").context("no processor times here")?;
    // The second field is a name in parentheses, which may contain anything.
    let fields = text.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>());
    let ticks = |field: usize| fields.as_ref().and_then(|f| f.get(field - 3)?.parse::<u32>().ok());
    match (ticks(16), ticks(17)) {
        (Some(user), Some(system)) => Ok(TICK * (user + system)),
        _ => bail!("cannot read /proc/self/stat: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_computed_is_counted() {
        let before = processor_time_of_children().unwrap();
        let mut child = Command::new("sh");
        child.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
        assert!(child.status().unwrap().success());
        assert!(processor_time_of_children().unwrap() > before);
    }
}
